/**
 * The nodes of a tree that came from outside, as parts of larger byte strings: an array for each leaf and key would take more
 * memory than what is in it. A part of the received bytes is copied when its first node is read, some dozens of nodes at once,
 * so that a few nodes that stay for long do not hold the memory of all.
 */
import { type Bytes, copyBytes } from '../bytes/bytes.ts'
import { skip, uint32, vec } from '../codec/codec.ts'
import type { Reader } from '../codec/reader.ts'
import type { Writer } from '../codec/writer.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import { LeafNode } from '../wire/leaf-node.ts'
import { wireLimits } from '../wire/limits.ts'
import { ParentNode } from '../wire/ratchet-tree.ts'
import { TreeLeaf } from './node.ts'

/** Bytes that are copied at once, when a node is not longer. */
const chunkLength = 16_384
const unmergedLeaves = vec(uint32, wireLimits.members)
const none: readonly LeafIndex[] = Object.freeze([])

/** Where a byte string is in a chunk. */
interface Place {
  readonly at: number
  readonly length: number
}

/** Reads nodes and keeps them. */
export class NodeStore {
  readonly #source: Uint8Array
  #chunk: Bytes = new Uint8Array(0)
  /** The place of the chunk in the source. */
  #from = 0

  /** @param source what the readers read */
  constructor(source: Uint8Array) {
    this.#source = source
  }

  /** Reads a LeafNode. @throws codes of kind `malformed`; `credential/unsupported` */
  readLeaf(reader: Reader): TreeLeaf {
    const start = reader.offset
    skip(LeafNode, reader)
    const at = this.#keep(start, reader.offset)
    return new TreeLeaf(this.#chunk.subarray(at, at + reader.offset - start))
  }

  /** Reads a ParentNode. @throws codes of kind `malformed` */
  readParent(reader: Reader): ParentNode {
    const start = reader.offset
    const key = place(reader)
    const hash = place(reader)
    const end = reader.offset
    const leaves = unmergedLeaves.read(reader)
    const at = this.#keep(start, end)
    return new KeptParent(this.#chunk, at, key, hash, at - start, leaves.length === 0 ? none : leaves)
  }

  /** The place in the chunk of what is from `start` to `end` in the source. */
  #keep(start: number, end: number): number {
    if (end > this.#from + this.#chunk.length) {
      this.#chunk = copyBytes(this.#source.subarray(start, Math.max(end, start + chunkLength)))
      this.#from = start
    }
    return start - this.#from
  }
}

function place(reader: Reader): Place {
  const length = reader.varint()
  const at = reader.offset
  reader.skip(length)
  return { at, length }
}

/** A parent whose key and hash are views that are made when they are asked for. */
class KeptParent implements ParentNode {
  readonly #chunk: Bytes
  readonly #start: number
  readonly #keyAt: number
  readonly #keyLength: number
  readonly #hashAt: number
  readonly #hashLength: number
  readonly unmergedLeaves: readonly LeafIndex[]

  constructor(chunk: Bytes, start: number, key: Place, hash: Place, shift: number, leaves: readonly LeafIndex[]) {
    this.#chunk = chunk
    this.#start = start
    this.#keyAt = key.at + shift
    this.#keyLength = key.length
    this.#hashAt = hash.at + shift
    this.#hashLength = hash.length
    this.unmergedLeaves = leaves
  }

  get encryptionKey(): Bytes {
    return this.#chunk.subarray(this.#keyAt, this.#keyAt + this.#keyLength)
  }

  get parentHash(): Bytes {
    return this.#chunk.subarray(this.#hashAt, this.#hashAt + this.#hashLength)
  }

  write(writer: Writer): void {
    // both as they came: a tree has a thousand of them to be written
    writer.raw(this.#chunk.subarray(this.#start, this.#hashAt + this.#hashLength))
    unmergedLeaves.write(writer, this.unmergedLeaves)
  }
}

/** Writes a ParentNode: one of a {@link NodeStore} from what was received. */
export function writeParent(writer: Writer, parent: ParentNode): void {
  if (parent instanceof KeptParent) parent.write(writer)
  else ParentNode.write(writer, parent)
}
