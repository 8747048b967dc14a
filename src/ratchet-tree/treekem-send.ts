/**
 * TreeKEM for the committer, RFC 9420 §7.4 to §7.6: first the new keys ({@link preparePath}), which the tree hash and so the
 * provisional GroupContext depend on; then, with that context, the encryption of the path secrets ({@link sealPath}).
 */
import { type Bytes, copyBytes, wipe } from '../bytes/bytes.ts'
import { at, bug } from '../bytes/errors.ts'
import type { Secret } from '../bytes/secret.ts'
import { inBatches, type SliceRules } from '../bytes/slices.ts'
import type { CipherSuite, HpkeKeyPair } from '../crypto/cipher-suite.ts'
import { sealRequests } from '../crypto/labels.ts'
import { isInSubtree, type LeafIndex, leafToNode, type NodeIndex } from '../tree-math/tree-math.ts'
import type { EncodedLeafNode } from '../wire/leaf-node.ts'
import type { UpdatePath } from '../wire/update-path.ts'
import { TreeDraft } from './draft.ts'
import { nodeAt } from './node.ts'
import { pathNodes } from './parent-hash.ts'
import { derivePathSecrets, type PathSecrets, pathKeyPairs, pathLabel } from './path-secrets.ts'
import { PrivateTree } from './private-tree.ts'
import { filteredPathOf, type PathStep } from './resolution.ts'
import type { Tree } from './tree.ts'
import { requireCommitter, resolutionWithoutNew } from './treekem-path.ts'

/** What a new path needs. */
export interface PathRequest {
  readonly suite: CipherSuite
  /** The tree after the proposals of the commit. */
  readonly tree: Tree
  /** The committer; for an external commit `tree.freeLeaf`. */
  readonly leafIndex: LeafIndex
  /** The committer's keys; absent for an external commit. */
  readonly privateTree?: PrivateTree | undefined
  /** Makes the committer's leaf of source `commit` with this key and parent hash, and signs it. */
  readonly signLeaf: (keys: PathLeafKeys) => Promise<EncodedLeafNode> | EncodedLeafNode
}

/** What a path decides about the committer's leaf. */
export interface PathLeafKeys {
  readonly encryptionKey: Bytes
  /** Empty for a group of one member. */
  readonly parentHash: Bytes
}

/** A node of a new path. */
export interface PreparedPathNode {
  readonly node: NodeIndex
  readonly publicKey: Bytes
  /** Nh bytes, to be wiped with {@link PreparedPath.wipe}. */
  readonly pathSecret: Bytes
  /** The child on the copath, to whose resolution the path secret is encrypted. */
  readonly sibling: NodeIndex
}

/** A new path that is not encrypted yet. */
export class PreparedPath {
  /** The tree after the proposals, without the path. */
  readonly before: Tree
  /** The tree with the path. */
  readonly tree: Tree
  readonly privateTree: PrivateTree
  readonly leafNode: EncodedLeafNode
  /** The filtered direct path, from the leaf up. */
  readonly nodes: readonly PreparedPathNode[]
  readonly commitSecret: Secret<'commit_secret'>

  constructor(parts: Omit<PreparedPath, 'pathSecretFor' | 'wipe'>) {
    this.before = parts.before
    this.tree = parts.tree
    this.privateTree = parts.privateTree
    this.leafNode = parts.leafNode
    this.nodes = parts.nodes
    this.commitSecret = parts.commitSecret
  }

  /** A copy of the path secret for a new member's Welcome (RFC 9420 §12.4.3.1): that of the lowest common ancestor. */
  pathSecretFor(leaf: LeafIndex): Bytes | undefined {
    const found = this.nodes.find(({ node }) => isInSubtree(leafToNode(leaf), node))
    return found === undefined ? undefined : copyBytes(found.pathSecret)
  }

  /** Zeroes the path secrets (RFC 9420 §7.5). */
  wipe(): void {
    for (const { pathSecret } of this.nodes) wipe(pathSecret)
  }
}

/**
 * New keys for the committer's leaf and its filtered direct path.
 * @throws `tree/index` for a committer without a leaf (V065); `leaf/key_reuse`
 */
