/**
 * TreeKEM for the other members, RFC 9420 §7.5, §7.6 and §12.4.2: first the public part of an UpdatePath ({@link applyPath}),
 * which gives the new tree and with it the provisional GroupContext; then, with that context, our path secret
 * ({@link openPath}). Cheap comparisons come before public-key work, and that before any decryption.
 */
import { type Bytes, equalBytes, wipe } from '../bytes/bytes.ts'
import { at, check, MlsError } from '../bytes/errors.ts'
import type { Secret } from '../bytes/secret.ts'
import { mapKey } from '../bytes/text.ts'
import type { CipherSuite, HpkeCiphertext, HpkeKeyPair } from '../crypto/cipher-suite.ts'
import { decryptWithLabel } from '../crypto/labels.ts'
import { isInSubtree, type LeafIndex, leafToNode } from '../tree-math/tree-math.ts'
import type { UpdatePath } from '../wire/update-path.ts'
import { TreeDraft } from './draft.ts'
import { nodeAt } from './node.ts'
import { pathNodes } from './parent-hash.ts'
import { climb, pathLabel } from './path-secrets.ts'
import type { PrivateTree } from './private-tree.ts'
import { filteredPathOf, type PathStep, resolutionOf } from './resolution.ts'
import type { Tree } from './tree.ts'
import { requireCommitter, withoutNew } from './treekem-path.ts'

/** An UpdatePath to merge. */
export interface ApplyPathRequest {
  readonly suite: CipherSuite
  /** The tree after the proposals of the commit. */
  readonly tree: Tree
  /** The committer. */
  readonly leafIndex: LeafIndex
  readonly path: UpdatePath
  /** Leaves that the commit adds; an external committer's own is not one of them. */
  readonly newLeaves: ReadonlySet<LeafIndex>
  /** For an external commit: the committer takes the free leaf of the tree. */
  readonly external?: boolean | undefined
}

/**
 * The tree with the path. The other rules of its leaf (`validateLeafNode`) and the leaf's signature are the caller's.
 * @throws `tree/index` V065; `leaf/source` V103; `commit/path` V170, V171, V173-V175; `commit/path_key` V182-V186, V296;
 *   `crypto/key` V032; `tree/parent_hash` V181
 */
export function applyPath(request: ApplyPathRequest): Tree {
  const { suite, tree, leafIndex, path } = request
  requireCommitter(tree, leafIndex, request.external === true)
  const { leafNode } = path.leafNode
  // RFC 9420 §7.3 V103: the source of a path's leaf is commit
  if (leafNode.leafNodeSource !== 'commit')
    throw new MlsError('leaf/source', 'a path with a leaf of another source', { rule: 'V103' })
  // RFC 9420 §12.4.2 V187: of the tree after the proposals
  const steps = filteredPathOf(tree.root, tree.height, leafIndex)
  checkShape(steps, path, request.newLeaves)
  checkLeafKeys(tree, leafIndex, path, request.external === true)
  checkPathKeys(suite, tree, path)
  const encryptionKeys = path.nodes.map(({ encryptionKey }) => encryptionKey)
  const { nodes, leafParentHash } = pathNodes(suite, steps, encryptionKeys)
  // RFC 9420 §7.9.2 V181: the leaf carries the parent hash of the new path, which covers its order (V172)
  const vouched = equalBytes(leafNode.parentHash, leafParentHash)
  check(vouched, 'tree/parent_hash', 'V181', 'a leaf with another parent hash than its path')
  const draft = new TreeDraft(tree)
  draft.setPath(leafIndex, path.leafNode, nodes)
  return draft.finish(suite)
}

function checkShape(steps: readonly PathStep[], path: UpdatePath, newLeaves: ReadonlySet<LeafIndex>): void {
  // RFC 9420 §7.6 V170, V171: one node for each of the filtered direct path
  check(path.nodes.length >= steps.length, 'commit/path', 'V170', 'a path with too few nodes')
  check(path.nodes.length <= steps.length, 'commit/path', 'V171', 'a path with too many nodes')
  steps.forEach(({ sibling }, i) => {
    const resolution = resolutionOf(sibling)
    const expected = withoutNew(resolution, newLeaves).length
    const count = at(path.nodes, i).encryptedPathSecret.length
    // RFC 9420 §7.6 V173: one ciphertext for each node of the resolution
    check(count >= expected, 'commit/path', 'V173', 'a path node with too few ciphertexts')
    if (count === expected) return
    // RFC 9420 §7.6 V174, V175: no more, and none for new leaves
    const rule = count <= resolution.length ? 'V175' : 'V174'
    throw new MlsError('commit/path', 'a path node with too many ciphertexts', { rule })
  })
}

