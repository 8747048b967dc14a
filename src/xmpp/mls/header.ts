/**
 * The message header: what a sender signs beside each application message, in `authenticated_data` (RFC 9420 §6). It binds
 * the message to its place: a member who sends somebody's message again under another number is caught, and a message that
 * was lost, held back, doubled or moved is noticed by whoever sees the next one.
 */
import type { Bytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { type Codec, decode, encode, fixed, opaque, optional, struct, uint8 } from '../../codec/codec.ts'
import type { CipherSuite } from '../../crypto/cipher-suite.ts'
import type { Group } from '../../group/group.ts'

/** See the file. It is signed and not secret: the server can read it. */
export interface MessageHeader {
  /** Generation of the sender's ratchet that encrypts the message. */
  readonly generation: number
  /** 16 random bytes: the name of the message. */
  readonly id: Bytes
  /** The sender's own count of messages in this group, from 1. */
  readonly number: bigint
  /** Link to the sender's message before; empty for its first one. */
  readonly previous: Bytes
  /** The newest message of somebody else that the sender had seen. */
  readonly seen: SeenMessage | undefined
  /** Names the history of the group up to the epoch, see {@link forkTag}. */
  readonly fork: Bytes
}

/** A message as another one mentions it. */
export interface SeenMessage {
  readonly epoch: bigint
  readonly leafIndex: number
  readonly number: bigint
  readonly link: Bytes
}

const linkLength = 16

/** A number up to 64 bits as a vector of its bytes, the first of them not zero: most are small. */
const integer: Codec<bigint> = {
  read(reader) {
    const bytes = reader.take(reader.varint())
    if (bytes.length > 8 || bytes[0] === 0) throw new MlsError('codec/value', 'not a number in its shortest form')
    let high = 0
    let low = 0
    for (const byte of bytes) {
      high = high * 256 + (low >>> 24)
      low = ((low << 8) | byte) >>> 0
    }
    return high === 0 ? BigInt(low) : (BigInt(high) << 32n) | BigInt(low)
  },
  write(writer, value) {
    const all = new Uint8Array(8)
    new DataView(all.buffer).setBigUint64(0, value)
    let zeros = 0
    while (all[zeros] === 0) zeros++
    writer.opaque(all.subarray(zeros))
  },
}
const small: Codec<number> = {
  read(reader) {
    const value = integer.read(reader)
    if (value > 0xffffffffn) throw new MlsError('codec/range', 'a number beyond 32 bits')
    return Number(value)
  },
  write: (writer, value) => integer.write(writer, BigInt(value)),
}
const Header = struct({
  version: uint8,
  generation: small,
  id: fixed(16),
  number: integer,
  previous: opaque,
  seen: optional(struct({ epoch: integer, leafIndex: small, number: integer, link: fixed(linkLength) })),
  fork: fixed(8),
})
const headerCodec: Codec<MessageHeader & { readonly version: number }> = Header

/** The bytes of a header. */
export function encodeHeader(header: MessageHeader): Bytes {
  return encode(headerCodec, { version: 1, ...header })
}

/** The header in `authenticated_data`; `undefined` when there is none of a version that is known. */
export function decodeHeader(authenticatedData: Uint8Array): MessageHeader | undefined {
  if (authenticatedData[0] !== 1) return undefined
  try {
    const { version: _, ...header } = decode(headerCodec, authenticatedData)
    const { length } = header.previous
    return length === 0 || length === linkLength ? header : undefined
  } catch {
    return undefined
  }
}

/** What a later message calls this one: 16 bytes of the hash of the encoded MLSMessage. */
export function linkTo(suite: CipherSuite, message: Uint8Array): Bytes {
  return suite.hash(message).slice(0, linkLength)
}

/** 8 bytes that two members share exactly when they are in the same epoch of the same history. Tells a server nothing. */
export function forkTag(group: Group): Bytes {
  return group.exportSecret('xmpp-mls fork', new Uint8Array(0), 8)
}
