/**
 * Groups that survive: over the `Storage` port, with one atomic batch for every operation.
 *
 * | operation                       | one batch holds                                                                    |
 * |---------------------------------|------------------------------------------------------------------------------------|
 * | T1 `send`                       | generations given out, outbox row with the exact ciphertext, own history            |
 * | T2 `receive` of a message       | ratchet rows, history, cursor, outbox row whose echo it is                          |
 * | T3 `commit`                     | pending commit with its Welcome and intent, outbox row                              |
 * | T4 `receive` of a commit        | pages of the changed path, new epoch, past epochs, proposals, outbox, cursor         |
 * | T5 `join`                       | new group, private keys of the KeyPackage gone                                      |
 * | T6 `createKeyPackage`           | private keys, before the upload                                                     |
 * | T7 `propose`, `receive`         | proposal with the own Update's key, outbox row or cursor                            |
 * | T8 `leave`, removal             | everything gone but a tombstone                                                     |
 * | T9 `rejoin`                     | new life of the group beside the old one, outbox row                                |
 *
 * Generations are set apart by a batch of their own before anything is sealed with them, so that none is used twice
 * whatever happens; memory follows disk, and what is in memory after a failed write is read again.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { type Bytes, copyBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { mapKey, toHex } from '../bytes/text.ts'
import {
  type CreateInput,
  createGroupWith,
  type JoinInput,
  joinExternalWith,
  joinGroupWith,
} from '../group/create-group.ts'
import type { Group } from '../group/group.ts'
import { type KeyPackageBundle, type KeyPackageInput, makeKeyPackage } from '../group/key-package.ts'
import type { StorageOperation } from '../ports/storage.ts'
import { readRecord } from '../storage/records.ts'
import { type Extra, GroupCell, noExtra } from './cell.ts'
import { deleteGroup, GroupHead, type GroupPhase } from './group-head.ts'
import { type GroupStoreSizes, groupStoreSizes } from './group-sizes.ts'
import { KeyPackages } from './key-packages.ts'
import { scanAll, tables } from './layout.ts'
import { Outbox, type OutboxEntry } from './outbox.ts'
import { type GroupRecord, type QuarantineReason, records } from './records.ts'
import { RollbackGuard } from './rollback.ts'
import type { GroupStoreOptions, JoinAgain, StoreContext } from './store-context.ts'
import { StoredGroup } from './stored-group.ts'

/** What the store knows of a group without reading it. */
export interface GroupSummary {
  readonly groupId: Bytes
  readonly phase: GroupPhase
  readonly quarantine: QuarantineReason | undefined
  /** Of a group that is no more. */
  readonly lastEpoch: bigint | undefined
}

/** See the file. Made by {@link openGroupStore}. */
export class GroupStore {
  readonly #options: GroupStoreOptions
  readonly #context: StoreContext
  readonly #open = new Map<string, Promise<StoredGroup>>()
  readonly keyPackages: KeyPackages

  /** For {@link openGroupStore}. */
  constructor(options: GroupStoreOptions, guard: RollbackGuard, outbox: Outbox) {
    const { storage, config } = options
    this.#options = options
    this.keyPackages = new KeyPackages(storage, options.signer)
    const context: StoreContext = {
      storage,
      guard,
      outbox,
      config,
      randomBytes: options.randomBytes,
      reserve: Math.min(Math.max(options.reserve ?? 32, 1), 256),
      keyAge: options.keyAge,
      keepHistory: options.keepHistory ?? false,
      load: (life, cipherSuite) =>
        GroupCell.load(context, life, { suite: options.suite(cipherSuite), config, signer: options.signer }),
      shred: async () => storage.shred?.(),
    }
    this.#context = context
  }

  /** How often this store was opened, this time included. */
  get incarnation(): number {
    return this.#context.guard.incarnation
  }