function checkLeafKeys(tree: Tree, leafIndex: LeafIndex, path: UpdatePath, external: boolean): void {
  const { encryptionKey, signatureKey } = path.leafNode.leafNode
  const holder = tree.nodeOfEncryptionKey(encryptionKey)
  // RFC 9420 §12.4.2 V182: the leaf's key changes
  check(holder !== leafToNode(leafIndex), 'commit/path_key', 'V182', 'a path that keeps the key of its leaf')
  // RFC 9420 §12.4.2 V183: and is not used elsewhere
  check(holder === undefined, 'commit/path_key', 'V183', 'a path leaf with the key of another node')
  const signer = tree.leafOfSignatureKey(signatureKey)
  // RFC 9420 §7.3 V186: signature keys are unique; V296: a newcomer's too, unless the leaf with it was removed
  const own = signer === undefined || signer === leafIndex
  check(own, 'commit/path_key', external ? 'V296' : 'V186', 'a path leaf with the signature key of another member')
}

function checkPathKeys(suite: CipherSuite, tree: Tree, path: UpdatePath): void {
  const leafKey = path.leafNode.leafNode.encryptionKey
  const seen = new Set([mapKey(leafKey)])
  for (const { encryptionKey } of path.nodes) {
    const key = mapKey(encryptionKey)
    // RFC 9420 §16.7 V185: distinct from each other
    check(!seen.has(key), 'commit/path_key', 'V185', 'a path that has one key twice')
    seen.add(key)
    // RFC 9420 §12.4.2 V184: not used in the tree
    const holder = tree.nodeOfEncryptionKey(encryptionKey)
    check(holder === undefined, 'commit/path_key', 'V184', 'a path node with the key of another node')
  }
  // RFC 9420 §5.1.1 V032: every key is one of the suite
  for (const key of [leafKey, ...path.nodes.map((node) => node.encryptionKey)])
    check(suite.isHpkePublicKey(key), 'crypto/key', 'V032', 'a path with a bad public key')
}

/** A path to decrypt. */
export interface OpenPathRequest {
  readonly suite: CipherSuite
  /** The tree with the path, from `applyPath`. */
  readonly tree: Tree
  /** The tree after the proposals, without the path. */
  readonly before: Tree
  readonly privateTree: PrivateTree
  /** The committer. */
  readonly sender: LeafIndex
  readonly path: UpdatePath
  /** The provisional GroupContext (V180). */
  readonly encodedGroupContext: Uint8Array
  readonly newLeaves: ReadonlySet<LeafIndex>
}

/** What a path gives to one member. */
export interface OpenedPath {
  readonly privateTree: PrivateTree
  readonly commitSecret: Secret<'commit_secret'>
}

/**
 * Decrypts our path secret and derives the key pairs above it.
 * @throws `crypto/decrypt` V176; `commit/path` V177, V178, V179; `tree/own_leaf` when no ciphertext is for a key of ours
 */
export async function openPath(request: OpenPathRequest): Promise<OpenedPath> {
  const { suite, tree, before, sender, path, encodedGroupContext } = request
  const privateTree = request.privateTree.withoutBlanked(before)
  const ownNode = leafToNode(privateTree.leafIndex)
  const steps = filteredPathOf(before.root, before.height, sender)
  const start = steps.findIndex(({ sibling }) => isInSubtree(ownNode, nodeAt(sibling.height, sibling.position)))
  if (start < 0) throw new MlsError('tree/own_leaf', 'a path that does not pass our leaf')
  const { sibling } = at(steps, start)
  const resolution = withoutNew(resolutionOf(sibling), request.newLeaves)
  const index = resolution.findIndex((node) => privateTree.keyPair(node) !== undefined)
  const keyPair = privateTree.keyPair(resolution[index] ?? ownNode)
  const sealed = path.nodes[start]?.encryptedPathSecret[index]
  if (keyPair === undefined || sealed === undefined)
    throw new MlsError('tree/own_leaf', 'no ciphertext for a key of ours in a path')
  const pathSecret = await openSecret(suite, keyPair, encodedGroupContext, sealed)
  if (pathSecret.length !== suite.parameters.hashLength) {
    wipe(pathSecret)
    // RFC 9420 §7.4 V179: Nh bytes
    throw new MlsError('commit/path', 'a path secret of another length', { rule: 'V179' })
  }
  const nodes = steps.slice(start).map(({ node }) => node)
  // RFC 9420 §7.5 V177, V178: the keys of our node and of each above it are those that were sent
  const { keyPairs, commitSecret } = await climb(suite, tree, pathSecret, nodes, {
    code: 'commit/path',
    first: 'V177',
    above: 'V178',
  })
  return { privateTree: privateTree.withoutBlanked(tree).with(keyPairs), commitSecret }
}

async function openSecret(
  suite: CipherSuite,
  keyPair: HpkeKeyPair,
  context: Uint8Array,
  sealed: HpkeCiphertext,
): Promise<Bytes> {
  try {
    return await decryptWithLabel(suite, keyPair, pathLabel, context, sealed)
  } catch (cause) {
    // RFC 9420 §12.4.2 V176: our ciphertext decrypts, under the provisional context (V180), whatever is wrong with it or with
    // its KEM output (V042); members that another ciphertext is for may see nothing (V189)
    throw new MlsError('crypto/decrypt', 'a path secret that does not decrypt', { rule: 'V176', cause })
  }
}
