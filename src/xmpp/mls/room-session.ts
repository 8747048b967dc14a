/**
 * One room at work: feeds the engine from the room and its archive, stores what the engine says, then does what it wants.
 * One event after the other; nothing that the room sends makes it throw.
 */
import { MlsError } from '../../bytes/errors.ts'
import type { XmppContext } from '../port.ts'
import type { Room, RoomEntry, RoomEvent } from '../room.ts'
import { bareJid } from '../stanza/jid.ts'
import type { Affiliation } from '../xep/xep-0045.ts'
import type { Blobs } from './blobs.ts'
import { ChunkStore } from './chunk-store.ts'
import { Emitter } from './emitter.ts'
import type { Effect, Emission, EngineEvent } from './engine/events.ts'
import { participantOf } from './engine/groups.ts'
import type { EngineContext, PendingWelcome, RoomState } from './engine/state.ts'
import { step } from './engine/step.ts'
import { EngineTimers } from './engine-timers.ts'
import { healthOf } from './health.ts'
import { Inbox } from './inbox.ts'
import { isInline, mlsElementIn, readEntry } from './items.ts'
import { Operations } from './operations.ts'
import { Outgoing } from './outgoing.ts'
import { Puller } from './puller.ts'
import { type RoomStore, sealBatch } from './store-state.ts'
import type { RoomEvents, RoomHealth, RoomProblem, SentMessage } from './types.ts'

/** After a batch that failed the archive is read again, after so long. */
const reloadPauseMs = 5_000
/** Messages that were taken are noted together, after so long. */
const settlePauseMs = 250
/** Commits and proposals that one step may make. */
const handshakesOfStep = 4

/** What a session works with. */
export interface SessionPorts {
  readonly xmpp: XmppContext
  readonly room: Room
  readonly engine: EngineContext
  readonly store: RoomStore
  readonly blobs: Blobs
  /** Told when the archive was read to its end. */
  readonly onCaughtUp?: () => void
  /** Hands out a Welcome. */
  readonly welcome: (welcome: PendingWelcome, room: string) => Promise<void>
}

/** See the file. */
export class RoomSession {
  readonly ports: SessionPorts
  readonly events: Emitter<RoomEvents>
  readonly chunks: ChunkStore
  readonly #inbox = new Inbox<EngineEvent>((events) => this.#run(events))
  readonly #puller: Puller
  readonly #outgoing: Outgoing
  readonly #operations = new Operations()
  readonly #timers: EngineTimers
  readonly #waiting = new Set<() => void>()
  readonly #stop: () => void
  #state: RoomState
  /** Events whose outcome is stored, while a part of their batch may be tried again. */
  readonly #stored = new WeakSet<EngineEvent>()
  /** Whether the state in memory is not the stored one, which could not be read. */
  #stale = false
  #again: (() => void) | undefined
  #settling: (() => void) | undefined
  #health = ''
  #closed = false

