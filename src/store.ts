/**
 * `xmpp-mls/store`: groups that survive, over any driver of the `Storage` port.
 *
 * ```ts
 * const store = await openGroupStore({ storage, config: groupConfig(), suite, signer, randomBytes })
 * const group = await store.open(groupId)
 * await group.reconcile(archiveSinceCursor)
 * await group.send(bytes)
 * for (const { id, bytes } of store.outbox()) transmit(id, bytes)
 * ```
 */
import { basicAuthentication } from './authentication/basic-authentication.ts'
import type { GroupConfig } from './commit/config.ts'
import { type GroupOptions, makeConfig } from './group/defaults.ts'
import { systemClock } from './providers/system-clock.ts'

export type { GroupPhase } from './group-store/group-head.ts'
export type { GroupStoreSizes } from './group-store/group-sizes.ts'
export { type GroupStore, type GroupSummary, openGroupStore } from './group-store/group-store.ts'
export type { HistoryPage, StoredMessage } from './group-store/history.ts'
export type { KeyPackages, StoredBundle } from './group-store/key-packages.ts'
export type { OutboxEntry } from './group-store/outbox.ts'
export type { ArchiveEntry, Joined, JoinLost, LostCommit, Received, Rejected } from './group-store/received.ts'
export type { QuarantineReason } from './group-store/records.ts'
export type { SendOptions } from './group-store/sender.ts'
export type { GroupStoreOptions, JoinAgain, ShreddingStorage } from './group-store/store-context.ts'
export type { Reconciled, StoredCommitOptions, StoredGroup } from './group-store/stored-group.ts'
export type { Anchor, AnchorMark } from './ports/anchor.ts'

/**
 * Settings for `GroupStoreOptions.config`: the defaults of `createGroup`, changed by `options`. Without `authentication`,
 * basic credentials are accepted as they are; without `psks` there are no external ones; the clock is that of the platform.
 */
export function groupConfig(options: GroupOptions = {}): GroupConfig {
  const psks = { externalPsk: () => undefined }
  return makeConfig(options, { authentication: basicAuthentication(), psks, clock: systemClock })
}
