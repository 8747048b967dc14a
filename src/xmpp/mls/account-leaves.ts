/**
 * Which leaves each account has in a group. Made when a group is first asked about; then each commit costs what it changes:
 * trees share their nodes, so the leaves in which two of them differ are found without looking at the others.
 */
import type { Group } from '../../group/group.ts'
import type { Tree, TreeLeaf } from '../../ratchet-tree/tree.ts'
import { changedLeaves, type LeafChange } from '../../ratchet-tree/tree-delta.ts'
import type { LeafIndex } from '../../tree-math/tree-math.ts'
import { type DeviceName, deviceOf } from './identity.ts'

const noLeaves: ReadonlyMap<LeafIndex, string> = new Map()
const known = new WeakMap<Group, AccountLeaves>()

/** The accounts of a group in its present epoch. One object for each group: it follows, so it is to be read and not kept. */
export function accountsIn(group: Group): AccountLeaves {
  const accounts = known.get(group) ?? new AccountLeaves()
  known.set(group, accounts)
  accounts.follow(treeOf(group))
  return accounts
}

/** The tree of the present epoch. */
export function treeOf(group: Group): Tree {
  return group.state.current.tree
}

/** The leaves in which a tree differs from an earlier one: O(changes · log n). All of them where there was none. */
export function leavesSince(before: Tree | undefined, tree: Tree): readonly LeafChange[] {
  if (before === tree) return []
  if (before !== undefined) return changedLeaves(before, tree)
  return Array.from(tree.members(), ([leafIndex, after]) => ({ leafIndex, before: undefined, after }))
}

/** The device at a leaf, with empty names where it names none. Costs a look into the leaf. */
export function nameOfLeaf(leaf: TreeLeaf): DeviceName {
  return deviceOf(leaf.leafNode.credential) ?? { account: '', device: '' }
}

/** See the file. */
export class AccountLeaves {
  readonly #accounts = new Map<string, Map<LeafIndex, string>>()
  #tree: Tree | undefined
  #version = 0

  /** Goes to another tree of the group. */
  follow(tree: Tree): void {
    const changes = leavesSince(this.#tree, tree)
    this.#tree = tree
    for (const { leafIndex, before } of changes) if (before !== undefined) this.#drop(leafIndex, nameOfLeaf(before))
    for (const { leafIndex, after } of changes) if (after !== undefined) this.#put(leafIndex, nameOfLeaf(after))
  }

  #put(leafIndex: LeafIndex, { account, device }: DeviceName): void {
    const leaves = this.#accounts.get(account)
    if (leaves !== undefined) {
      leaves.set(leafIndex, device)
      return
    }
    this.#accounts.set(account, new Map([[leafIndex, device]]))
    this.#version++
  }

  #drop(leafIndex: LeafIndex, { account }: DeviceName): void {
    const leaves = this.#accounts.get(account)
    leaves?.delete(leafIndex)
    if (leaves?.size !== 0) return
    this.#accounts.delete(account)
    this.#version++
  }

  /** Grows when an account comes or goes. */
  get version(): number {
    return this.#version
  }

  /** How many accounts there are. */
  get size(): number {
    return this.#accounts.size
  }

  /** Bare JIDs; the empty text is that of leaves that name nobody. */
  names(): Iterable<string> {
    return this.#accounts.keys()
  }

  /** Whether an account has a leaf. */
  has(account: string): boolean {
    return this.#accounts.has(account)
  }

  /** Leaves of an account with their devices, 32 hexadecimal digits. */
  leavesOf(account: string): ReadonlyMap<LeafIndex, string> {
    return this.#accounts.get(account) ?? noLeaves
  }

  /** The leaf of a device: O(devices of its account). */
  leafOf(account: string, device: string): LeafIndex | undefined {
    for (const [leafIndex, name] of this.leavesOf(account)) if (name === device) return leafIndex
    return undefined
  }
}
