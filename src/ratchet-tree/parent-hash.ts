/**
 * Parent hashes, RFC 9420 §7.9: on the path of a commit.
 *
 * ```
 *   P.parent_hash ──> ph(P) = Hash(P.encryption_key, P.parent_hash, tree hash of S)
 *                      │
 *            D.parent_hash           P above D and S; D on the path, S on the copath
 * ```
 */
import { type Bytes, empty } from '../bytes/bytes.ts'
import { at, bug } from '../bytes/errors.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { NodeIndex } from '../tree-math/tree-math.ts'
import type { ParentNode } from '../wire/ratchet-tree.ts'
import { HashInputs } from './hash-inputs.ts'
import type { PathStep } from './resolution.ts'

const inputs = new HashInputs()

/** The hash of ParentHashInput, RFC 9420 §7.9: Nh bytes. */
export function parentHash(
  suite: CipherSuite,
  parent: Pick<ParentNode, 'encryptionKey' | 'parentHash'>,
  originalSiblingTreeHash: Uint8Array,
): Bytes {
  inputs.clear()
  inputs.addParentHash(parent, originalSiblingTreeHash)
  return suite.hash(inputs.takeOne())
}

/** The nodes that an UpdatePath sets, and the parent hash of its leaf. */
export interface PathNodes {
  readonly nodes: ReadonlyMap<NodeIndex, ParentNode>
  /** Empty when the filtered direct path is (RFC 9420 §7.9: the group has one member). */
  readonly leafParentHash: Bytes
}

/**
 * The new nodes of a filtered direct path, from the root down, since each hash covers the nodes above. The path clears the
 * unmerged leaves, so the tree hash of each sibling is the one that it carries.
 */
export function pathNodes(suite: CipherSuite, path: readonly PathStep[], encryptionKeys: readonly Bytes[]): PathNodes {
  const nodes = new Map<NodeIndex, ParentNode>()
  let above: Bytes = empty
  for (let i = path.length - 1; i >= 0; i--) {
    const { node, sibling } = at(path, i)
    const siblingHash = sibling.subtree?.treeHash
    if (siblingHash === undefined) throw bug('a filtered path with a blank sibling')
    const parent: ParentNode = { encryptionKey: at(encryptionKeys, i), parentHash: above, unmergedLeaves: [] }
    nodes.set(node, parent)
    above = parentHash(suite, parent, siblingHash)
  }
  return { nodes, leafParentHash: above }
}