  /** The groups, those that are no more included. @throws `storage/damaged`, `storage/io` */
  async list(): Promise<GroupSummary[]> {
    const rows = await scanAll(this.#context.storage, tables.groups, new Uint8Array(0))
    return Promise.all(
      rows.map(async ({ key, value }) => {
        const record = records.group.decode(value)
        const open = await this.#open.get(mapKey(record.groupId))
        const { lastEpoch } = new GroupHead(this.#context.storage, key, record)
        const phase = open?.phase ?? new GroupHead(this.#context.storage, key, record).phase(false)
        return { groupId: record.groupId, phase, quarantine: record.quarantine, lastEpoch }
      }),
    )
  }

  /** Creates a group of one member. @throws `group/exists`; as `createGroup`; as `Storage.apply` */
  async create(input: Omit<CreateInput, 'config'>): Promise<StoredGroup> {
    const group = await createGroupWith({ ...input, config: this.#context.config })
    return this.#install(group, [])
  }

  /** Takes over a group that lives in memory alone, and must not be used there any more. @throws as {@link create} */
  async adopt(group: Group): Promise<StoredGroup> {
    return this.#install(group, [])
  }

  /**
   * Joins by Welcome with one of the stored KeyPackages, whose private keys go with the same batch (T5), but for a
   * last-resort one.
   * @throws `welcome/no_entry`, `group/exists`; as `joinGroup`; as `Storage.apply`
   */
  async join(
    input: Omit<JoinInput, 'config' | 'keyPackages'> & { readonly cursor?: Uint8Array },
  ): Promise<StoredGroup> {
    const { cursor, ...join } = input
    const keyPackages = await this.keyPackages.list()
    const { group, used } = await joinGroupWith({ ...join, config: this.#context.config, keyPackages })
    const operations: StorageOperation[] = used.lastResort ? [] : [this.keyPackages.remove(used.reference)]
    if (cursor !== undefined)
      operations.push({ kind: 'put', table: tables.cursors, key: this.#name(group.id), value: cursor })
    return this.#install(group, operations)
  }

  /**
   * Joins by external commit a group that this store does not hold; see `StoredGroup.rejoin` for one that it holds. The
   * group is `joining` until its commit comes back.
   * @throws `group/exists`, codes of the GroupInfo; as `Storage.apply`
   */
  async joinExternal(
    input: JoinAgain & { readonly cipherSuite: number },
  ): Promise<{ readonly group: StoredGroup; readonly commit: OutboxEntry }> {
    const suite = this.#options.suite(input.cipherSuite)
    const join = await joinExternalWith({ ...input, suite, config: this.#context.config })
    const group = join.complete()
    const extra = noExtra()
    const id = input.id ?? toHex(this.#context.randomBytes(16))
    const commit: OutboxEntry = { id, groupId: group.id, epoch: group.epoch - 1n, kind: 'commit', bytes: join.commit }
    const { operation, done } = this.#context.outbox.add(commit)
    extra.operations.push(operation)
    extra.done.push(done)
    const stored = await this.#install(group, [], extra, suite.hash(join.commit))
    return { group: stored, commit }
  }

  /**
   * A stored group. Nothing is sent in it before `reconcile` was called.
   * @throws `group/unknown`, `storage/damaged`, `storage/io`
   */
  open(groupId: Uint8Array): Promise<StoredGroup> {
    return this.#remember(groupId, async () => {
      const name = this.#name(groupId)
      const record = await readRecord(this.#context.storage, tables.groups, name, records.group)
      if (record === undefined) throw new MlsError('group/unknown', 'a group that is not in this store')
      return new StoredGroup(this.#context, new GroupHead(this.#context.storage, name, record), undefined, false)
    })
  }

  /** Deletes everything of a group, its tombstone and history included, for good. @throws as `Storage.apply` */
  async delete(groupId: Uint8Array): Promise<void> {
    const name = this.#name(groupId)
    const open = this.#open.get(mapKey(groupId))
    this.#open.delete(mapKey(groupId))
    await (await open)?.release()
    const removed = this.#context.outbox.list(groupId).map((entry) => this.#context.outbox.remove(entry))
    await this.#context.storage.apply([...deleteGroup(name), ...removed.map(({ operation }) => operation)])
    for (const { done } of removed) done()
    await this.#context.shred()
  }

  /** What is to be sent, in order, of one group or of all. */
  outbox(groupId?: Uint8Array): OutboxEntry[] {
    return this.#context.outbox.list(groupId)
  }

  /**
   * Takes an entry out of the outbox whose echo was seen, or that is not wanted any more. An own commit stays until it is
   * decided: `receive` takes it out.
   * @throws as `Storage.apply`
   */
  async sent(id: string): Promise<void> {
    const entry = this.#context.outbox.find(id)
    if (entry === undefined || entry.kind === 'commit') return
    const { operation, done } = this.#context.outbox.remove(entry)
    await this.#context.storage.apply([operation])
    done()
  }

  /** Makes a KeyPackage; its private keys are durable when this resolves: upload `message` now (T6). */
  async createKeyPackage(input: Omit<KeyPackageInput, 'clock'>): Promise<KeyPackageBundle> {
    const bundle = await makeKeyPackage({ ...input, clock: this.#context.config.clock })
    await this.keyPackages.add(bundle)
    return bundle
  }

  /** Counts what is stored; reads everything. @throws `storage/io` */
  async sizes(): Promise<GroupStoreSizes> {
    return groupStoreSizes(await this.#context.storage.sizes())
  }

  /** Makes all deletions so far final, where the storage can (`openSealedStorage`). @throws as `Storage.apply` */
  async shred(): Promise<void> {
    await this.#context.shred()
  }

  /** Waits for what is under way, lets all groups go and closes the storage. */
  async close(): Promise<void> {
    for (const open of this.#open.values()) await (await open.catch(() => undefined))?.release()
    this.#open.clear()
    await this.#context.storage.close()
  }

  async #install(
    group: Group,
    operations: readonly StorageOperation[],
    extra: Extra = noExtra(),
    joinCommit?: Bytes,
  ): Promise<StoredGroup> {
    const { storage } = this.#context
    const name = this.#name(group.id)
    const known = await readRecord(storage, tables.groups, name, records.group)
    if (known !== undefined && known.status !== 'removed' && known.status !== 'left')
      throw new MlsError('group/exists', 'a group that this store holds', { rule: 'V311' })
    const record: GroupRecord = {
      groupId: group.id,
      cipherSuite: group.suite.parameters.id,
      life: (known?.life ?? 0) + 1,
      previous: undefined,
      status: joinCommit === undefined ? 'active' : 'joining',
      joinCommit,
      lastEpoch: undefined,
      quarantine: undefined,
    }
    const head = new GroupHead(storage, name, record)
    const { cell, operations: own } = await GroupCell.create(this.#context, head.life(record.life), group)
    const value = records.group.encode(record)
    const put: StorageOperation = { kind: 'put', table: tables.groups, key: name, value }
    await storage.apply([...own, put, ...operations, ...extra.operations])
    for (const done of extra.done) done()
    this.#open.delete(mapKey(group.id))
    return this.#remember(group.id, async () => new StoredGroup(this.#context, head, cell, true))
  }

  #remember(groupId: Uint8Array, make: () => Promise<StoredGroup>): Promise<StoredGroup> {
    const key = mapKey(groupId)
    const known = this.#open.get(key)
    if (known !== undefined) return known
    const made = make()
    this.#open.set(key, made)
    made.catch(() => this.#open.delete(key))
    return made
  }

  #name(groupId: Uint8Array): Bytes {
    const { storage } = this.#options
    return copyBytes((storage.blind?.(groupId) ?? sha256(groupId)).subarray(0, 16))
  }
}

/**
 * Opens the group store of a storage, which it owns from then on.
 * @throws `storage/damaged`, `storage/version`, `storage/io`; as `Storage.apply`
 */
export async function openGroupStore(options: GroupStoreOptions): Promise<GroupStore> {
  const { storage, anchor, randomBytes } = options
  const guard = await RollbackGuard.open(storage, anchor, randomBytes)
  return new GroupStore(options, guard, await Outbox.open(storage))
}
