import { type Codec, enumeration, type Infer, opaque, optional, struct, uint8, uint32, vec } from '../codec/codec.ts'
import { EncodedLeafNode } from './leaf-node.ts'
import { wireLimits } from './limits.ts'

/** RFC 9420 §7.1. `unmergedLeaves` are leaf indices, ascending; the order is checked by the tree (V147, V148). */
export const ParentNode = struct({
  encryptionKey: opaque,
  parentHash: opaque,
  unmergedLeaves: vec(uint32, wireLimits.members),
})
export type ParentNode = Infer<typeof ParentNode>

/** RFC 9420 §7.1. */
export const NodeType = enumeration(uint8, { leaf: 1, parent: 2 }, 'V019')

/** A node of RFC 9420 §12.4.3.3. */
export type Node =
  | ({ readonly nodeType: 'leaf' } & EncodedLeafNode)
  | { readonly nodeType: 'parent'; readonly parentNode: ParentNode }

/** RFC 9420 §12.4.3.3: NodeType, then the node. */
export const Node: Codec<Node> = {
  read(reader) {
    const nodeType = NodeType.read(reader)
    if (nodeType === 'leaf') return { nodeType, ...EncodedLeafNode.read(reader) }
    return { nodeType, parentNode: ParentNode.read(reader) }
  },
  write(writer, node) {
    NodeType.write(writer, node.nodeType)
    if (node.nodeType === 'leaf') EncodedLeafNode.write(writer, node)
    else ParentNode.write(writer, node.parentNode)
  },
}

/** The `ratchet_tree` extension of RFC 9420 §12.4.3.3: nodes in array order, blank ones absent. */
export const RatchetTree: Codec<readonly (Node | undefined)[]> = vec(optional(Node), 2 * wireLimits.members - 1)
export type RatchetTree = Infer<typeof RatchetTree>
