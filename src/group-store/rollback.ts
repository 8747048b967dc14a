/**
 * Noticing that a store was put back to an earlier state, or that two live copies of it exist (a restored backup, the
 * snapshot of a virtual machine, a copied browser profile). Both look the same and get the same treatment: the group only
 * receives until the device joins again with fresh keys. It never goes on by skipping generations.
 *
 * | reason           | seen when                                                                                        |
 * |------------------|--------------------------------------------------------------------------------------------------|
 * | `anchor`         | the anchor knows a later state of this store, or another store                                   |
 * | `anchor_missing` | the store had an anchor and does not find its mark                                               |
 * | `own_message`    | the archive holds a message of the own leaf with a generation that this store never gave out      |
 * | `own_commit`     | the archive holds a commit of the own leaf that this store does not know                          |
 */
import { copyBytes, equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { unprotectPrivate } from '../framing/private-message.ts'
import type { ReceiveResult } from '../group/result.ts'
import type { GroupState } from '../group/state.ts'
import type { Anchor } from '../ports/anchor.ts'
import type { Storage, StorageOperation } from '../ports/storage.ts'
import type { RandomBytes } from '../storage/owner.ts'
import { putRecord, readRecord } from '../storage/records.ts'
import { decodeMlsMessage } from '../wire/mls-message.ts'
import { metaKey, scanAll, tables } from './layout.ts'
import { headerOf } from './received.ts'
import { type MetaRecord, type QuarantineReason, records, type UsedRecord } from './records.ts'

/** The counters of a store, here and at its anchor. */
export class RollbackGuard {
  readonly #anchor: Anchor | undefined
  #meta: MetaRecord
  /** The last number whose batch is durable. */
  #durable: number
  #written: Promise<unknown> = Promise.resolve()

  private constructor(meta: MetaRecord, anchor: Anchor | undefined) {
    this.#meta = meta
    this.#durable = meta.sequence
    this.#anchor = anchor
  }

  /**
   * Compares the store with its anchor, begins a new incarnation, and marks all groups when the store is an old copy.
   * @throws `storage/io` when the anchor cannot be read or written, and as `Storage.apply`
   */
  static async open(storage: Storage, anchor: Anchor | undefined, randomBytes: RandomBytes): Promise<RollbackGuard> {
    const found = await readRecord(storage, tables.meta, metaKey, records.meta)
    const mark = await anchored(() => anchor?.read())
    const meta = found ?? {
      storeId: copyBytes(randomBytes(16)),
      nameKey: copyBytes(randomBytes(32)),
      incarnation: 0,
      sequence: 0,
      anchored: false,
    }
    const same = mark !== undefined && equalBytes(mark.storeId, meta.storeId)
    let reason: QuarantineReason | undefined
    if (found !== undefined && anchor !== undefined) {
      if (mark === undefined) reason = meta.anchored ? 'anchor_missing' : undefined
      else if (!same || mark.incarnation > meta.incarnation || mark.sequence > meta.sequence) reason = 'anchor'
    }
    const guard = new RollbackGuard(
      {
        ...meta,
        incarnation: Math.max(meta.incarnation, same ? mark.incarnation : 0) + 1,
        sequence: Math.max(meta.sequence, same ? mark.sequence : 0),
        anchored: meta.anchored || anchor !== undefined,
      },
      anchor,
    )
    const marked = reason === undefined ? [] : await quarantineAll(storage, reason)
    await storage.apply([guard.#operation(), ...marked])
    await anchored(() => anchor?.write(guard.#meta))
    return guard
  }

  /** What the names of pages are keyed with. */
  get nameKey(): Uint8Array {
    return this.#meta.nameKey
  }

  /** How often this store was opened. */
  get incarnation(): number {
    return this.#meta.incarnation
  }

  /** Counts one more reservation: for the batch that makes it durable, and its number for {@link settle}. */
  advance(): { readonly operation: StorageOperation; readonly sequence: number } {
    this.#meta = { ...this.#meta, sequence: this.#meta.sequence + 1 }
    return { operation: this.#operation(), sequence: this.#meta.sequence }
  }

  /**
   * Tells the anchor, after the batch and before anything is sealed. The anchor is never ahead of the store.
   * @returns whether this is still the only live copy
   * @throws `storage/io`
   */
  async settle(sequence: number): Promise<boolean> {
    const anchor = this.#anchor
    if (anchor === undefined) return true
    this.#durable = Math.max(this.#durable, sequence)
    const work = this.#written.then(() =>
      anchored(async () => {
        const mark = await anchor.read()
        const { storeId, incarnation } = this.#meta
        if (mark === undefined || !equalBytes(mark.storeId, storeId) || mark.incarnation !== incarnation) return false
        await anchor.write({ ...this.#meta, sequence: this.#durable })
        return true
      }),
    )
    this.#written = work.catch(() => undefined)
    return work
  }

  #operation(): StorageOperation {
    return putRecord(tables.meta, metaKey, records.meta, this.#meta)
  }
}

async function anchored<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new MlsError('storage/io', 'the anchor of the store', { cause })
  }
}

async function quarantineAll(storage: Storage, quarantine: QuarantineReason): Promise<StorageOperation[]> {
  const rows = await scanAll(storage, tables.groups, new Uint8Array(0))
  return rows.flatMap(({ key, value }) => {
    const group = records.group.decode(value)
    const gone = group.status === 'removed' || group.status === 'left'
    return gone ? [] : [putRecord(tables.groups, key, records.group, { ...group, quarantine })]
  })
}

/**
 * Whether a message shows that another copy of this client sends. What cannot be verified counts, unless the delivery
 * service says that it is not ours: joining again is a small price, a generation used twice is not.
 * @param seen what became of the message; `own`: what the delivery service says of its sender, where it says something
 * @param used what a generation of an epoch must be below to be known here
 */
export function showsOtherCopy(
  state: GroupState,
  seen: {
    readonly message: Uint8Array
    readonly result: ReceiveResult | MlsError
    readonly own: boolean | undefined
  },
  used: (epoch: bigint) => UsedRecord,
): QuarantineReason | undefined {
  const { message, result, own } = seen
  const proven = () => {
    const verdict = isByOwnLeaf(state, message)
    return verdict === 'yes' || (verdict === 'unknown' && own !== false)
  }
  if (result instanceof MlsError) {
    if (result.code !== 'commit/own_leaf' || result.rule !== 'V271') return undefined
    // the signature of a PublicMessage was checked before
    return headerOf(message)?.isPrivate === false || proven() ? 'own_commit' : undefined
  }
  if (result.kind === 'own-message' && result.generation !== undefined) {
    const known = result.contentType === 'application' ? used(result.epoch).application : used(result.epoch).handshake
    return result.generation >= known && proven() ? 'own_message' : undefined
  }
  if (result.kind !== 'proposal') return undefined
  const { sender } = result
  const byOwnLeaf = sender.senderType === 'member' && sender.leafIndex === state.current.privateTree.leafIndex
  return byOwnLeaf ? 'own_message' : undefined
}

/**
 * Whether a PrivateMessage that claims the own leaf was made by it: `yes` when its signature holds, `no` when it does not,
 * `unknown` when the key of its generation is gone. Changes nothing.
 */
function isByOwnLeaf(state: GroupState, bytes: Uint8Array): 'yes' | 'no' | 'unknown' {
  try {
    const message = decodeMlsMessage(bytes)
    if (message.wireFormat !== 'mls_private_message') return 'no'
    const { privateMessage } = message
    const epochs = [state.current, ...state.past.map(({ epoch }) => epoch)]
    const epoch = epochs.find(({ context }) => context.epoch === privateMessage.epoch)
    if (epoch === undefined) return 'unknown'
    const opened = unprotectPrivate({
      suite: epoch.suite,
      secretTree: epoch.secretTree,
      senderDataSecret: epoch.secrets.senderDataSecret,
      message: privateMessage,
      // nobody's: the own leaf is opened as any other
      ownLeaf: -1,
      signatureKey: (leaf) => epoch.tree.leaf(leaf)?.leafNode.signatureKey,
      encodedContext: epoch.encodedContext,
    })
    if (opened.kind === 'own') return 'unknown'
    opened.reject()
    return opened.leafIndex === epoch.privateTree.leafIndex ? 'yes' : 'no'
  } catch (error) {
    if (error instanceof MlsError && (error.code === 'ratchet/generation_gone' || error.code === 'ratchet/too_far'))
      return 'unknown'
    return 'no'
  }
}
