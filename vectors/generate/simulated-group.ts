import type { Bytes } from '../../src/bytes/bytes.ts'
import { utf8 } from '../../src/bytes/text.ts'
import { encode } from '../../src/codec/codec.ts'
import type { CipherSuite, HpkeKeyPair } from '../../src/crypto/cipher-suite.ts'
import { generateIdentity, type Identity, type KeyPackageBundle, makeKeyPackage } from '../../src/group/key-package.ts'
import { systemClock } from '../../src/providers/system-clock.ts'
import { TreeDraft } from '../../src/ratchet-tree/draft.ts'
import { PrivateTree } from '../../src/ratchet-tree/private-tree.ts'
import { createTree, type Tree } from '../../src/ratchet-tree/tree.ts'
import { type PreparedPath, preparePath } from '../../src/ratchet-tree/treekem-send.ts'
import { signLeafNode } from '../../src/signed/leaf-node.ts'
import { keySigner } from '../../src/signed/signer.ts'
import { isInSubtree, type LeafIndex, leafToNode, type NodeIndex } from '../../src/tree-math/tree-math.ts'
import { type EncodedLeafNode, LeafNode } from '../../src/wire/leaf-node.ts'
import { present } from '../expect.ts'

/** What one member of a simulated group knows. */
export interface SimulatedMember {
  readonly signaturePrivateKey: Bytes
  readonly leafKeyPair: HpkeKeyPair
  /** Path secrets of nodes above; a real member keeps key pairs alone. */
  readonly pathSecrets: ReadonlyMap<NodeIndex, Bytes>
}

/** Who comes and goes with a commit. */
export interface SimulatedCommit {
  readonly add?: number
  readonly remove?: readonly LeafIndex[]
  /** Whether the commit has a path; by default it has. */
  readonly path?: boolean
}

let names = 0

/** A client with one KeyPackage. */
export interface Client extends KeyPackageBundle {
  readonly identity: Identity
  /** Of the signature key. */
  readonly privateKey: Bytes
}

/** A new client, with a name of its own. */
export async function newClient(suite: CipherSuite): Promise<Client> {
  const identity = generateIdentity(suite, { credentialType: 'basic', identity: utf8(`client ${names++}`) })
  const bundle = await makeKeyPackage({ suite, identity, clock: systemClock })
  return { ...bundle, identity, privateKey: identity.privateKey }
}

/** The leaf of a KeyPackage with its bytes. */
export function leafOf({ keyPackage }: Pick<KeyPackageBundle, 'keyPackage'>): EncodedLeafNode {
  return { leafNode: keyPackage.leafNode, bytes: encode(LeafNode, keyPackage.leafNode) }
}

/** The tree of a group and the secrets of all members, without messages and epochs. A value: a commit gives another one. */
export class SimulatedGroup {
  readonly suite: CipherSuite
  readonly groupId: Bytes
  readonly tree: Tree
  readonly members: ReadonlyMap<LeafIndex, SimulatedMember>

  constructor(suite: CipherSuite, groupId: Bytes, tree: Tree, members: ReadonlyMap<LeafIndex, SimulatedMember>) {
    this.suite = suite
    this.groupId = groupId
    this.tree = tree
    this.members = members
  }

  /** A group of one. */
  static async create(suite: CipherSuite): Promise<SimulatedGroup> {
    const client = await newClient(suite)
    const members = new Map([[0, memberOf(client)]])
    return new SimulatedGroup(suite, suite.randomBytes(16), createTree(suite, leafOf(client)), members)
  }

  /** A commit; its path is made on the tree after the proposals. */
  async commit(committer: LeafIndex, changes: SimulatedCommit): Promise<SimulatedGroup> {
    const { suite } = this
    const draft = new TreeDraft(this.tree)
    const members = new Map(this.members)
    for (const leaf of changes.remove ?? []) {
      draft.remove(leaf)
      members.delete(leaf)
    }
    for (let i = 0; i < (changes.add ?? 0); i++) {
      const client = await newClient(suite)
      members.set(draft.add(leafOf(client)), memberOf(client))
    }
    const changed = new SimulatedGroup(suite, this.groupId, draft.finish(suite), members).withoutBlanked()
    if (changes.path === false) return changed
    const prepared = await changed.preparePath(committer)
    return changed.withPath(committer, prepared)
  }