  constructor(ports: SessionPorts, state: RoomState) {
    this.ports = ports
    this.#state = state
    this.events = new Emitter((error) => this.problem('internal', error))
    this.chunks = new ChunkStore(ports.room)
    this.#timers = new EngineTimers(ports.xmpp, (name) => {
      this.post({ kind: 'timer', name }).catch(() => undefined)
    })
    this.#puller = new Puller({
      session: this,
      room: ports.room,
      xmpp: ports.xmpp,
      onCaughtUp: ports.onCaughtUp,
      settleMs: ports.room.liveOrderIsFinal ? 0 : ports.engine.settings.settleMs,
    })
    this.#outgoing = new Outgoing(ports, (id, outcome) => {
      if (this.#closed) return
      const event: EngineEvent = outcome.kind === 'refused' ? { ...outcome, id } : { kind: 'unsure', id }
      this.post(event).catch(() => undefined)
      if (outcome.kind === 'seat-lost') this.#puller.seatLost()
    })
    this.#stop = ports.room.onEvent((event) => this.#roomEvent(event))
    for (const { number, event } of ports.store.takeWaiting())
      this.#deliver(trusted(ports.engine, state, event), number)
  }

  /** The engine's state; to be read, not kept. */
  get state(): RoomState {
    return this.#state
  }

  /** Hands events to the engine, in order; they are stored together. Resolves when what they cause was begun. */
  post(...events: readonly EngineEvent[]): Promise<void> {
    const done = this.#inbox.add(events)
    done.catch((error: unknown) => this.#failed(error))
    return done
  }

  #failed(error: unknown): void {
    const code = error instanceof MlsError ? error.code : undefined
    this.problem(code?.startsWith('storage/') ? 'storage' : 'internal', error)
    // somebody else works with this storage now
    if (code === 'storage/fenced' || code === 'storage/closed') void this.close()
  }

  async #run(all: readonly EngineEvent[]): Promise<void> {
    if (this.#closed) return
    // what another part of a batch that failed has stored is not done again
    let events: readonly EngineEvent[] = all.filter((event) => !this.#stored.has(event))
    do events = await this.#batch(events)
    while (events.length > 0)
  }

  /**
   * One batch: as many of the events as can be stored together. What is sealed in an epoch comes after the batch that stores
   * the epoch: generations are set apart in it first. Returns the events that are left.
   */
  async #batch(events: readonly EngineEvent[]): Promise<readonly EngineEvent[]> {
    const { engine, store } = this.ports
    if (this.#stale) await this.#load()
    const effects: Effect[] = []
    let count = 0
    let numbers: ReadonlyMap<Effect, bigint>
    try {
      if (!(await store.reserve(this.#state, mayBeSealed(this.#state, events))))
        effects.push(...(await step(engine, this.#state, { kind: 'copied', reason: 'anchor' })).effects)
      const { group } = this.#state
      const epoch = group?.epoch
      let said = 0
      for (const event of events) {
        const another = this.#state.group !== group || this.#state.group?.epoch !== epoch
        if (event.kind === 'say') said++
        if ((another && seals(event)) || said > sealBatch) break
        count++
        const result = await step(engine, this.#state, event)
        this.#state = result.state
        store.observe(this.#state)
        effects.push(...result.effects)
      }
      const passing = isPassing(events.slice(0, count), effects) && !store.messages.unsettled && !store.old
      numbers = passing ? new Map() : await store.save(this.#state, effects)
    } catch (error) {
      this.#stale = true
      for (const { op } of this.#state.queue) this.#operations.failed(op, error)
      this.#again?.()
      this.#again = this.ports.xmpp.timers.after(reloadPauseMs, () => this.pull())
      await this.#load()
      throw error
    }
    for (const event of events.slice(0, count)) this.#stored.add(event)
    for (const effect of effects) this.#perform(effect, numbers.get(effect))
    for (const wake of [...this.#waiting]) wake()
    return events.slice(count)
  }

  /** Memory follows disk: what was not stored did not happen. What the room told goes on to be true. */
  async #load(): Promise<void> {
    const { roster, expelled } = this.#state
    this.#state = { ...(await this.ports.store.load()), roster, expelled, rosterStale: roster !== undefined }
    this.#stale = false
  }

  /** Tells the application something that it takes by not failing at it; until then the storage keeps it. */
  #deliver({ name, value }: Emission, number: bigint): void {
    void this.events.emit(name, value as never).then((taken) => {
      if (!taken) return
      this.ports.store.messages.taken(number)
      this.#settling ??= this.ports.xmpp.timers.after(settlePauseMs, () => {
        this.#settling = undefined
        this.post().catch(() => undefined)
      })
    })
  }

  /** Runs an operation that ends when the engine says so. */
  operate(event: (op: string) => EngineEvent): Promise<SentMessage | undefined> {
    const op = this.#operations.next()
    return this.operateAs(op, event(op))
  }

  /** As {@link operate}, for an event with an id of its own. */
  operateAs(op: string, event: EngineEvent): Promise<SentMessage | undefined> {
    if (this.#closed) return Promise.reject(new MlsError('xmpp/closed', 'the room was closed'))
    const ended = this.#operations.begin(op)
    this.post(event).catch((error: unknown) => this.#operations.failed(op, error))
    return ended
  }

  #perform(effect: Effect, number: bigint | undefined): void {
    switch (effect.kind) {
      case 'send':
        this.#outgoing.send(effect.id, effect.item)
        return
      case 'welcome':
        this.ports.welcome(effect.welcome, this.ports.engine.room).then(
          () => void this.post({ kind: 'welcomed', id: effect.welcome.id }).catch(() => undefined),
          (error: unknown) => this.problem('network', error),
        )
        return
      case 'emit':
        if (number !== undefined) this.#deliver(effect.event, number)
        else void this.events.emit(effect.event.name, effect.event.value as never)
        return
      case 'pull':
        this.pull()
        return
      case 'timer':
        this.#timers.set(effect)
        return
      case 'read-roster':
        void this.readRoster()
        return
      case 'done':
        this.#operations.done(effect.op, effect.sent)
        return
      case 'failed':
        this.#operations.failed(effect.op, effect.error)
        return
      case 'health':
        this.reportHealth()
    }
  }

  /** Reads the archive soon; calls that come together are one. */
  pull(): void {
    if (!this.#closed) this.#puller.pull()
  }

  /** Reads it now. @throws what the archive threw */
  catchUp(): Promise<void> {
    return this.#puller.catchUp()
  }

  /** Reads an entry with all that it refers to. @throws `xmpp/unavailable` */
  async read(entry: RoomEntry): ReturnType<typeof readEntry> {
    this.chunks.note(entry)
    return await readEntry(entry, this.ports.blobs, (id, count) => this.chunks.find(entry, id, count))
  }

  /** Asks the room who belongs to it. */
  async readRoster(): Promise<void> {
    let roster: Map<string, Affiliation> | undefined
    try {
      roster = new Map((await this.ports.room.members()).map(({ jid, affiliation }) => [jid, affiliation]))
    } catch {
      // some rooms do not tell: then nothing is compared
    }
    await this.post({ kind: 'roster', roster }).catch(() => undefined)
  }

  #roomEvent(event: RoomEvent): void {
    if (event.kind === 'message') this.#live(event.entry)
    else if (event.kind === 'affiliation') {
      const account = bareJid(event.jid)
      this.post({ kind: 'affiliation', account, affiliation: event.affiliation }).catch(() => undefined)
    } else if (event.kind === 'removed') {
      this.post({ kind: 'lost' }).catch(() => undefined)
      this.#puller.removed(event.reason)
    } else if (event.kind === 'unarchived' && mlsElementIn(event.element) !== undefined)
      this.problem('unarchived', new MlsError('xmpp/unsupported', 'a message that the room did not archive'))
  }

  #live(entry: RoomEntry): void {
    this.chunks.note(entry)
    if (mlsElementIn(entry.element) === undefined) return
    if (!isInline(entry)) {
      this.pull()
      return
    }
    this.read(entry)
      .then((read) => this.post({ kind: 'live', entry: read }))
      .catch(() => this.pull())
  }

  /** Tells the application what went wrong. */
  problem(kind: RoomProblem['kind'], cause: unknown): void {
    const error =
      cause instanceof MlsError ? cause : new MlsError('internal/unreachable', 'an unexpected failure', { cause })
    void this.events.emit('error', { kind, archiveId: undefined, error })
  }

  /** How the room does. */
  get health(): RoomHealth {
    return healthOf(this.ports.engine, this.#state, { closed: this.#closed, joined: this.ports.room.joined })
  }

  /** Emits the health where it has changed. */
  reportHealth(): void {
    const { health } = this
    const text = JSON.stringify(health, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
    if (text === this.#health) return
    this.#health = text
    void this.events.emit('health', health)
  }

  /** Waits until a state of health is reached. @throws `xmpp/timeout` */
  async until(wanted: (health: RoomHealth) => boolean, timeoutMs: number): Promise<boolean> {
    if (wanted(this.health)) return true
    return await new Promise<boolean>((resolve) => {
      const finish = (value: boolean): void => {
        this.#waiting.delete(look)
        cancel()
        resolve(value)
      }
      const look = (): void => {
        if (wanted(this.health)) finish(true)
      }
      const cancel = this.ports.xmpp.timers.after(timeoutMs, () => finish(false))
      this.#waiting.add(look)
    })
  }

  /** Whether nothing is under way: no event, no page, no stanza of ours without its place in the archive. */
  get idle(): boolean {
    const { outbox, attempt, intents, queue, creating, expelled } = this.#state
    const sent = outbox.every(({ archiveId }) => archiveId !== undefined)
    const wanted = (attempt !== undefined && !expelled) || intents.length + queue.length > 0 || creating !== undefined
    return this.#inbox.idle && !this.#puller.busy && sent && !wanted
  }

  /** Takes the seat again after an invitation, and reads what happened. @throws as `Room.join`; what the archive threw */
  async back(): Promise<void> {
    await this.#puller.back()
    await this.#puller.catchUp()
  }

  /** Keeps the seat from now on. */
  keepSeat(): void {
    this.#puller.keep()
  }

  /** Stops everything; the state in the storage stays as it is. */
  async close(): Promise<void> {
    this.#puller.stop()
    this.#stop()
    this.#timers.stop()
    this.#again?.()
    this.#settling?.()
    // what the application has taken so far is not given again
    await this.#inbox.add([]).catch(() => undefined)
    this.#closed = true
    this.#operations.close(new MlsError('xmpp/closed', 'the room was closed'))
    this.ports.room.close()
    this.#state.group?.close()
  }
}

/** What is believed of a sender is not stored with a message. */
function trusted(engine: EngineContext, { group }: RoomState, event: Emission): Emission {
  if (event.name !== 'message') return event
  const { sender } = event.value
  const member = group?.member(sender.leafIndex)
  const now = member === undefined ? undefined : participantOf(engine, member)
  const same = now?.account === sender.account && now.device === sender.device
  return same ? { name: 'message', value: { ...event.value, sender: { ...sender, trust: now.trust } } } : event
}

/** Whether an event may make the engine encrypt or sign something with a generation. */
function seals({ kind }: EngineEvent): boolean {
  return ['say', 'intend', 'leave', 'roster', 'caught-up', 'timer'].includes(kind)
}

/** At most how many generations of each kind events need. */
function mayBeSealed(
  { phase, quarantine, queue, outbox, intents, leaving, group }: RoomState,
  events: readonly EngineEvent[],
): { readonly application: number; readonly handshake: number } {
  const sealing = events.filter(seals)
  if (phase !== 'active' || quarantine !== undefined || sealing.length === 0) return { application: 0, handshake: 0 }
  const said = sealing.filter(({ kind }) => kind === 'say').length
  const flushes = sealing.some(({ kind }) => kind === 'roster' || kind === 'caught-up')
  const waiting = flushes ? queue.length + outbox.filter(({ unsure }) => unsure).length : 0
  const changes =
    intents.length > 0 ||
    leaving !== undefined ||
    (group?.proposals.length ?? 0) > 0 ||
    sealing.some(({ kind }) => kind === 'intend' || kind === 'leave' || kind === 'timer')
  return { application: Math.min(said + waiting, sealBatch), handshake: changes ? handshakesOfStep : 0 }
}

/** Whether a step has left nothing that a restart would have to know. */
function isPassing(events: readonly EngineEvent[], effects: readonly Effect[]): boolean {
  const passing = ['live', 'lost', 'roster', 'affiliation', 'unsure']
  const quiet = ['pull', 'health', 'timer', 'read-roster']
  return events.every(({ kind }) => passing.includes(kind)) && effects.every(({ kind }) => quiet.includes(kind))
}
