/**
 * One room in the storage. What a step of the engine changed becomes one batch: a message writes its ratchet row, the head
 * with the cursor, and itself; a commit the pages of its path. Nothing of it grows with the group or with the past.
 */
import { type Bytes, equalBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { utf8 } from '../../bytes/text.ts'
import { type CellContext, noExtra } from '../../group-store/cell.ts'
import { deleteGroup } from '../../group-store/group-head.ts'
import { scanAll } from '../../group-store/layout.ts'
import { showsOtherCopy } from '../../group-store/rollback.ts'
import type { ShreddingStorage } from '../../group-store/store-context.ts'
import type { StorageEntry, StorageOperation } from '../../ports/storage.ts'
import { readRecord } from '../../storage/records.ts'
import type { Effect } from './engine/events.ts'
import { restoreRoomGroup } from './engine/groups.ts'
import { type Chain, type CopyWatch, type EngineContext, initialState, type RoomState } from './engine/state.ts'
import { deviceKey } from './identity.ts'
import { RoomGroup } from './store-group.ts'
import { parts, roomName, roomTables } from './store-layout.ts'
import { RoomMessages, type WaitingEvent } from './store-messages.ts'
import { readIntent, readQueued, roomRecords } from './store-records.ts'
import { format1Tables, RoomRecord, readRoomState } from './store-room.ts'
import { headOf, makeLists } from './store-rows.ts'
import { TrackedMap, TrackedSet } from './tracked.ts'
import type { HistoryPolicy } from './types.ts'

/** What the rooms of one client share. */
export interface RoomStoreContext extends CellContext {
  readonly storage: ShreddingStorage
  readonly history: HistoryPolicy | undefined
}

/** The most messages that one batch encrypts. */
export const sealBatch = 128

/** See the file. */
export class RoomStore implements CopyWatch {
  readonly messages: RoomMessages
  readonly #context: RoomStoreContext
  readonly #engine: EngineContext
  readonly #name: Bytes
  readonly #group: RoomGroup
  #lists: ReturnType<typeof makeLists>
  #head: Bytes | undefined
  #waiting: readonly WaitingEvent[] = []
  #format1 = false

  constructor(context: RoomStoreContext, engine: EngineContext) {
    const name = roomName(context.storage, engine.room)
    this.#context = context
    this.#engine = engine
    this.#name = name
    this.#group = new RoomGroup(context, name)
    this.#lists = makeLists(name)
    this.messages = new RoomMessages(context.storage, name, engine, context.history)
  }

  /** The state of the room, or that of a room that nothing is known of. @throws `storage/…` */
  async load(): Promise<RoomState> {
    const { storage } = this.#context
    const bytes = await storage.get(roomTables.heads, this.#name)
    this.#lists = makeLists(this.#name)
    this.#head = bytes
    this.#waiting = await this.messages.load()
    if (bytes === undefined) return await this.#loadFormat1()
    const group = await this.#group.load(this.#engine)
    const rows = await scanAll(storage, roomTables.parts, this.#name)
    const of = (kind: number): StorageEntry[] => rows.filter(({ key }) => key[16] === kind)
    const lists = this.#lists
    const { room: _, ...head } = roomRecords.head.decode(bytes)
    const creating = lists.creating.load(of(parts.creating)[0], (one) =>
      group === undefined ? undefined : { ...one, group },
    )
    const joining = lists.joining.load(of(parts.joining)[0], (one) =>
      group === undefined ? undefined : { ...one, complete: () => group },
    )
    const state: RoomState = {
      ...initialState(),
      ...head,
      group: creating === undefined && joining === undefined ? group : undefined,
      creating,
      joining,
      processed: new TrackedSet(),
      authors: new TrackedMap<string>(false),
      chains: new TrackedMap<Chain>(true),
      quarantine: this.#group.quarantine,
      ended: this.#group.last,
      // what was on its way has an unknown outcome: the archive is asked
      outbox: lists.outbox.load(of(parts.outbox), (one) => ({ ...one, unsure: true })),
      proposals: lists.proposals.load(of(parts.proposal), (one) => ({ ...one, unsure: true })),
      attempt: lists.attempt.load(of(parts.attempt)[0], (one) => ({ ...one, unsure: true })),
      intents: lists.intents.load(of(parts.intent), readIntent),
      queue: lists.queue.load(of(parts.queue), readQueued),
      welcomes: lists.welcomes.load(of(parts.welcome), (one) => one),
      previous: lists.previous.load(of(parts.previous)[0], (one) => ({
        ...one,
        attempt: one.attempt && { ...one.attempt, unsure: true },
        intents: one.intents.map(readIntent),
      })),
    }
    for (const [id] of lists.processed.load(of(parts.processed), ({ id: one }) => [one, true])) state.processed.add(id)
    for (const [id, account] of lists.authors.load(of(parts.author), (one) => [one.id, one.account]))
      state.authors.set(id, account)
    for (const { value } of of(parts.chain)) {
      const chain = roomRecords.chain.decode(value)
      const { missing, reported } = chain
      state.chains.set(deviceKey(chain), { ...chain, missing: [...missing], reported: [...reported] })
    }
    for (const one of [state.processed, state.authors, state.chains])
      if (one instanceof TrackedSet || one instanceof TrackedMap) one.settle()
    return state
  }

  /** A room as format 1 has it. It is stored as format 2 with the next batch. */
  async #loadFormat1(): Promise<RoomState> {
    const { storage } = this.#context
    const key = utf8(this.#engine.room)
    // no key is longer: such a room was never stored
    const record = key.length > 400 ? undefined : await readRecord(storage, format1Tables.rooms, key, RoomRecord)
    this.#format1 = record !== undefined
    const empty: RoomState = {
      ...initialState(),
      processed: new TrackedSet(),
      authors: new TrackedMap<string>(false),
      chains: new TrackedMap<Chain>(true),
    }
    if (record === undefined) return empty
    const snapshot = await storage.get(format1Tables.groups, key)
    const group = snapshot === undefined ? undefined : restoreRoomGroup(this.#engine, snapshot)
    snapshot?.fill(0)
    const { processed, authors, chains, ...rest } = readRoomState(record, group)
    for (const id of processed) empty.processed.add(id)
    for (const [id, account] of authors) empty.authors.set(id, account)
    for (const [id, chain] of chains) empty.chains.set(id, chain)
    return { ...rest, processed: empty.processed, authors: empty.authors, chains: empty.chains }
  }

  /** What the application had not taken when the state was read; given once. */
  takeWaiting(): readonly WaitingEvent[] {
    const waiting = this.#waiting
    this.#waiting = []
    return waiting
  }

  /** Whether the room is stored in format 1. */
  get old(): boolean {
    return this.#format1
  }

  /** Whether there is something to store beside what a step changes: an old format, what was taken, keys that are too old. */
  get due(): boolean {
    return this.#format1 || this.messages.unsettled || this.#group.expired(this.#engine.clock.now())
  }

  /** Notes what was sealed with: after each step. */
  observe(state: RoomState): void {
    this.#group.observe(state.group)
  }

  /**
   * Sets generations apart, durably, before a step that may seal with them.
   * @returns whether this is still the only live copy of the store
   * @throws as `Storage.apply`
   */
  async reserve({ group }: RoomState, amounts: { readonly application: number; readonly handshake: number }) {
    if (group === undefined) return true
    for (const type of ['application', 'handshake'] as const)
      if (amounts[type] > 0 && !(await this.#group.reserve(group, type, Math.min(amounts[type], 256)))) return false
    return true
  }

  judge(...[group, seen]: Parameters<CopyWatch['judge']>): ReturnType<CopyWatch['judge']> {
    if (!this.#group.holds(group)) return undefined
    return showsOtherCopy(group.state, seen, (epoch) => this.#group.used(epoch))
  }

  /**
   * Stores what has changed in one batch, with what the application is to be told.
   * @returns the numbers of that, by effect
   * @throws as `Storage.apply`; the state is to be loaded again then
   */
  async save(state: RoomState, effects: readonly Effect[] = []): Promise<ReadonlyMap<Effect, bigint>> {
    const extra = noExtra()
    const numbers = new Map<Effect, bigint>()
    await this.#group.change(state, extra, this.#engine.clock.now())
    const { operations } = extra
    for (const effect of effects)
      if (effect.kind === 'emit') {
        const number = this.messages.received(effect.event, effect.data, operations)
        if (number !== undefined) numbers.set(effect, number)
      }
    this.#changes(state, operations)
    if (this.#format1) {
      const key = utf8(this.#engine.room)
      for (const table of Object.values(format1Tables)) operations.push({ kind: 'delete', table, key })
    }
    const settled = this.messages.settle(operations)
    if (numbers.size > 0 && this.messages.sweepDue) operations.push(...(await this.messages.sweep()))
    if (operations.length > 0) await this.#context.storage.apply(operations)
    for (const done of extra.done) done()
    settled()
    this.#format1 = false
    return numbers
  }

  #changes(state: RoomState, operations: StorageOperation[]): void {
    const lists = this.#lists
    const waiting = new Set(state.future.map(({ entry }) => entry.archiveId))
    const { processed, authors, chains, joining } = state
    if (!(processed instanceof TrackedSet && authors instanceof TrackedMap && chains instanceof TrackedMap))
      throw new MlsError('internal/unreachable', 'a state that was not loaded')
    operations.push(
      ...lists.processed.ofSet(processed, (id) => waiting.has(id), true),
      ...lists.authors.ofMap(authors as TrackedMap<string>),
      ...lists.chains.changes(chains as TrackedMap<Chain>),
      ...lists.outbox.changes(state.outbox, (item) => {
        if (item.archiveId !== undefined && !item.voided) this.messages.confirmed(item, operations)
      }),
      ...lists.intents.changes(state.intents),
      ...lists.queue.changes(state.queue),
      ...lists.proposals.changes(state.proposals),
      ...lists.welcomes.changes(state.welcomes),
      ...lists.attempt.changes(state.attempt),
      ...lists.previous.changes(state.previous),
      ...lists.creating.changes(state.creating),
      ...lists.joining.changes(joining?.commit === undefined ? undefined : joining),
    )
    const head = roomRecords.head.encode(headOf(this.#engine.room, state))
    if (this.#head !== undefined && equalBytes(this.#head, head)) return
    this.#head = head
    operations.push({ kind: 'put', table: roomTables.heads, key: this.#name, value: head })
  }

  /** Deletes the messages of the room on this device for good. @throws as `Storage.apply` */
  async forget(): Promise<void> {
    const { storage } = this.#context
    await storage.apply(
      [roomTables.history, roomTables.inbox].map((table) => ({ kind: 'delete_prefix', table, prefix: this.#name })),
    )
    await storage.shred?.()
  }

  /** Deletes the state of the room; messages that were kept stay. @throws as `Storage.apply` */
  async drop(): Promise<void> {
    const key = utf8(this.#engine.room)
    const { storage } = this.#context
    await storage.apply([
      ...deleteGroup(this.#name),
      { kind: 'delete', table: roomTables.heads, key: this.#name },
      { kind: 'delete_prefix', table: roomTables.parts, prefix: this.#name },
      ...(key.length > 400
        ? []
        : Object.values(format1Tables).map((table): StorageOperation => ({ kind: 'delete', table, key }))),
    ])
    await storage.shred?.()
  }
}