  /** New keys for the path of a member. */
  preparePath(committer: LeafIndex): Promise<PreparedPath> {
    const { suite, tree, groupId } = this
    const member = present('the committer', this.members.get(committer))
    const { leafNode } = present('the committer', tree.leaf(committer))
    const signer = keySigner(suite, member.signaturePrivateKey)
    return preparePath({
      suite,
      tree,
      leafIndex: committer,
      privateTree: new PrivateTree(committer, [[leafToNode(committer), member.leafKeyPair]]),
      signLeaf: ({ encryptionKey, parentHash }) =>
        signLeafNode(
          signer,
          { ...leafNode, leafNodeSource: 'commit', encryptionKey, parentHash },
          { groupId, leafIndex: committer },
        ),
    })
  }

  /** Every member learns the secrets of the nodes above it. */
  withPath(committer: LeafIndex, path: PreparedPath): SimulatedGroup {
    const members = new Map<LeafIndex, SimulatedMember>()
    for (const [leaf, member] of this.members) {
      const pathSecrets = new Map(member.pathSecrets)
      for (const { node, pathSecret } of path.nodes)
        if (isInSubtree(leafToNode(leaf), node)) pathSecrets.set(node, pathSecret)
      members.set(leaf, { ...member, pathSecrets })
    }
    const own = present('the committer', members.get(committer))
    const leafKeyPair = present('its key', path.privateTree.keyPair(leafToNode(committer)))
    members.set(committer, { ...own, leafKeyPair })
    return new SimulatedGroup(this.suite, this.groupId, path.tree, members).withoutBlanked()
  }

  /** Without the secrets of nodes that are blank or gone. */
  withoutBlanked(): SimulatedGroup {
    const { suite, groupId, tree } = this
    const members = new Map<LeafIndex, SimulatedMember>()
    for (const [leaf, member] of this.members) {
      const kept = [...member.pathSecrets].filter(([node]) => tree.encryptionKey(node) !== undefined)
      members.set(leaf, { ...member, pathSecrets: new Map(kept) })
    }
    return new SimulatedGroup(suite, groupId, tree, members)
  }
}

function memberOf({ privateKey, encryptionKeyPair }: Client): SimulatedMember {
  return { signaturePrivateKey: privateKey, leafKeyPair: encryptionKeyPair, pathSecrets: new Map() }
}

/** Groups of 1 to `size` members, at index size - 1: leaf i adds leaf i + 1, with a path. */
export async function growingGroups(suite: CipherSuite, size: number): Promise<SimulatedGroup[]> {
  let group = await SimulatedGroup.create(suite)
  const groups = [group]
  for (let leaf = 0; leaf + 1 < size; leaf++) {
    group = await group.commit(leaf, { add: 1 })
    groups.push(group)
  }
  return groups
}

/** Trees with blanks and unmerged leaves, from {@link growingGroups} of 8 or more. */
export async function unevenGroups(groups: readonly SimulatedGroup[]): Promise<SimulatedGroup[]> {
  const [seven, eight] = [present('a group of 7', groups[6]), present('a group of 8', groups[7])]
  // blank leaves and parents inside the tree, one of them used again
  const replaced = await eight.commit(0, { remove: [2, 3], add: 1 })
  // parent hash links that skip a blank
  const skipping = await eight.commit(0, { remove: [1, 2, 3] })
  // an unmerged leaf below every parent on its path
  const unmerged = await seven.commit(0, { add: 1, path: false })
  // unmerged leaves beside skipped blanks, and a later path that merges some of them
  const fewer = await eight.commit(6, { remove: [1, 5] })
  const both = await (await fewer.commit(0, { add: 2, path: false })).commit(2, { path: true })
  return [replaced, skipping, unmerged, both]
}