export async function preparePath(request: PathRequest): Promise<PreparedPath> {
  const { suite, tree, leafIndex, privateTree } = request
  requireCommitter(tree, leafIndex, privateTree === undefined)
  const path = filteredPathOf(tree.root, tree.height, leafIndex)
  const keys = await newKeys(suite, path.length)
  try {
    return await assemble(request, path, keys)
  } catch (error) {
    keys.commitSecret.wipe()
    wipe(...keys.pathSecrets, ...[keys.leafKeyPair, ...keys.keyPairs].map(({ privateKey }) => privateKey))
    throw error
  }
}

async function assemble(request: PathRequest, path: readonly PathStep[], keys: PathKeys): Promise<PreparedPath> {
  const { suite, tree, leafIndex } = request
  const { pathSecrets, commitSecret, leafKeyPair, keyPairs } = keys
  const publicKeys = keyPairs.map(({ publicKey }) => publicKey)
  const { nodes, leafParentHash } = pathNodes(suite, path, publicKeys)
  const leafNode = await request.signLeaf({ encryptionKey: leafKeyPair.publicKey, parentHash: leafParentHash })
  const draft = new TreeDraft(tree)
  draft.setPath(leafIndex, leafNode, nodes)
  const own = path.map(({ node }, i): [NodeIndex, HpkeKeyPair] => [node, at(keyPairs, i)])
  return new PreparedPath({
    before: tree,
    tree: draft.finish(suite),
    privateTree: new PrivateTree(leafIndex, [[leafToNode(leafIndex), leafKeyPair], ...own]),
    leafNode,
    nodes: path.map(({ node, sibling }, i) => ({
      node,
      publicKey: at(publicKeys, i),
      pathSecret: at(pathSecrets, i),
      sibling: nodeAt(sibling.height, sibling.position),
    })),
    commitSecret,
  })
}

interface PathKeys extends PathSecrets {
  readonly leafKeyPair: HpkeKeyPair
  /** One for each path secret. */
  readonly keyPairs: readonly HpkeKeyPair[]
}

async function newKeys(suite: CipherSuite, count: number): Promise<PathKeys> {
  const { hashLength } = suite.parameters
  const first = suite.randomBytes(hashLength)
  const leafSecret = suite.randomBytes(hashLength)
  const { pathSecrets, commitSecret } = derivePathSecrets(suite, first, count)
  try {
    const [leafKeyPair, keyPairs] = await Promise.all([
      suite.deriveKeyPair(leafSecret),
      pathKeyPairs(suite, pathSecrets),
    ])
    return { pathSecrets, commitSecret, leafKeyPair, keyPairs }
  } finally {
    wipe(first, leafSecret)
  }
}

function recipientKeys(tree: Tree, sibling: NodeIndex, newLeaves: ReadonlySet<LeafIndex>): Uint8Array[] {
  return resolutionWithoutNew(tree, sibling, newLeaves).map((node) => {
    const key = tree.encryptionKey(node)
    if (key === undefined) throw bug('a blank node in a resolution')
    return key
  })
}

/**
 * Encrypts the path secrets to the resolutions of the copath, new members excluded (RFC 9420 §7.6), in one batch.
 * `encodedGroupContext` is the provisional GroupContext.
 * @throws `crypto/key` for a member with a bad key
 */
export async function sealPath(
  suite: CipherSuite,
  prepared: PreparedPath,
  encodedGroupContext: Uint8Array,
  newLeaves: ReadonlySet<LeafIndex>,
  share: SliceRules = {},
): Promise<UpdatePath> {
  const recipients = prepared.nodes.map(({ sibling }) => recipientKeys(prepared.before, sibling, newLeaves))
  const requests = sealRequests(
    pathLabel,
    encodedGroupContext,
    prepared.nodes.flatMap(({ pathSecret }, i) =>
      at(recipients, i).map((publicKey) => ({ publicKey, plaintext: pathSecret })),
    ),
  )
  const sealed = await inBatches(requests, suite.workers === undefined ? share : {}, (part) => suite.hpkeSealMany(part))
  let next = 0
  return {
    leafNode: prepared.leafNode,
    nodes: prepared.nodes.map(({ publicKey }, i) => {
      const start = next
      next += at(recipients, i).length
      return { encryptionKey: publicKey, encryptedPathSecret: sealed.slice(start, next) }
    }),
  }
}
