/**
 * One room at work: feeds the engine from the room and its archive, stores what the engine says, then does what it wants.
 * One event after the other; nothing that the room sends makes it throw.
 */
import { MlsError } from '../../bytes/errors.ts'
import { freshId } from '../port.ts'
import type { RoomEntry } from '../room.ts'
import { Emitter } from './emitter.ts'
import type { Effect, Emission, EngineEvent } from './engine/events.ts'
import type { RoomState } from './engine/state.ts'
import { step } from './engine/step.ts'
import { EngineTimers } from './engine-timers.ts'
import { healthOf } from './health.ts'
import { HealthWatch } from './health-watch.ts'
import { Inbox } from './inbox.ts'
import { Operations } from './operations.ts'
import { Outgoing } from './outgoing.ts'
import { Puller } from './puller.ts'
import { isMessage, isPassing, isSettled, mayBeSealed, seals, trusted } from './room-batches.ts'
import { RoomEars } from './room-ears.ts'
import type { SessionPorts } from './session-ports.ts'
import { sealBatch } from './store-state.ts'
import type { RoomEvents, RoomHealth, RoomProblem, SentMessage } from './types.ts'

/** Pauses: before the archive is read again after a batch that failed, and before messages that were taken are noted, together. */
const [reloadPauseMs, settlePauseMs] = [5_000, 250]

/** See the file. */
export class RoomSession {
  readonly ports: SessionPorts
  readonly events: Emitter<RoomEvents>
  /** To be called when the room is closed: an identity looks at it. */
  watched: (() => void) | undefined
  readonly #inbox = new Inbox<EngineEvent>((events) => this.#run(events))
  readonly #puller: Puller
  readonly #outgoing: Outgoing
  readonly #operations: Operations
  readonly #timers: EngineTimers
  readonly #watch: HealthWatch
  readonly #ears: RoomEars
  #state: RoomState
  /** Events whose outcome is stored, while a part of their batch may be tried again. */
  readonly #stored = new WeakSet<EngineEvent>()
  /** Whether the state in memory is not the stored one, which could not be read. */
  #stale = false
  #again: (() => void) | undefined
  #settling: (() => void) | undefined
  #closed = false

  constructor(ports: SessionPorts, state: RoomState) {
    this.ports = ports
    this.#state = state
    this.#operations = new Operations(freshId(ports.xmpp.random))
    this.events = new Emitter((error) => this.problem('internal', error))
    this.#watch = new HealthWatch(
      ports.xmpp.timers,
      () => this.health,
      (health) => void this.events.emit('health', health),
    )
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
    this.#ears = new RoomEars(this, ports, (reason) => this.#puller.removed(reason))
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
    const stored: EngineEvent[] = []
    try {
      do events = await this.#batch(events, stored)
      while (events.length > 0)
    } catch (error) {
      for (const event of stored) this.#stored.add(event)
      throw error
    }
  }

  /**
   * One batch: as many of the events as can be stored together. What is sealed in an epoch comes after the batch that stores
   * the epoch: generations are set apart in it first. Adds the events to `stored` once they are; returns those that are left.
   */
  async #batch(events: readonly EngineEvent[], stored: EngineEvent[]): Promise<readonly EngineEvent[]> {
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
        if (!isMessage(event)) store.observe(this.#state)
        effects.push(...result.effects)
      }
      const passing = isPassing(events.slice(0, count), effects) && !store.due
      numbers = passing ? new Map() : await store.save(this.#state, effects)
    } catch (error) {
      this.#stale = true
      this.#again?.()
      this.#again = this.ports.xmpp.timers.after(reloadPauseMs, () => this.pull())
      const { queue } = this.#state
      await this.#load()
      const kept = new Set(this.#state.queue.map(({ op }) => op))
      for (const { op } of queue) if (!kept.has(op)) this.#operations.failed(op, error)
      throw error
    }
    for (let i = 0; i < count; i++) stored.push(events[i] as EngineEvent)
    for (const effect of effects) this.#perform(effect, numbers.get(effect))
    this.#watch.wake()
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
        this.#watch.report()
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
  read(entry: RoomEntry): ReturnType<RoomEars['read']> {
    return this.#ears.read(entry)
  }

  /** Asks the room who belongs to it. */
  readRoster(): Promise<void> {
    return this.#ears.readRoster()
  }

  /** Tells the application what went wrong. */
  problem(kind: RoomProblem['kind'], cause: unknown): void {
    const error =
      cause instanceof MlsError ? cause : new MlsError('internal/unreachable', 'an unexpected failure', { cause })
    void this.events.emit('error', { kind, archiveId: undefined, error })
  }

  /** Tells of the health if it is another one than was told. */
  report(): void {
    if (!this.#closed) this.#watch.report()
  }

  /** How the room does. */
  get health(): RoomHealth {
    return healthOf(this.ports.engine, this.#state, { closed: this.#closed, joined: this.ports.room.joined })
  }

  /** Waits until a state of health is reached. Resolves whether it was in time. */
  until(wanted: (health: RoomHealth) => boolean, timeoutMs: number): Promise<boolean> {
    return this.#watch.until(wanted, timeoutMs)
  }

  /** Whether nothing is under way: no event, no page, no stanza of ours without its place in the archive. */
  get idle(): boolean {
    return this.#inbox.idle && !this.#puller.busy && isSettled(this.#state)
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
    this.watched?.()
    this.#puller.stop()
    this.#ears.stop()
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
