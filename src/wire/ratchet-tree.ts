import { MlsError } from '../bytes/errors.ts'
import { type Codec, type Infer, opaque, optional, struct, uint8, uint32, vec } from '../codec/codec.ts'
import { EncodedLeafNode } from './leaf-node.ts'
import { wireLimits } from './limits.ts'

/** RFC 9420 §7.1. `unmergedLeaves` are leaf indices, ascending; the order is checked by the tree (V147, V148). */
export const ParentNode = struct({
  encryptionKey: opaque,
  parentHash: opaque,
  unmergedLeaves: vec(uint32, wireLimits.members),
})
export type ParentNode = Infer<typeof ParentNode>

/** A node of RFC 9420 §12.4.3.3. */
export type Node =
  | ({ readonly nodeType: 'leaf' } & EncodedLeafNode)
  | { readonly nodeType: 'parent'; readonly parentNode: ParentNode }

/** RFC 9420 §12.4.3.3: NodeType, then the node. */
export const Node: Codec<Node> = {
  read(reader) {
    const nodeType = uint8.read(reader)
    if (nodeType === 1) return { nodeType: 'leaf', ...EncodedLeafNode.read(reader) }
    if (nodeType === 2) return { nodeType: 'parent', parentNode: ParentNode.read(reader) }
    throw new MlsError('codec/enum', 'a node type outside its enumeration', { rule: 'V019' })
  },
  write(writer, node) {
    writer.uint8(node.nodeType === 'leaf' ? 1 : 2)
    if (node.nodeType === 'leaf') EncodedLeafNode.write(writer, node)
    else ParentNode.write(writer, node.parentNode)
  },
}

/** The `ratchet_tree` extension of RFC 9420 §12.4.3.3: nodes in array order, blank ones absent. */
export const RatchetTree: Codec<readonly (Node | undefined)[]> = vec(optional(Node), 2 * wireLimits.members - 1)
export type RatchetTree = Infer<typeof RatchetTree>
