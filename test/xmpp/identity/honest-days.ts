/** Days of honest people, played from a seed: what they do at once, on a slow and breaking network. Nobody may be alarmed. */
import { omemoStatement, openPgpStatement } from '../../../src/identity.ts'
import { presence } from '../../../src/xmpp/stanza/stanza.ts'
import { seededRandom } from '../mls/seeded.ts'
import { linked, type Phone, Town } from './town.ts'

const account = 'alice@a.test'

/** What a day ended with. */
export interface HonestDay {
  /** What was done, in order, to tell seeds apart. */
  readonly done: readonly string[]
  /** Alarms of own devices: there are none. */
  readonly alarms: readonly string[]
  /** Warnings and alarms of the contact: there are none. */
  readonly told: readonly string[]
  /** The state of the account at the contact, who has compared it. */
  readonly state: string
  /** Whether all devices of the account know the same list at the end, and the server shows it. */
  readonly agreed: boolean
  /** Unexpected errors. */
  readonly errors: readonly unknown[]
}

/** Not: closed in the middle, out of time, or no steward any more after the other one has renewed the root. */
function isUnexpected(error: unknown): boolean {
  const { code = '' } = error as { readonly code?: string }
  return !['xmpp/offline', 'xmpp/timeout', 'identity/state', 'storage/fenced'].includes(code)
}

/** Two stewards, new devices, a contact and a network that does what it likes. */
export async function honestDay(seed: string): Promise<HonestDay> {
  const town = new Town(seed)
  const random = seededRandom(`honest day ${seed}`)
  const upTo = (most: number): number => random.randomBytes(2).reduce((sum, byte) => sum * 256 + byte, 0) % (most + 1)
  const done: string[] = []
  const phones: Phone[] = []
  const observer = town.service.connect('stranger@a.test/r')
  await observer.send(presence({}))
  const open = async (jid: string, more: Parameters<Town['phone']>[1] = {}): Promise<Phone> => {
    const ports = { timers: town.service.clock, random: seededRandom(`${seed} ${jid} ${phones.length}`), observer }
    const phone = await town.phone(jid, { ports, ...more })
    phones.push(phone)
    return phone
  }
  const phone = await open(`${account}/phone`)
  const { recoveryCode } = await phone.identity.create()
  await phone.identity.codeSaved()
  const laptop = await linked(town, phone, `${account}/laptop`, { steward: true })
  phones.push(laptop)
  await town.wait(25 * 3_600_000)
  for (const one of [phone, laptop, phone]) await one.identity.audit()
  const bob = await town.phone('bob@a.test/phone')
  await bob.identity.create()
  await (await bob.identity.digits(account)).confirm()

  // from here on every stanza takes its time
  const slow = [20, 200, 2_000, 8_000][upTo(3)] ?? 0
  const lost = upTo(3) === 0 ? 0.3 : 0
  town.service.faults = {
    ...town.service.faults,
    delay: [0, slow],
    applies: (stanza) => stanza.name === 'iq' || stanza.name === 'message',
  }
  const stopLoss = town.service.intercept((stanza) =>
    stanza.name === 'message' && upTo(999) < 1_000 * lost ? undefined : stanza,
  )
  let devices: Phone[] = [phone, laptop]
  let number = 0
  const again = async (one: Phone): Promise<void> => {
    if (!devices.includes(one) || !one.port.online) return
    await one.close()
    await town.wait(upTo(4 * slow))
    const next = await open(one.jid, { medium: one.medium })
    devices = devices.map((other) => (other === one ? next : other))
  }
  const acts: Record<string, (one: Phone) => Promise<unknown>> = {
    vouch: (one) => one.identity.vouch(omemoStatement(++number, new Uint8Array(32).fill(number))),
    pgp: (one) => one.identity.vouch(openPgpStatement(new Uint8Array(20).fill(++number))),
    audit: (one) => one.identity.audit(),
    look: () => bob.identity.refresh(account),
    link: async (one) => {
      const device = await open(`${account}/${++number}`)
      devices = [...devices, device]
      const link = await device.identity.link('tablet')
      const approval = await one.identity.review(link.text)
      await approval.approve(link.showCode(approval.challenge), { steward: upTo(1) === 0 })
      await link.done
    },
    remove: async (one) => {
      const gone = one.identity.status.devices.find(
        ({ device }) => device !== phone.identity.status.device && device !== laptop.identity.status.device,
      )
      if (gone !== undefined) await one.identity.removeDevice(gone.device, { reason: 'retired' })
    },
    rotate: (one) => one.identity.rotate(recoveryCode),
    again,
  }
  const names = [
    'vouch',
    'vouch',
    'pgp',
    'pgp',
    'audit',
    'audit',
    'look',
    'look',
    'look',
    'link',
    'link',
    'remove',
    'rotate',
    'again',
  ]
  const errors: unknown[] = []
  for (let round = 0; round < 2; round++) {
    const work: Promise<unknown>[] = []
    for (let i = 3 + upTo(4); i > 0; i--) {
      const name = names[upTo(names.length - 1)] ?? ''
      const one = devices[upTo(1)] ?? phone
      done.push(`${name} ${one.jid.split('/')[1]}`)
      work.push(
        (async () => {
          await town.wait(upTo(3 * slow))
          await acts[name]?.(one)
        })().catch((error: unknown) => {
          errors.push(error)
        }),
      )
    }
    await Promise.all(work)
    await town.wait(60_000)
  }
  stopLoss()
  town.service.faults = { ...town.service.faults, delay: [0, 0] }
  await town.wait(60_000)
  for (let i = 0; i < 3; i++)
    for (const one of devices) if (one.identity.status.deviceState !== 'FRESH') await one.identity.audit()
  await bob.identity.refresh(account)
  const seen = await bob.identity.contact(account)
  const standing = devices.filter(({ identity }) => ['ACTIVE', 'PROBATION'].includes(identity.status.deviceState))
  const result: HonestDay = {
    done: [`${slow} ms`, ...done],
    alarms: phones.flatMap(({ alarms, jid }) => alarms.map((kind) => `${kind} at ${jid}`)),
    told: bob.findings
      .filter(({ loudness }) => loudness === 'warning' || loudness === 'alarm')
      .map(({ finding }) => finding.kind),
    state: seen.state,
    agreed:
      new Set(
        standing.map(
          ({ identity }) => `${identity.status.generation} ${identity.status.seq} ${identity.status.published}`,
        ),
      ).size === 1,
    errors: [...errors, ...bob.errors, ...phones.flatMap((one) => one.errors)].filter(isUnexpected),
  }
  for (const one of [...devices, bob]) await one.close()
  town.stop()
  return result
}
