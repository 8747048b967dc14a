import { copyBytes } from '../../../src/bytes/bytes.ts'
import { cipherSuite } from '../../../src/index.ts'
import type { Storage } from '../../../src/ports/storage.ts'
import { MemoryMedium, openMemoryStorage } from '../../../src/storage/memory.ts'
import type { Dialect } from '../../../src/testing/xmpp/dialect.ts'
import { type Session, XmppService } from '../../../src/testing/xmpp/index.ts'
import {
  type ClientSettings,
  MlsClient,
  type MlsClientOptions,
  type MlsRoom,
  type RoomMessage,
  type RoomProblem,
  type Unreadable,
  type XmppPort,
} from '../../../src/xmpp/index.ts'
import type { XmlElement } from '../../../src/xmpp/stanza/element.ts'
import { presence } from '../../../src/xmpp/stanza/stanza.ts'
import { seededRandom } from './seeded.ts'

export const roomJid = 'garden@conference.a.test'

/** A device of a test: everything that it was told. */
export interface Device {
  readonly client: MlsClient
  readonly port: Session
  readonly medium: MemoryMedium
  readonly storage: Storage
}

/** A service with clients of the binding on it, on virtual time that runs by itself. */
export class World {
  readonly service: XmppService
  readonly #stop: () => void
  readonly #seed: string

  constructor(seed: string, sites: Record<string, Dialect | Dialect['name']> = { 'a.test': 'prosody' }) {
    this.#seed = seed
    this.service = new XmppService({ seed, sites })
    this.#stop = this.service.clock.autoRun(1)
  }

  /** Connects a device; with a medium, the one that it was. */
  async device(
    jid: string,
    options: Omit<Partial<MlsClientOptions>, 'settings'> & {
      medium?: MemoryMedium
      settings?: Partial<ClientSettings>
      wrap?: (port: XmppPort) => XmppPort
    } = {},
  ): Promise<Device> {
    const { medium = new MemoryMedium(), wrap = (one: XmppPort) => one, ...rest } = options
    const port = this.service.connect(jid)
    await port.send(presence({}))
    const random = seededRandom(`${this.#seed} ${jid}`)
    const storage = await openMemoryStorage({ medium, randomBytes: (length) => random.randomBytes(length) })
    const client = await MlsClient.open({
      xmpp: wrap(port),
      storage,
      suite: await cipherSuite(1),
      ports: { timers: this.service.clock, random },
      settings: { keyPackages: 2 },
      ...rest,
    })
    return { client, port, medium, storage }
  }

  /** Lets virtual time pass. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.service.clock.after(ms, resolve))
  }

  /** Waits until something is true. */
  async until(what: string, condition: () => boolean): Promise<void> {
    for (let i = 0; i < 2000; i++) {
      if (condition()) return
      await this.wait(50)
    }
    throw new Error(`never happened: ${what}`)
  }

  stop(): void {
    this.#stop()
  }
}

/** A room of alice's that bob is invited to and has not entered. */
export async function invited(world: World, bobs: Parameters<World['device']>[1] = {}) {
  const alice = await world.device('alice@a.test/x')
  const bob = await world.device('bob@a.test/x', bobs)
  const garden = await alice.client.room(roomJid)
  await garden.invite('bob@a.test')
  await world.until('the invitation', () => bob.client.invitations.length === 1)
  return { alice, bob, garden }
}

/** Whether a stanza, or an element in it, has a child of this name. */
export function has(stanza: XmlElement, name: string): boolean {
  return stanza.children.some((node) => typeof node !== 'string' && node.name === name)
}

/** A connection that loses messages while it is muted: all of them, or those to an address. */
export function muting(port: XmppPort, muted: () => boolean, to?: string): XmppPort {
  return {
    jid: port.jid,
    send: async (stanza) => {
      const { to: address } = stanza.attrs
      const meant = stanza.name === 'message' && (to === undefined || address === to)
      if (!meant || !muted()) await port.send(stanza)
    },
    request: (iq, request) => port.request(iq, request),
    onStanza: (listener) => port.onStanza(listener),
    ...(port.onState === undefined ? {} : { onState: port.onState.bind(port) }),
  }
}

/** All rows of a storage as they are now. */
export function copyOf(medium: MemoryMedium): MemoryMedium {
  const copy = new MemoryMedium()
  const all = { from: new Uint8Array(0), before: Uint8Array.of(255), reverse: false, limit: Number.POSITIVE_INFINITY }
  for (const { address, value } of medium.rows(all)) copy.write(copyBytes(address), copyBytes(value))
  return copy
}

/** Notes what a room tells. */
export function listen(room: MlsRoom) {
  const heard = {
    messages: [] as RoomMessage[],
    unreadable: [] as Unreadable[],
    errors: [] as RoomProblem[],
    membership: [] as string[],
  }
  room.on('message', (message) => heard.messages.push(message))
  room.on('unreadable', (one) => heard.unreadable.push(one))
  room.on('error', (error) => heard.errors.push(error))
  room.on('membership', ({ by, added, removed, external }) => {
    const names = (list: readonly { account: string }[]) => list.map(({ account }) => account.split('@')[0]).join()
    heard.membership.push(`${external ?? 'commit'} by ${by.account.split('@')[0]} +${names(added)} -${names(removed)}`)
  })
  return heard
}

export const bodies = (list: readonly RoomMessage[]) => list.map(({ body }) => body)
