/**
 * `xmpp-mls/store`: groups that survive, over any driver of the `Storage` port.
 *
 * ```ts
 * const store = await openGroupStore({ storage, config, suite, signer, randomBytes })
 * const group = await store.open(groupId)
 * await group.reconcile(archiveSinceCursor)
 * await group.send(bytes)
 * for (const { id, bytes } of store.outbox()) transmit(id, bytes)
 * ```
 */
export type { GroupPhase } from './group-store/group-head.ts'
export { type GroupStore, type GroupStoreSizes, type GroupSummary, openGroupStore } from './group-store/group-store.ts'
export type { HistoryPage, StoredMessage } from './group-store/history.ts'
export type { KeyPackages, StoredBundle } from './group-store/key-packages.ts'
export type { OutboxEntry } from './group-store/outbox.ts'
export type { ArchiveEntry, Joined, JoinLost, LostCommit, Received, Rejected } from './group-store/received.ts'
export type { QuarantineReason } from './group-store/records.ts'
export type { SendOptions } from './group-store/sender.ts'
export type { GroupStoreOptions, JoinAgain, ShreddingStorage } from './group-store/store-context.ts'
export type { Reconciled, StoredCommitOptions, StoredGroup } from './group-store/stored-group.ts'
export type { Anchor, AnchorMark } from './ports/anchor.ts'
