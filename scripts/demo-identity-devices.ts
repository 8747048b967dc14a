// The devices of the identity demo: an identity and a client on one tapped connection, with all that people are told.
import { randomBytes } from 'node:crypto'
import { MemoryMedium, openMemoryStorage } from '../src/storage/memory.ts'
import { IdentityClient } from '../src/xmpp/identity/client.ts'
import type { IdentityFinding } from '../src/xmpp/identity/contact-findings.ts'
import type { IdentityContact } from '../src/xmpp/identity/types.ts'
import { MlsClient } from '../src/xmpp/mls/client.ts'
import type { MlsRoom } from '../src/xmpp/mls/room.ts'
import type { MembershipChange, RoomMessage } from '../src/xmpp/mls/types.ts'
import { presence } from '../src/xmpp/stanza/stanza.ts'
import { connect } from './demo-connection.ts'
import { type Stage, until } from './demo-stage.ts'
import type { ServerView } from './demo-tap.ts'

/** Shorter pauses than the defaults: a person watches. */
const settings = { settleMs: 300, slotMs: 300, timeoutMs: 10_000, keyPackages: 2 }

/** One device of somebody, with or without an identity. */
export class Phone {
  readonly name: string
  readonly client: MlsClient
  readonly messages: RoomMessage[] = []
  readonly membership: MembershipChange[] = []
  /** What the identity has told, as lines. */
  readonly told: string[] = []
  readonly problems: string[] = []
  /** Kinds of what it was warned of. */
  readonly warned: string[] = []
  readonly #identity: IdentityClient | undefined
  #room: MlsRoom | undefined

  constructor(name: string, client: MlsClient, identity: IdentityClient | undefined) {
    this.name = name
    this.client = client
    this.#identity = identity
    client.on('error', ({ kind, error }) => this.problems.push(`${kind} ${error}`))
    identity?.on('error', (error) => this.problems.push(`${error.code} ${error.message}`))
    identity?.on('finding', (found) => this.#heard(found))
    identity?.on('alarm', ({ sentence }) => this.told.push(sentence))
    identity?.on('own', ({ added, byThisDevice }) => {
      if (byThisDevice) return
      for (const { device } of added)
        if (device !== identity.status.device)
          this.told.push('A new device speaks as you. If it is not yours, remove it.')
    })
  }

  #heard({ sentence, loudness, account, finding }: IdentityFinding): void {
    if (loudness === 'warning' || loudness === 'alarm') this.warned.push(finding.kind)
    if (sentence !== undefined && loudness !== 'silent' && account !== this.#identity?.account) this.told.push(sentence)
  }

  get identity(): IdentityClient {
    if (this.#identity === undefined) throw new Error(`${this.name} has no identity`)
    return this.#identity
  }

  get room(): MlsRoom {
    if (this.#room === undefined) throw new Error(`${this.name} is in no room`)
    return this.#room
  }

  /** What is new since the last time. */
  news(): readonly string[] {
    return this.told.splice(0)
  }

  /** What this device shows of an account, after it has asked the server. */
  async sees(account: string): Promise<IdentityContact> {
    await this.identity.refresh(account).catch((error: unknown) => this.problems.push(String(error)))
    return await this.identity.contact(account)
  }

  /** Enters a room without waiting. */
  async enter(jid: string): Promise<MlsRoom> {
    const room = await this.client.room(jid)
    this.#room = room
    room.on('message', (message) => this.messages.push(message))
    room.on('membership', (change) => this.membership.push(change))
    room.on('error', ({ kind, error }) => this.problems.push(`${kind} ${error}`))
    return room
  }

  /** Waits until something is so on this device. */
  async until(what: string, condition: () => boolean): Promise<void> {
    await until(`${this.name}: ${what}`, condition, () => this.problems)
  }

  async invited(): Promise<void> {
    await this.until('an invitation', () => this.client.invitations.length > 0)
  }

  async active(): Promise<void> {
    await this.until('in the group', () => this.room.health.state === 'active')
  }

  async heard(id: string): Promise<RoomMessage> {
    await this.until('reads what was said', () => this.messages.some((one) => one.id === id))
    const found = this.messages.find((one) => one.id === id)
    if (found === undefined) throw new Error('a message that is gone')
    return found
  }
}

/** All devices of a run. */
export class Phones {
  readonly stage: Stage
  readonly #seen: { server(view: ServerView): void }
  readonly #ends = new Map<Phone, () => Promise<void>>()
  readonly #names = new Map<string, string>()

  constructor(stage: Stage, seen: { server(view: ServerView): void }) {
    this.stage = stage
    this.#seen = seen
  }

  /** Connects a device. `honest: false`: a client of the server's own making, which knows nothing of identities. */
  async open(user: string, resource: string, options: { readonly honest?: boolean } = {}): Promise<Phone> {
    const { stage } = this
    const { name, connection, tapped } = await connect(stage, user, resource, this.#seen)
    const { port } = tapped
    const storage = await openMemoryStorage({ medium: new MemoryMedium(), randomBytes })
    const { ports } = stage
    const identity = options.honest === false ? undefined : await IdentityClient.open({ xmpp: port, storage, ports })
    const client = await MlsClient.open({
      xmpp: port,
      storage,
      ports,
      settings,
      ...(identity === undefined ? {} : { identity }),
    })
    const phone = new Phone(name, client, identity)
    await port.send(presence({}))
    this.#names.set(client.device, resource)
    this.#ends.set(phone, async () => {
      await client.close()
      identity?.close()
      await connection.close()
      await storage.close()
    })
    return phone
  }

  /** What people call a device. */
  nameOf(device: string): string {
    return this.#names.get(device) ?? device.slice(0, 8)
  }

  async closeAll(): Promise<void> {
    for (const end of this.#ends.values()) await end().catch(() => undefined)
  }
}
