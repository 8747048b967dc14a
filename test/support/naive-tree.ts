/**
 * The ratchet tree in the array form of RFC 9420 Appendix C, written from the text and as plainly as possible: everything is
 * computed again from the whole array whenever it is asked for. The oracle for `src/ratchet-tree`, with which it shares the
 * wire format of nodes and nothing else.
 */
import { createHash } from 'node:crypto'
import type { Bytes } from '../../src/bytes/bytes.ts'
import { concatBytes } from '../../src/bytes/bytes.ts'

export interface NaiveParent {
  key: Uint8Array
  parentHash: Uint8Array
  unmerged: number[]
}
/** A leaf is its encoded LeafNode. */
export type NaiveNode = { leaf: Bytes } | { parent: NaiveParent } | undefined

/** A vector with its length, RFC 9420 §2.1.2. */
const vector = (body: Uint8Array): Bytes => {
  const n = body.length
  if (n < 64) return concatBytes(Uint8Array.of(n), body)
  if (n < 16384) return concatBytes(Uint8Array.of(0x40 | (n >> 8), n & 255), body)
  return concatBytes(Uint8Array.of(0x80 | (n >> 24), (n >> 16) & 255, (n >> 8) & 255, n & 255), body)
}
const uint32 = (n: number): Bytes => Uint8Array.of((n >> 24) & 255, (n >> 16) & 255, (n >> 8) & 255, n & 255)
const sha256 = (data: Uint8Array): Bytes => new Uint8Array(createHash('sha256').update(data).digest())

export class NaiveTree {
  nodes: NaiveNode[]

  constructor(nodes: NaiveNode[]) {
    this.nodes = nodes
  }

  clone(): NaiveTree {
    const copy = (node: NaiveNode): NaiveNode =>
      node !== undefined && 'parent' in node
        ? { parent: { ...node.parent, unmerged: [...node.parent.unmerged] } }
        : node
    return new NaiveTree(this.nodes.map(copy))
  }

  get leafCount(): number {
    return (this.nodes.length + 1) / 2
  }

  get root(): number {
    return (this.nodes.length - 1) / 2
  }

  // Appendix C
  level(x: number): number {
    let k = 0
    while ((x >> k) & 1) k++
    return k
  }
  left(x: number): number {
    return x ^ (1 << (this.level(x) - 1))
  }
  right(x: number): number {
    return x ^ (3 << (this.level(x) - 1))
  }
  parent(x: number): number {
    const k = this.level(x)
    return (x | (1 << k)) ^ (((x >> (k + 1)) & 1) << (k + 1))
  }
  sibling(x: number): number {
    const p = this.parent(x)
    return x < p ? this.right(p) : this.left(p)
  }
  directPath(x: number): number[] {
    const path: number[] = []
    let at = x
    while (at !== this.root) {
      at = this.parent(at)
      path.push(at)
    }
    return path
  }
  copathChild(x: number, ancestor: number): number {
    return x < ancestor ? this.right(ancestor) : this.left(ancestor)
  }

  // §4.1.1
  resolution(x: number): number[] {
    const node = this.nodes[x]
    if (node !== undefined) return 'parent' in node ? [x, ...node.parent.unmerged.map((leaf) => 2 * leaf)] : [x]
    if (this.level(x) === 0) return []
    return [...this.resolution(this.left(x)), ...this.resolution(this.right(x))]
  }

  // §4.1.2
  filteredDirectPath(leaf: number): number[] {
    return this.directPath(2 * leaf).filter((x) => this.resolution(this.copathChild(2 * leaf, x)).length > 0)
  }

  // §7.8
  treeHash(x: number): Bytes {
    const node = this.nodes[x]
    if (this.level(x) === 0) {
      const content = node !== undefined && 'leaf' in node ? concatBytes(Uint8Array.of(1), node.leaf) : Uint8Array.of(0)
      return sha256(concatBytes(Uint8Array.of(1), uint32(x / 2), content))
    }
    const content =
      node !== undefined && 'parent' in node
        ? concatBytes(
            Uint8Array.of(1),
            vector(node.parent.key),
            vector(node.parent.parentHash),
            this.unmergedVector(node.parent),
          )
        : Uint8Array.of(0)
    return sha256(
      concatBytes(Uint8Array.of(2), content, vector(this.treeHash(this.left(x))), vector(this.treeHash(this.right(x)))),
    )
  }
  unmergedVector(parent: NaiveParent): Bytes {
    return vector(concatBytes(...parent.unmerged.map(uint32)))
  }

  // §7.9
  parentHash(p: number, copathChild: number): Bytes {
    const node = this.nodes[p]
    if (node === undefined || !('parent' in node)) throw new Error('blank')
    const original = this.clone()
    for (const leaf of node.parent.unmerged) {
      original.nodes[2 * leaf] = undefined
      for (const other of original.nodes)
        if (other !== undefined && 'parent' in other)
          other.parent.unmerged = other.parent.unmerged.filter((entry) => entry !== leaf)
    }
    return sha256(
      concatBytes(vector(node.parent.key), vector(node.parent.parentHash), vector(original.treeHash(copathChild))),
    )
  }

  // §7.7 and §12.1.1
  add(leaf: Bytes): number {
    let index = 0
    while (index < this.leafCount && this.nodes[2 * index] !== undefined) index++
    if (index === this.leafCount) this.nodes.push(...new Array<NaiveNode>(this.nodes.length + 1).fill(undefined))
    this.nodes[2 * index] = { leaf }
    for (const x of this.directPath(2 * index)) {
      const node = this.nodes[x]
      if (node !== undefined && 'parent' in node) {
        node.parent.unmerged.push(index)
        node.parent.unmerged.sort((a, b) => a - b)
      }
    }
    return index
  }

  // §12.1.2
  update(index: number, leaf: Bytes): void {
    this.nodes[2 * index] = { leaf }
    for (const x of this.directPath(2 * index)) this.nodes[x] = undefined
  }

  // §12.1.3 and §7.7
  remove(index: number): void {
    this.nodes[2 * index] = undefined
    for (const x of this.directPath(2 * index)) this.nodes[x] = undefined
  }
  truncate(): void {
    const half = () => this.nodes.slice(this.root + 1)
    while (this.nodes.length > 1 && half().every((node) => node === undefined))
      this.nodes = this.nodes.slice(0, this.root)
  }

  /** §7.5: new keys for the filtered direct path, from the leaf up; gives the leaf's parent hash. */
  setPath(index: number, keys: readonly Uint8Array[]): Bytes {
    const path = this.filteredDirectPath(index)
    for (const x of this.directPath(2 * index)) this.nodes[x] = undefined
    path.forEach((x, i) => {
      this.nodes[x] = { parent: { key: keys[i]!, parentHash: new Uint8Array(0), unmerged: [] } }
    })
    let hash: Bytes = new Uint8Array(0)
    for (const x of [...path].reverse()) {
      ;(this.nodes[x] as { parent: NaiveParent }).parent.parentHash = hash
      hash = this.parentHash(x, this.copathChild(2 * index, x))
    }
    return hash
  }

  // §12.4.3.3
  encode(): Bytes {
    let end = this.nodes.length
    while (this.nodes[end - 1] === undefined) end--
    const parts = this.nodes.slice(0, end).map((node) => {
      if (node === undefined) return Uint8Array.of(0)
      if ('leaf' in node) return concatBytes(Uint8Array.of(1, 1), node.leaf)
      const { key, parentHash } = node.parent
      return concatBytes(Uint8Array.of(1, 2), vector(key), vector(parentHash), this.unmergedVector(node.parent))
    })
    return vector(concatBytes(...parts))
  }
}
