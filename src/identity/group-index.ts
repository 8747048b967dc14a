/**
 * Accounts and devices of a tree: persistent maps that trees share as they share their nodes. Made once when a group is
 * checked as a whole, then carried from tree to tree by what a commit changes (rules H3 and H4).
 */
import { equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { type MapDraft, PersistentMap } from '../ratchet-tree/persistent-map.ts'
import type { LeafIdentity } from './group-leaf.ts'

/** Roots of one account at a time: one, and those that have followed one another since a leaf last moved. */
const maxRoots = 16

/** A root of an account in a tree, and the leaves that stand on it. */
export interface RootInTree {
  /** The Ed25519 half. */
  readonly root: Uint8Array
  readonly generation: number
  readonly leaves: number
}

/** Accounts by their key: roots in the order of their coming. An account without root is one of mode `x509`. */
export interface AccountInTree {
  readonly leaves: number
  readonly roots: readonly RootInTree[]
}

/** The index of one tree. */
export interface GroupIndex {
  readonly accounts: PersistentMap<AccountInTree>
  /** Leaf of each device, by {@link LeafIdentity.deviceKey}. */
  readonly devices: PersistentMap<number>
}

/** A leaf that differs between two trees. */
export interface LeafChange {
  readonly leafIndex: number
  readonly before: LeafIdentity | undefined
  readonly after: LeafIdentity | undefined
}

/** The index of a tree without leaves. */
export const emptyGroupIndex: GroupIndex = { accounts: PersistentMap.empty(), devices: PersistentMap.empty() }

/**
 * The index after changes: O(changes * log n).
 * @throws `identity_group/device` (H4) when a device is there twice
 */
export function changeIndex(index: GroupIndex, changes: Iterable<LeafChange>): GroupIndex {
  const accounts = index.accounts.draft()
  const devices = index.devices.draft()
  const list = [...changes]
  for (const { leafIndex, before } of list) {
    if (before === undefined) continue
    if (devices.get(before.deviceKey) === leafIndex) devices.delete(before.deviceKey)
    count(accounts, before, -1)
  }
  for (const { leafIndex, after } of list) {
    if (after === undefined) continue
    // H4: a second leaf with the name of a device would inherit what is thought of the first
    if (devices.get(after.deviceKey) !== undefined)
      throw new MlsError('identity_group/device', 'two leaves of one device', { rule: 'H4' })
    devices.set(after.deviceKey, leafIndex)
    count(accounts, after, 1)
  }
  return { accounts: accounts.finish(), devices: devices.finish() }
}

function count(accounts: MapDraft<AccountInTree>, leaf: LeafIdentity, step: 1 | -1): void {
  const entry = accounts.get(leaf.accountKey) ?? { leaves: 0, roots: [] }
  const leaves = entry.leaves + step
  if (leaves <= 0) {
    accounts.delete(leaf.accountKey)
    return
  }
  accounts.set(leaf.accountKey, { leaves, roots: countRoot(entry.roots, leaf, step) })
}

function countRoot(roots: readonly RootInTree[], leaf: LeafIdentity, step: 1 | -1): readonly RootInTree[] {
  const cert = leaf.certificate?.cert
  if (cert === undefined) return roots
  const { rootEd25519: root, generation } = cert
  const found = roots.find((one) => one.generation === generation && equalBytes(one.root, root))
  if (found === undefined) {
    if (step === -1) return roots
    // H3, and a bound on what one commit can make us compare
    if (roots.length === maxRoots)
      throw new MlsError('identity_group/root', 'an account on too many roots', { rule: 'H3' })
    return [...roots, { root, generation, leaves: 1 }]
  }
  const leaves = found.leaves + step
  if (leaves === 0) return roots.filter((one) => one !== found)
  return roots.map((one) => (one === found ? { ...one, leaves } : one))
}
