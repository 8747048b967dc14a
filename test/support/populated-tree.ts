/**
 * A tree of n members as after every member has committed once, from left to right: no blank node but those that no path
 * can set, real keys, real parent hashes, real signatures. Built from the flat form with hashes of its own, so that what is
 * measured or tested is not needed to make it.
 */
import { createHash } from 'node:crypto'
import type { Bytes } from '../../src/bytes/bytes.ts'
import { ascii } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import { Writer } from '../../src/codec/writer.ts'
import type { CipherSuite, HpkeKeyPair } from '../../src/crypto/cipher-suite.ts'
import { signContent } from '../../src/crypto/labels.ts'
import { importTree } from '../../src/ratchet-tree/import-tree.ts'
import { PrivateTree } from '../../src/ratchet-tree/private-tree.ts'
import type { Tree } from '../../src/ratchet-tree/tree.ts'
import type { SyncSigner } from '../../src/signed/signer.ts'
import { fullWidth, nodeWidth } from '../../src/tree-math/tree-math.ts'
import { type Capabilities, LeafNode, type LeafNodeContent, leafNodeTbs } from '../../src/wire/leaf-node.ts'
import { ParentNode } from '../../src/wire/ratchet-tree.ts'
import { Ed25519Sequence, X25519Sequence } from './curve25519-sequence.ts'

/** The group of the fixture; suites with X25519 and Ed25519 only (1 and 3). */
export interface PopulatedTree {
  readonly tree: Tree
  /** The `ratchet_tree` extension's data. */
  readonly encoded: Bytes
  readonly groupId: Bytes
  /** What a member holds: its leaf key and the keys of all parents above it. */
  privateTree(leafIndex: number): PrivateTree
  /** Signs for a member. */
  signer(leafIndex: number): SyncSigner
  /** A key pair that is not in the tree; `i` from 0 to 63. */
  spareKeyPair(i: number): HpkeKeyPair
}

/** What leaves of the fixture say of themselves, where it is not the default. */
export interface PopulatedLeaves {
  /** Identity in the basic credential of a member. */
  identity(leafIndex: number): Bytes
  readonly capabilities: Capabilities
}

/** Content of a leaf that the fixture's groups accept. */
export function leafContent(
  suite: CipherSuite,
  name: string | Bytes,
  keys: { readonly encryptionKey: Bytes; readonly signatureKey: Bytes },
  source: { leafNodeSource: 'commit'; parentHash: Bytes } | { leafNodeSource: 'update' },
  capabilities?: Capabilities,
): LeafNodeContent {
  return {
    ...keys,
    credential: { credentialType: 'basic', identity: typeof name === 'string' ? ascii(name) : name },
    capabilities: capabilities ?? {
      versions: [1],
      cipherSuites: [suite.parameters.id],
      extensions: [],
      proposals: [],
      credentials: [1],
    },
    ...source,
    extensions: [],
  }
}

