/** Processes messages of the archive for one batch: results, and what they add to it. */
import { type Bytes, copyBytes, equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { toHex } from '../bytes/text.ts'
import type { MessageReceived, ReceiveResult } from '../group/result.ts'
import type { Extra, GroupCell } from './cell.ts'
import type { GroupHead } from './group-head.ts'
import type { GroupLives } from './group-lives.ts'
import type { OutboxEntry } from './outbox.ts'
import { type ArchiveEntry, headerOf, type LostCommit, type Received, type Rejected } from './received.ts'
import type { QuarantineReason } from './records.ts'
import { showsOtherCopy } from './rollback.ts'
import type { StoreContext } from './store-context.ts'

/** See the file. */
export class Receiver {
  readonly #context: StoreContext
  readonly #head: GroupHead
  readonly #extra: Extra
  readonly #lives: GroupLives

  constructor(context: StoreContext, head: GroupHead, extra: Extra, lives: GroupLives) {
    this.#context = context
    this.#head = head
    this.#extra = extra
    this.#lives = lives
  }

  /** One message. @throws codes of `storage/` alone */
  async receive(entry: ArchiveEntry): Promise<Received> {
    if (this.#extra.gone) return { result: rejection(new MlsError('group/removed', 'a group that is no more')) }
    if (this.#head.record.status === 'joining') {
      const decided = await this.#joining(entry)
      if (decided !== undefined) return decided
    }
    return this.#process(this.#lives.current, entry)
  }

  /** What a message means while an external commit waits; `undefined` when the new life is to process it. */
  async #joining(entry: ArchiveEntry): Promise<Received | undefined> {
    const { joinCommit } = this.#head.record
    const cell = this.#lives.current
    const { suite, epoch } = cell.group
    const own = this.#context.outbox.match(entry.message)
    if (joinCommit !== undefined && equalBytes(suite.hash(entry.message), joinCommit)) {
      this.#head.confirm(this.#extra)
      this.#sent(own)
      return { result: { kind: 'joined', epoch }, ...(own === undefined ? {} : { sent: own.id }) }
    }
    const header = headerOf(entry.message)
    if (header === undefined || header.epoch >= epoch) return undefined
    const previous = await this.#lives.previous()
    if (header.contentType !== 'commit' || header.epoch !== epoch - 1n)
      return previous === undefined ? undefined : this.#process(previous, entry)
    // another commit of the epoch that ours starts from: ours is too late if it is valid
    const received = previous?.group.epoch === header.epoch ? await this.#process(previous, entry) : undefined
    if (received !== undefined && received.result.kind !== 'commit') return received
    if (!this.#extra.gone) await this.#lives.abandon(this.#extra)
    return { ...received, result: { kind: 'join-lost', epoch } }
  }

  async #process(cell: GroupCell, entry: ArchiveEntry): Promise<Received> {
    const { group } = cell
    const entryOfOutbox = this.#context.outbox.match(entry.message)
    const waiting = { pending: group.pending, note: cell.note }
    let result: ReceiveResult | Rejected
    try {
      result = await group.receive(copyBytes(entry.message))
    } catch (error) {
      if (!(error instanceof MlsError)) throw error
      result = rejection(error)
    }
    const quarantine = this.#otherCopy(cell, entry, result)
    if (quarantine !== undefined) this.#head.quarantine(this.#extra, quarantine)
    this.#sent(entryOfOutbox)
    let lost: LostCommit | undefined
    if (result.kind === 'commit' || result.kind === 'own-commit') {
      this.#dropHandshakes(group.id, entryOfOutbox)
      if (waiting.pending !== undefined && result.kind === 'commit')
        lost = { changes: waiting.pending.changes, intent: waiting.note?.intent as Bytes | undefined }
    }
    if (result.kind === 'own-commit') {
      this.#publish(group.id, group.epoch, 'welcome', result.welcome)
      this.#publish(group.id, group.epoch, 'group_info', result.groupInfo)
    }
    if (group.status === 'reinitialized' && this.#head.record.status === 'active') this.#head.reinitialized(this.#extra)
    if (result.kind === 'commit' && result.removed)
      this.#head.end(this.#extra, 'removed', group.epoch, this.#context.outbox)
    if (result.kind === 'message' && (entry.keep ?? this.#context.keepHistory)) this.#keep(result, entry.id)
    return {
      result,
      ...(entryOfOutbox === undefined ? {} : { sent: entryOfOutbox.id }),
      ...(lost === undefined ? {} : { lost }),
      ...(quarantine === undefined ? {} : { quarantine }),
    }
  }

  #keep({ sender, epoch, generation, authenticatedData, data }: MessageReceived, id: string | undefined): void {
    const at = this.#context.config.clock.now()
    const message = { own: false, sender: sender.leafIndex, epoch, generation, id, at, authenticatedData, data }
    this.#extra.operations.push(this.#head.history.append(message))
  }

  /** The echo of an outbox entry takes it out. */
  #sent(entry: OutboxEntry | undefined): void {
    if (entry === undefined) return
    const { operation, done } = this.#context.outbox.remove(entry)
    this.#extra.operations.push(operation)
    this.#extra.done.push(done)
  }

  /** Handshakes of an epoch that is over can do nothing any more. */
  #dropHandshakes(groupId: Uint8Array, except: OutboxEntry | undefined): void {
    for (const entry of this.#context.outbox.list(groupId))
      if (entry !== except && (entry.kind === 'commit' || entry.kind === 'proposal')) this.#sent(entry)
  }

  #publish(groupId: Bytes, epoch: bigint, kind: 'welcome' | 'group_info', bytes: Bytes | undefined): void {
    if (bytes === undefined) return
    const id = toHex(this.#context.randomBytes(16))
    const { operation, done } = this.#context.outbox.add({ id, groupId, epoch, kind, bytes })
    this.#extra.operations.push(operation)
    this.#extra.done.push(done)
  }

  #otherCopy(cell: GroupCell, entry: ArchiveEntry, result: ReceiveResult | Rejected): QuarantineReason | undefined {
    if (this.#head.record.quarantine !== undefined) return undefined
    const seen = result.kind === 'rejected' ? result.error : result
    return showsOtherCopy(cell.group.state, { message: entry.message, result: seen, own: entry.own }, (epoch) =>
      cell.used(epoch),
    )
  }
}

function rejection(error: MlsError): Rejected {
  return { kind: 'rejected', error }
}
