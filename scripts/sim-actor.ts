// One device of the simulation: what it does, what it was shown, and what it was told.
import { MlsError } from '../src/bytes/errors.ts'
import type { CipherSuite } from '../src/crypto/cipher-suite.ts'
import type { Storage } from '../src/ports/storage.ts'
import { MemoryMedium, openMemoryStorage } from '../src/storage/memory.ts'
import type { SeededRandom } from '../src/testing/xmpp/seeded-random.ts'
import type { Session } from '../src/testing/xmpp/session.ts'
import type { XmppService } from '../src/testing/xmpp/xmpp-service.ts'
import { MlsClient } from '../src/xmpp/mls/client.ts'
import type { MlsRoom } from '../src/xmpp/mls/room.ts'
import type { RoomMessage, Unreadable, UnreadableReason } from '../src/xmpp/mls/types.ts'
import { presence } from '../src/xmpp/stanza/stanza.ts'
import { hasCondition } from '../src/xmpp/stanza/xmpp-error.ts'

/** What an actor is made of. */
export interface ActorInput {
  readonly service: XmppService
  readonly suite: CipherSuite
  readonly random: SeededRandom
  readonly note: (line: string) => void
  readonly jid: string
  readonly room: string
  readonly index: number
}

/** What the judge looks at. */
export type Actor = SimActor

/** What a message cannot be where nobody is hostile and nothing is taken out of an archive. */
const impossible: readonly UnreadableReason[] = [
  'fork',
  'malformed',
  'missing-epoch',
  'not-author',
  'replayed',
  'tampered',
  'too-large',
  'unavailable',
  'wrong-room',
]

/** See the file. */
export class SimActor {
  readonly jid: string
  readonly room: string
  /** Messages shown since the storage began, by id. */
  shown = new Map<string, RoomMessage>()
  /** Archive ids of messages that were reported as unreadable. */
  unreadable = new Set<string>()
  /** What must not happen. */
  readonly failures: string[] = []
  /** Messages that the archive has, as `send` said, by archive id. */
  readonly sent = new Map<string, { readonly id: string; readonly body: string }>()
  rejoins = 0
  refused = 0
  shownEver = 0
  /** Reports of unreadable messages, by reason. */
  readonly reports = new Map<string, number>()
  readonly #input: ActorInput
  readonly #deviceId: Uint8Array
  #medium = new MemoryMedium()
  #session: Session | undefined
  #storage: Storage | undefined
  #client: MlsClient | undefined
  #handle: MlsRoom | undefined
  #busy = 0
  #starting: Promise<void> | undefined
  #ended = false
  #serial = 0
  /** Texts that were shown since the storage began. */
  #texts = new Set<string>()
  /** The newest message that was shown of each account, and the epochs with which accounts came in. */
  #newest = new Map<string, { readonly number: number; readonly epoch: bigint }>()
  #arrivals: { readonly account: string; readonly epoch: bigint }[] = []

  constructor(input: ActorInput) {
    this.#input = input
    this.jid = input.jid
    this.room = input.room
    this.#deviceId = input.random.randomBytes(16)
  }

  /** The room as the client has it, once entered. */
  get handle(): MlsRoom | undefined {
    return this.#handle
  }

