import type { Bytes } from '../bytes/bytes.ts'
import {
  type Codec,
  concat,
  enumeration,
  type Infer,
  opaque,
  skip,
  struct,
  uint8,
  uint16,
  uint64,
  variant,
  vec,
} from '../codec/codec.ts'
import { interned } from '../codec/interned.ts'
import { Reader } from '../codec/reader.ts'
import { Writer } from '../codec/writer.ts'
import { Credential } from './credential.ts'
import { Extensions } from './extension.ts'
import { wireLimits } from './limits.ts'

const codePoints = vec(uint16, wireLimits.capabilities)

/** What a client supports beyond the default types; unknown values are kept (V127). */
const capabilities = struct({
  versions: codePoints,
  cipherSuites: codePoints,
  extensions: codePoints,
  proposals: codePoints,
  credentials: codePoints,
})
/** The lists of RFC 9420 §7.2. */
export type Capabilities = Infer<typeof capabilities>
/** RFC 9420 §7.2. Members mostly support the same: equal ones that are decoded share one immutable value. */
export const Capabilities: Codec<Capabilities> = interned(capabilities, (value) => {
  for (const list of Object.values(value)) Object.freeze(list)
  return Object.freeze(value)
})

/** RFC 9420 §7.2: seconds since the Unix epoch, both ends included. */
export const Lifetime = struct({ notBefore: uint64, notAfter: uint64 })
export type Lifetime = Infer<typeof Lifetime>

const sources = { key_package: 1, update: 2, commit: 3 } as const
const source = enumeration(uint8, sources, 'V017')

/** All of a LeafNode but its signature: the common part of LeafNode and LeafNodeTBS. */
const leafNodeContent = concat(
  struct({ encryptionKey: opaque, signatureKey: opaque, credential: Credential, capabilities: Capabilities }),
  variant(
    'leafNodeSource',
    uint8,
    {
      key_package: [sources.key_package, { lifetime: Lifetime }],
      update: [sources.update, {}],
      commit: [sources.commit, { parentHash: opaque }],
    },
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
  writePosition(writer, content.leafNodeSource, position)
  return writer.finish()
}

/** What the signature of a leaf is checked with, as views of the leaf. */
export interface SignedLeaf {
  readonly signatureKey: Uint8Array
  readonly leafNodeSource: LeafNodeSource
  /** All but the signature. */
  readonly content: Uint8Array
  readonly signature: Uint8Array
}

/** The signed parts of an encoded leaf. @throws codes of kind `malformed` */
export function readSignedLeaf(bytes: Uint8Array): SignedLeaf {
  const reader = new Reader(bytes)
  reader.skip(reader.varint())
  const signatureKey = reader.view(reader.varint())
  skip(Credential, reader)
  skip(Capabilities, reader)
  const leafNodeSource = source.read(reader)
  if (leafNodeSource === 'key_package') skip(Lifetime, reader)
  if (leafNodeSource === 'commit') skip(opaque, reader)
  skip(Extensions, reader)
  const content = bytes.subarray(0, reader.offset)
  return { signatureKey, leafNodeSource, content, signature: reader.view(reader.varint()) }
}

/** Writes LeafNodeTBS of RFC 9420 §7.2 from the bytes of a received leaf, which are not encoded again. */
export function writeLeafNodeTbs(
  writer: Writer,
  { leafNodeSource, content }: SignedLeaf,
  position: LeafPosition | undefined,
): void {
  writer.raw(content)
  writePosition(writer, leafNodeSource, position)
}

function writePosition(writer: Writer, leafNodeSource: LeafNodeSource, position: LeafPosition | undefined): void {
  if (leafNodeSource === 'key_package' || position === undefined) return
  writer.opaque(position.groupId)
  writer.uint32(position.leafIndex)
}

/** `signature_key` and `credential` of an encoded leaf. @throws codes of kind `malformed` */
export function readBinding(bytes: Uint8Array): Pick<LeafNode, 'signatureKey' | 'credential'> {
  const reader = new Reader(bytes)
  reader.skip(reader.varint())
  return { signatureKey: opaque.read(reader), credential: Credential.read(reader) }
}

/** What a tree knows of all its leaves: keys, as views of the leaf, and what it supports. */
export interface LeafSummary {
  readonly encryptionKey: Uint8Array
  readonly signatureKey: Uint8Array
  /** The code point. */
  readonly credentialType: number
  readonly capabilities: Capabilities
}

/** The summary of an encoded leaf. @throws codes of kind `malformed` */
export function readLeafSummary(bytes: Uint8Array): LeafSummary {
  const reader = new Reader(bytes)
  const encryptionKey = reader.view(reader.varint())
  const signatureKey = reader.view(reader.varint())
  const start = reader.offset
  const credentialType = reader.uint16()
  reader.rewind(start)
  skip(Credential, reader)
  return { encryptionKey, signatureKey, credentialType, capabilities: Capabilities.read(reader) }
}

/** The `parent_hash` of an encoded leaf, as a view; nothing for a leaf of another source. @throws codes of kind `malformed` */
export function readParentHash(bytes: Uint8Array): Uint8Array | undefined {
  const reader = new Reader(bytes)
  reader.skip(reader.varint())
  reader.skip(reader.varint())
  skip(Credential, reader)
  skip(Capabilities, reader)
  return source.read(reader) === 'commit' ? reader.view(reader.varint()) : undefined
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
  skip: (reader) => skip(LeafNode, reader),
}
