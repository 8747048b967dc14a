/** The private keys of a new member, RFC 9420 §12.4.3.1: its leaf, and what the path secret of the Welcome gives. */
import { copyBytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import type { CipherSuite, HpkeKeyPair } from '../crypto/cipher-suite.ts'
import { isInSubtree, type LeafIndex, leafToNode } from '../tree-math/tree-math.ts'
import { climb } from './path-secrets.ts'
import { PrivateTree } from './private-tree.ts'
import type { Tree } from './tree.ts'

/** What a joiner knows. */
export interface JoinRequest {
  readonly suite: CipherSuite
  readonly tree: Tree
  /** Our leaf in the tree. */
  readonly leafIndex: LeafIndex
  readonly leafKeyPair: HpkeKeyPair
  /** The signer of the GroupInfo, who made the path. */
  readonly sender: LeafIndex
  /** The path secret of the Welcome, if it has one; it stays the caller's. */
  readonly pathSecret?: Uint8Array | undefined
}

/**
 * Our keys in a tree that we join.
 * @throws `tree/index` V065; `tree/own_leaf` when the sender is our own leaf; `welcome/path_secret` V317, V318, V319
 */
export async function joinPrivateTree(request: JoinRequest): Promise<PrivateTree> {
  const { suite, tree, leafIndex, leafKeyPair, sender, pathSecret } = request
  const own = leafToNode(leafIndex)
  const privateTree = new PrivateTree(leafIndex, [[own, leafKeyPair]])
  // RFC 9420 §6.1 V065: indices are checked before any walk
  const members = tree.leaf(leafIndex) !== undefined && tree.leaf(sender) !== undefined
  check(members, 'tree/index', 'V065', 'a sender or joiner without a leaf')
  if (pathSecret === undefined) return privateTree
  if (sender === leafIndex) throw new MlsError('tree/own_leaf', 'a path secret from our own leaf')
  // RFC 9420 §7.4 V319: Nh bytes
  const fits = pathSecret.length === suite.parameters.hashLength
  check(fits, 'welcome/path_secret', 'V319', 'a path secret of another length')
  const path = tree.filteredDirectPath(sender).filter((node) => isInSubtree(own, node))
  // RFC 9420 §12.4.3.1 V317, V318: the key of the common ancestor, and of each node of the path above it
  const { keyPairs, commitSecret } = await climb(suite, tree, copyBytes(pathSecret), path, {
    code: 'welcome/path_secret',
    first: 'V317',
    above: 'V318',
  })
  commitSecret.wipe()
  return privateTree.with(keyPairs)
}