  /** Whether nothing is under way, and the room is as it should be or over for this device. */
  get quiet(): boolean {
    if (this.#busy > 0 || this.#starting !== undefined) return false
    const handle = this.#handle
    if (handle === undefined) return true
    const { state } = handle.health
    return ['removed', 'expelled', 'closed', 'waiting'].includes(state) || (state === 'active' && handle.idle)
  }

  /** Rooms that the client says it was invited to. */
  get invitations(): readonly string[] {
    return this.#client?.invitations ?? []
  }

  /** Connects and opens the client. */
  async start(): Promise<void> {
    const { service, suite, random, index } = this.#input
    this.#session ??= service.connect(`${this.jid}/d${index}`)
    if (!this.#session.online) this.#session.reconnect()
    await this.#session.send(presence({}))
    this.#storage = await openMemoryStorage({
      medium: this.#medium,
      randomBytes: (length) => random.randomBytes(length),
    })
    this.#client = await MlsClient.open({
      xmpp: this.#session,
      storage: this.#storage,
      suite,
      deviceId: this.#deviceId,
      ports: { timers: service.clock, random },
      settings: { keyPackages: 2 },
    })
    // whoever was removed and is invited again comes
    this.#client.on('invitation', () => this.#work('enter', async () => await this.enter()))
  }

  /** Enters the room. */
  async enter(): Promise<void> {
    const client = this.#client
    if (client === undefined) return
    const room = await client.room(this.room)
    if (room === this.#handle) return
    this.#handle = room
    room.on('membership', ({ epoch, external, added, by }) => {
      for (const { account } of external === undefined ? added : [...added, by]) this.#arrivals.push({ account, epoch })
      this.#note(`epoch ${epoch} ${external ?? ''}`)
    })
    room.on('message', (message) => this.#shows(message))
    room.on('unreadable', (report) => this.#cannotRead(report))
    room.on('error', ({ kind, error }) => {
      this.#note(`problem ${kind} ${error.code}`)
      if (kind !== 'network') this.#fail(`${kind} ${error.code} ${String(error.cause ?? error.message)}`)
    })
  }

  #shows(message: RoomMessage): void {
    const { id, archiveId, late, body = '', sender, number = 0 } = message
    this.#note(`shows ${archiveId}${late ? ' late' : ''}`)
    this.shownEver++
    if (this.shown.has(id)) this.#fail(`was shown ${archiveId} twice`)
    if (this.#texts.has(body)) this.#fail(`was shown the text of ${archiveId} twice`)
    if (!body.startsWith(`${sender.account} `)) this.#fail(`was shown ${archiveId} as somebody else's`)
    const before = this.#newest.get(sender.account)
    // who comes in counts from the beginning, and who was away himself has not seen others come
    const own = { account: sender.account, epoch: this.#handle?.session.state.joinEpoch ?? 0n }
    const again = [...this.#arrivals, own].some(
      ({ account, epoch }) => account === sender.account && epoch > (before?.epoch ?? 0n) && epoch <= message.epoch,
    )
    if (!late && !again && before !== undefined && number <= before.number)
      this.#fail(`was shown ${archiveId}, number ${number}, behind number ${before.number}`)
    if (again || number > (before?.number ?? 0)) this.#newest.set(sender.account, { number, epoch: message.epoch })
    this.shown.set(id, message)
    this.#texts.add(body)
  }

  #cannotRead({ archiveId, reason }: Unreadable): void {
    this.#note(`cannot read ${archiveId} ${reason}`)
    this.unreadable.add(archiveId)
    this.reports.set(reason, (this.reports.get(reason) ?? 0) + 1)
    if (impossible.includes(reason)) this.#fail(`could not read ${archiveId}: ${reason}`)
  }

  #fail(what: string): void {
    this.failures.push(`${this.jid} ${what}`)
  }

  async invite(jid: string): Promise<void> {
    await this.#handle?.invite(jid)
  }

  /** Says something. */
  say(): void {
    this.#work('say', async (room) => {
      const body = `${this.jid} ${++this.#serial}`
      const { id, archiveId } = await room.send(body)
      this.sent.set(archiveId, { id, body })
      this.#note(`sent ${archiveId}`)
    })
  }

  /** Renews the keys. */
  update(): void {
    this.#work('update', async (room) => await room.update())
  }

  /** Removes somebody else, or invites somebody who is not in the group. */
  swap(others: readonly SimActor[], chance: number): void {
    this.#work('swap', async (room) => {
      const inside = new Set(room.devices().map(({ account }) => account))
      const out = others.filter(({ jid }) => !inside.has(jid))
      const rest = others.filter((one) => inside.has(one.jid) && one !== this)
      const from = out.length > 0 ? out : rest
      const chosen = from[Math.floor(chance * from.length)]
      if (chosen === undefined) return
      this.#note(`${out.length > 0 ? 'invites' : 'removes'} ${chosen.jid}`)
      if (out.length > 0) await room.invite(chosen.jid)
      else if (inside.size > 3) await room.remove(chosen.jid)
    })
  }

  disconnect(): void {
    this.#session?.disconnect()
  }

  /** Connects again, if the connection is away. */
  connect(): void {
    const session = this.#session
    if (session === undefined || session.online || this.#starting !== undefined) return
    session.reconnect()
    session.send(presence({})).catch(() => undefined)
    if (this.#client === undefined || this.#handle === undefined) this.restart(false)
  }

  /** The program ends and starts again, with its storage or without. */
  restart(lost: boolean): void {
    if (this.#starting !== undefined) return
    this.#note(lost ? 'restarts without state' : 'restarts')
    this.#starting = this.#restart(lost)
      .catch((error: unknown) => this.#failed('restart', error))
      .finally(() => {
        this.#starting = undefined
      })
  }

  async #restart(lost: boolean): Promise<void> {
    const wasIn = this.#handle !== undefined
    await this.stop()
    if (lost) {
      this.#medium = new MemoryMedium()
      this.shown = new Map()
      this.unreadable = new Set()
      this.#texts = new Set()
    }
    this.#newest = new Map()
    await this.start()
    if (wasIn || this.#client?.invitations.includes(this.room) === true) await this.enter()
  }

  /** What a person does who reads in `health` that the device cannot follow any more. */
  mend(): void {
    // a start that failed, for example because the servers could not reach each other, is tried again
    if (this.#handle === undefined && this.#starting === undefined && this.#busy === 0 && !this.#ended) {
      if (this.#client === undefined) this.restart(false)
      else this.#work('enter', async () => await this.enter())
    }
    const state = this.#handle?.health.state
    if (state === 'desynchronised') {
      this.rejoins++
      this.#work('rejoin', async (room) => await room.rejoin())
    }
  }

  /** The simulation is over. */
  async end(): Promise<void> {
    this.#ended = true
    await this.stop()
  }

  async stop(): Promise<void> {
    const [client, storage] = [this.#client, this.#storage]
    this.#client = undefined
    this.#handle = undefined
    await client?.close()
    await storage?.close()
  }

  #work(what: string, run: (room: MlsRoom) => Promise<void>): void {
    const room = this.#handle
    if (room === undefined && what !== 'enter') return
    this.#busy++
    run(room as MlsRoom)
      .catch((error: unknown) => this.#failed(what, error))
      .finally(() => this.#busy--)
  }

  #failed(what: string, error: unknown): void {
    const expected = error instanceof MlsError && error.kind !== 'bug' && error.kind !== 'malformed'
    this.refused++
    this.#note(`${what}: ${error instanceof MlsError ? error.code : String(error)}`)
    // what could not begin is tried again after a while
    const { clock } = this.#input.service
    if (what === 'restart' || what === 'enter')
      clock.after(Math.ceil(this.#input.random.between(60_000, 900_000)), () => this.mend())
    if (!expected && !hasCondition(error, 'registration-required'))
      this.failures.push(
        `${this.jid}: ${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      )
  }

  #note(line: string): void {
    this.#input.note(`${this.jid} ${line}`)
  }
}
