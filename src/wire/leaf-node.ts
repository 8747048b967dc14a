import type { Bytes } from '../bytes/bytes.ts'
import { type Codec, concat, type Infer, opaque, struct, uint8, uint16, uint64, variant, vec } from '../codec/codec.ts'
import { Writer } from '../codec/writer.ts'
import { Credential } from './credential.ts'
import { Extensions } from './extension.ts'
import { wireLimits } from './limits.ts'

const codePoints = vec(uint16, wireLimits.capabilities)

/** RFC 9420 §7.2: what a client supports beyond the default types; unknown values are kept (V127). */
export const Capabilities = struct({
  versions: codePoints,
  cipherSuites: codePoints,
  extensions: codePoints,
  proposals: codePoints,
  credentials: codePoints,
})
export type Capabilities = Infer<typeof Capabilities>

/** RFC 9420 §7.2: seconds since the Unix epoch, both ends included. */
export const Lifetime = struct({ notBefore: uint64, notAfter: uint64 })
export type Lifetime = Infer<typeof Lifetime>

/** All of a LeafNode but its signature: the common part of LeafNode and LeafNodeTBS. */
const leafNodeContent = concat(
  struct({ encryptionKey: opaque, signatureKey: opaque, credential: Credential, capabilities: Capabilities }),
  variant(
    'leafNodeSource',
    uint8,
    { key_package: [1, { lifetime: Lifetime }], update: [2, {}], commit: [3, { parentHash: opaque }] },
    'V017',
  ),
  struct({ extensions: Extensions }),
)
/** What a leaf says, without its signature (RFC 9420 §7.2). */
export type LeafNodeContent = Infer<typeof leafNodeContent>

/** RFC 9420 §7.2. */
export const LeafNode = concat(leafNodeContent, struct({ signature: opaque }))
export type LeafNode = Infer<typeof LeafNode>
/** How a leaf came into the tree (RFC 9420 §7.2). */
export type LeafNodeSource = LeafNode['leafNodeSource']

/** Where a leaf of source `update` or `commit` belongs; part of what it signs (V099, V100). */
export interface LeafPosition {
  readonly groupId: Uint8Array
  readonly leafIndex: number
}

/** LeafNodeTBS of RFC 9420 §7.2, from the content of a leaf that is being made. */
export function leafNodeTbs(content: LeafNodeContent, position: LeafPosition | undefined): Bytes {
  const writer = new Writer()
  leafNodeContent.write(writer, content)
  writePosition(writer, content, position)
  return writer.finish()
}

/** LeafNodeTBS of RFC 9420 §7.2, from the bytes of a received leaf, which are not encoded again. */
export function leafNodeTbsOf(leaf: LeafNode, bytes: Uint8Array, position: LeafPosition | undefined): Bytes {
  const writer = new Writer(bytes.length + 64)
  writer.raw(bytes.subarray(0, bytes.length - vectorLength(leaf.signature.length)))
  writePosition(writer, leaf, position)
  return writer.finish()
}

function writePosition(writer: Writer, content: LeafNodeContent, position: LeafPosition | undefined): void {
  if (content.leafNodeSource === 'key_package' || position === undefined) return
  writer.opaque(position.groupId)
  writer.uint32(position.leafIndex)
}

/** Bytes of a vector with a body of `length` bytes, header included. */
function vectorLength(length: number): number {
  return length + (length < 0x40 ? 1 : length < 0x4000 ? 2 : 4)
}

/** A leaf together with the bytes that it came in; nothing is encoded again to be hashed or stored. */
export interface EncodedLeafNode {
  readonly leafNode: LeafNode
  readonly bytes: Bytes
}

/** Reads a LeafNode and keeps its bytes. */
export const EncodedLeafNode: Codec<EncodedLeafNode> = {
  read(reader) {
    const start = reader.offset
    const leafNode = LeafNode.read(reader)
    return { leafNode, bytes: reader.since(start) }
  },
  write: (writer, value) => writer.raw(value.bytes),
}
