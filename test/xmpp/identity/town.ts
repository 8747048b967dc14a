/** Devices with identities on the embedded service. */

import { IdentityClient, type IdentityFinding, type IdentityOptions } from '../../../src/identity.ts'
import type { Storage } from '../../../src/ports/storage.ts'
import { MemoryMedium, openMemoryStorage } from '../../../src/storage/memory.ts'
import type { Session } from '../../../src/testing/xmpp/index.ts'
import { MlsClient, type MlsClientOptions } from '../../../src/xmpp/index.ts'
import { presence } from '../../../src/xmpp/stanza/stanza.ts'
import { seededRandom } from '../mls/seeded.ts'
import { World } from '../mls/world.ts'

/** A device with an identity client. */
export interface Phone {
  readonly jid: string
  readonly port: Session
  readonly medium: MemoryMedium
  readonly storage: Storage
  readonly identity: IdentityClient
  readonly findings: IdentityFinding[]
  readonly alarms: string[]
  readonly errors: unknown[]
  /** Opens the MLS client of the device. */
  mls(options?: Partial<MlsClientOptions>): Promise<MlsClient>
  close(): Promise<void>
}

export class Town extends World {
  #count = 0

  /** Connects a device; with a medium, the one that it was. */
  async phone(
    jid: string,
    options: Partial<IdentityOptions> & { readonly medium?: MemoryMedium } = {},
  ): Promise<Phone> {
    const { medium = new MemoryMedium(), ...rest } = options
    const port = this.service.connect(jid)
    await port.send(presence({}))
    const random = seededRandom(`${jid} ${this.#count++}`)
    const storage = await openMemoryStorage({ medium, randomBytes: (length) => random.randomBytes(length) })
    const ports = { timers: this.service.clock, random }
    const identity = await IdentityClient.open({ xmpp: port, storage, ports, ...rest })
    const [findings, alarms, errors]: [IdentityFinding[], string[], unknown[]] = [[], [], []]
    identity.on('finding', (one) => findings.push(one))
    identity.on('alarm', ({ kind }) => alarms.push(kind))
    identity.on('error', (error) => errors.push(error))
    let client: MlsClient | undefined
    return {
      jid,
      port,
      medium,
      storage,
      identity,
      findings,
      alarms,
      errors,
      async mls(more = {}) {
        client = await MlsClient.open({
          xmpp: port,
          storage,
          ports,
          identity,
          ...more,
          settings: { keyPackages: 2, ...more.settings },
        })
        return client
      },
      async close() {
        await client?.close()
        identity.close()
        port.disconnect()
      },
    }
  }
}

/** A second device of an account, linked over the server. */
export async function linked(
  town: Town,
  steward: Phone,
  jid: string,
  options: { readonly steward?: boolean } = {},
): Promise<Phone> {
  const device = await town.phone(jid)
  const link = await device.identity.link('a new device')
  const approval = await steward.identity.review(link.text)
  await approval.approve(link.showCode(approval.challenge), options)
  await link.done
  return device
}
