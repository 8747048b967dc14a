/**
 * The inputs of one batch of tree hashes and parent hashes, RFC 9420 §7.8 and §7.9, in one buffer that is used again for the next. Tree hashes are most
 * of the work of a commit; a buffer for each would cost more than hashing it.
 */
import type { ParentNode } from '../wire/ratchet-tree.ts'

/** Writes TreeHashInputs and ParentHashInputs one after the other. What it holds is public. */
export class HashInputs {
  #bytes = new Uint8Array(4096)
  #length = 0
  #ends: number[] = []

  /** Adds the input of a leaf; `bytes` is the encoded LeafNode, absent for a blank leaf. */
  addLeaf(leafIndex: number, bytes: Uint8Array | undefined): void {
    this.#reserve(6 + (bytes?.length ?? 0))
    this.#bytes[this.#length++] = 1
    this.#uint32(leafIndex)
    this.#bytes[this.#length++] = bytes === undefined ? 0 : 1
    if (bytes !== undefined) this.#raw(bytes)
    this.#ends.push(this.#length)
  }

  /** Adds the input of a parent from the hashes of its children. */
  addParent(parent: ParentNode | undefined, left: Uint8Array, right: Uint8Array): void {
    this.#reserve(10 + left.length + right.length)
    this.#bytes[this.#length++] = 2
    this.#bytes[this.#length++] = parent === undefined ? 0 : 1
    if (parent !== undefined) {
      const { encryptionKey, parentHash, unmergedLeaves } = parent
      this.#reserve(
        22 + encryptionKey.length + parentHash.length + left.length + right.length + 4 * unmergedLeaves.length,
      )
      this.#opaque(encryptionKey)
      this.#opaque(parentHash)
      this.#varint(4 * unmergedLeaves.length)
      for (const leaf of unmergedLeaves) this.#uint32(leaf)
    }
    this.#opaque(left)
    this.#opaque(right)
    this.#ends.push(this.#length)
  }

  /** Adds the input of a parent hash. */
  addParentHash(
    { encryptionKey, parentHash }: Pick<ParentNode, 'encryptionKey' | 'parentHash'>,
    originalSiblingTreeHash: Uint8Array,
  ): void {
    this.#reserve(12 + encryptionKey.length + parentHash.length + originalSiblingTreeHash.length)
    this.#opaque(encryptionKey)
    this.#opaque(parentHash)
    this.#opaque(originalSiblingTreeHash)
    this.#ends.push(this.#length)
  }

  /** The inputs added since the last call, as views that are valid until the next is added. */
  take(): Uint8Array[] {
    const views = this.#ends.map((end, i) => this.#bytes.subarray(this.#ends[i - 1] ?? 0, end))
    this.#ends = []
    this.#length = 0
    return views
  }

  /** The one input added since the last call, as {@link take}. */
  takeOne(): Uint8Array {
    const view = this.#bytes.subarray(0, this.#length)
    this.clear()
    return view
  }

  /** Forgets inputs that a failed batch left behind. */
  clear(): void {
    this.#ends = []
    this.#length = 0
  }

  #opaque(bytes: Uint8Array): void {
    this.#varint(bytes.length)
    this.#raw(bytes)
  }

  #raw(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** RFC 9420 §2.1.2; lengths of keys, hashes and lists of leaves are far below 2^30. */
  #varint(value: number): void {
    if (value < 0x40) this.#bytes[this.#length++] = value
    else if (value < 0x4000) {
      this.#bytes[this.#length++] = 0x40 | (value >> 8)
      this.#bytes[this.#length++] = value
    } else this.#uint32(value + 0x80000000)
  }

  #uint32(value: number): void {
    for (let shift = 24; shift >= 0; shift -= 8) this.#bytes[this.#length++] = value >>> shift
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#length + size, 2 * this.#bytes.length))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}