export function populatedTree(suite: CipherSuite, members: number, own?: PopulatedLeaves): PopulatedTree {
  const groupId = ascii('populated group')
  const width = fullWidth(members)
  const height = Math.log2(width)
  const keys = new X25519Sequence(nodeWidth(width) + 64)
  const signatureKeys = new Ed25519Sequence(members)
  const hash = (data: Uint8Array): Bytes =>
    new Uint8Array(createHash(suite.parameters.hash.toLowerCase()).update(data).digest())
  const leaves: Bytes[] = []
  const parents: (ParentNode | undefined)[] = []
  const treeHashes: Bytes[] = []
  const parentInput = (parent: ParentNode | undefined, left: Bytes, right: Bytes): Bytes => {
    const writer = new Writer(300)
    writer.uint8(2)
    writer.uint8(parent === undefined ? 0 : 1)
    if (parent !== undefined) ParentNode.write(writer, parent)
    writer.opaque(left)
    writer.opaque(right)
    return writer.finish()
  }
  const leafInput = (index: number, leaf: Bytes | undefined): Bytes => {
    const writer = new Writer(300)
    writer.uint8(1)
    writer.uint32(index)
    writer.uint8(leaf === undefined ? 0 : 1)
    if (leaf !== undefined) writer.raw(leaf)
    return writer.finish()
  }
  const nodeOf = (h: number, position: number) => position * 2 ** (h + 1) + 2 ** h - 1
  const treeHash = (h: number, position: number): Bytes => {
    const known = treeHashes[nodeOf(h, position)]
    if (known !== undefined) return known
    // only blank subtrees are asked for before their hash is there
    const computed =
      h === 0
        ? hash(leafInput(position, undefined))
        : hash(parentInput(undefined, treeHash(h - 1, 2 * position), treeHash(h - 1, 2 * position + 1)))
    treeHashes[nodeOf(h, position)] = computed
    return computed
  }
  for (let leaf = 0; leaf < members; leaf++) {
    // the subtrees whose rightmost member this is: the latest commit in them is of this member
    let top = 0
    while (top < height && Math.min((Math.floor(leaf / 2 ** (top + 1)) + 1) * 2 ** (top + 1), members) - 1 === leaf)
      top++
    // the parent above was overwritten by a later commit, so its hash is not known any more
    let above: Bytes = top === height ? new Uint8Array(0) : hash(ascii(`overwritten ${leaf}`))
    for (let h = top; h > 0; h--) {
      const position = Math.floor(leaf / 2 ** h)
      const inRight = Math.floor(leaf / 2 ** (h - 1)) % 2 === 1
      if (!inRight) continue
      const node = nodeOf(h, position)
      const parent: ParentNode = { encryptionKey: keys.publicKey(node), parentHash: above, unmergedLeaves: [] }
      parents[node] = parent
      const writer = new Writer(128)
      writer.opaque(parent.encryptionKey)
      writer.opaque(parent.parentHash)
      writer.opaque(treeHash(h - 1, 2 * position))
      above = hash(writer.finish())
    }
    const content = leafContent(
      suite,
      own?.identity(leaf) ?? `member ${leaf}`,
      { encryptionKey: keys.publicKey(2 * leaf), signatureKey: signatureKeys.publicKey(leaf) },
      { leafNodeSource: 'commit', parentHash: above },
      own?.capabilities,
    )
    const tbs = leafNodeTbs(content, { groupId, leafIndex: leaf })
    const signature = signatureKeys.sign(leaf, signContent('LeafNodeTBS', tbs))
    const bytes = encode(LeafNode, { ...content, signature })
    leaves.push(bytes)
    treeHashes[2 * leaf] = hash(leafInput(leaf, bytes))
    for (let h = 1; h <= top; h++) {
      const position = Math.floor(leaf / 2 ** h)
      const [left, right] = [treeHash(h - 1, 2 * position), treeHash(h - 1, 2 * position + 1)]
      treeHashes[nodeOf(h, position)] = hash(parentInput(parents[nodeOf(h, position)], left, right))
    }
  }
  const writer = new Writer(512 * members)
  writer.vector(() => {
    for (let node = 0; node < 2 * members - 1; node++) {
      const parent = node % 2 === 1 ? parents[node] : undefined
      if (node % 2 === 1 && parent === undefined) {
        writer.uint8(0)
        continue
      }
      writer.uint8(1)
      writer.uint8(node % 2 === 0 ? 1 : 2)
      if (parent === undefined) writer.raw(leaves[node / 2]!)
      else ParentNode.write(writer, parent)
    }
  })
  const encoded = writer.finish()
  const tree = importTree(suite, encoded)
  return {
    tree,
    encoded,
    groupId,
    privateTree(leafIndex) {
      const pairs: [number, HpkeKeyPair][] = [[2 * leafIndex, keys.keyPair(2 * leafIndex)]]
      for (let h = 1; h <= height; h++) {
        const node = nodeOf(h, Math.floor(leafIndex / 2 ** h))
        if (parents[node] !== undefined) pairs.push([node, keys.keyPair(node)])
      }
      return new PrivateTree(leafIndex, pairs)
    },
    signer: (leafIndex) => signatureKeys.signer(leafIndex),
    spareKeyPair: (i) => keys.keyPair(nodeWidth(width) + i),
  }
}
