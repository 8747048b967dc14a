/** RFC 9420 §9.2: what is consumed is gone, from the object graph, from memory and from what is stored (V215). */
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/bytes/text.ts'
import { SecretTree } from '../../src/secret-tree/secret-tree.ts'
import { byteStrings } from './object-graph.ts'
import { ReferenceTree } from './reference.ts'
import { encryptionSecret, makeTree, suite, watched } from './support.ts'

const sorted = (...secrets: Uint8Array[]) => secrets.map(toHex).sort()
const reference = (leafCount: number) => new ReferenceTree(suite, encryptionSecret(), leafCount)

describe('V215 deletion schedule', () => {
  test('the search finds private fields, Map entries and nested objects', () => {
    const tree = makeTree(4)
    expect(byteStrings({ deep: [tree] }, suite)).toEqual(sorted(encryptionSecret()))
  })

  test('the example of RFC 9420 §9.2: D sends generation 1 first', () => {
    const tree = makeTree(4)
    const oracle = reference(4)
    tree.openingKey(3, 'application', 1).accept()
    expect(byteStrings(tree, suite)).toEqual(
      sorted(
        oracle.node(0, 2), // E
        oracle.node(2, 3), // C
        oracle.key(3, 'application', 0), // K0
        oracle.nonce(3, 'application', 0), // N0
        oracle.secret(3, 'application', 2), // AR2
        oracle.secret(3, 'handshake', 0), // HR0
      ),
    )
  })

  test('the kept key is gone after its message', () => {
    const tree = makeTree(4)
    const oracle = reference(4)
    tree.openingKey(3, 'application', 1).accept()
    tree.openingKey(3, 'application', 0).accept()
    expect(byteStrings(tree, suite)).toEqual(
      sorted(
        oracle.node(0, 2),
        oracle.node(2, 3),
        oracle.secret(3, 'application', 2),
        oracle.secret(3, 'handshake', 0),
      ),
    )
  })

  test('a sender keeps its next ratchet secrets and the nodes beside its path', () => {
    const tree = makeTree(8)
    const oracle = reference(8)
    for (let i = 0; i < 3; i++) tree.seal(5, 'handshake')
    expect(byteStrings(tree, suite)).toEqual(
      sorted(
        oracle.node(0, 4),
        oracle.node(4, 5),
        oracle.node(6, 8),
        oracle.secret(5, 'handshake', 3),
        oracle.secret(5, 'application', 0),
      ),
    )
  })

  test('all leaves used: no node secret is left', () => {
    const tree = makeTree(4)
    const oracle = reference(4)
    for (const leaf of [2, 0, 3, 1]) tree.seal(leaf, 'application')
    const left = [0, 1, 2, 3].flatMap((leaf) => [
      oracle.secret(leaf, 'application', 1),
      oracle.secret(leaf, 'handshake', 0),
    ])
    expect(byteStrings(tree, suite)).toEqual(sorted(...left))
  })

  test('a tree of one leaf', () => {
    const tree = makeTree(1)
    const oracle = reference(1)
    tree.openingKey(0, 'handshake', 0).accept()
    expect(byteStrings(tree, suite)).toEqual(
      sorted(oracle.secret(0, 'handshake', 1), oracle.secret(0, 'application', 0)),
    )
  })

  test('no ratchet secret of a skipped generation is kept, and keys beyond the bound are not', () => {
    const tree = makeTree(2, { skippedPerSender: 2 })
    const oracle = reference(2)
    tree.openingKey(0, 'application', 5).accept()
    expect(byteStrings(tree, suite)).toEqual(
      sorted(
        oracle.node(1, 2),
        oracle.secret(0, 'handshake', 0),
        oracle.secret(0, 'application', 6),
        ...[3, 4].flatMap((generation) => [
          oracle.key(0, 'application', generation),
          oracle.nonce(0, 'application', generation),
        ]),
      ),
    )
  })

  test('while a message is checked, the tree itself is unchanged', () => {
    const tree = makeTree(8)
    const opening = tree.openingKey(6, 'handshake', 3)
    expect(byteStrings(tree, suite)).toEqual(sorted(encryptionSecret()))
    opening.reject()
    expect(byteStrings(tree, suite)).toEqual(sorted(encryptionSecret()))
    expect(byteStrings(opening, suite)).toEqual(['00'.repeat(12), '00'.repeat(16)])
  })

  test('of a message that was let go one secret is held, until the ratchet moves', () => {
    const tree = makeTree(8)
    const oracle = reference(8)
    const second = tree.openingKey(6, 'handshake', 3)
    tree.openingKey(6, 'handshake', 3).release()
    expect(byteStrings(tree, suite)).toEqual(sorted(encryptionSecret(), oracle.secret(6, 'handshake', 3)))
    tree.openingKey(6, 'handshake', 4).accept()
    expect(byteStrings(tree, suite)).not.toContain(toHex(oracle.secret(6, 'handshake', 3)))
    second.release()
    expect(byteStrings(tree, suite)).not.toContain(toHex(oracle.secret(6, 'handshake', 3)))
    tree.openingKey(6, 'handshake', 7).release()
    expect(byteStrings(tree, suite)).toContain(toHex(oracle.secret(6, 'handshake', 7)))
    tree.wipe()
    expect(byteStrings(tree, suite)).toEqual([])
  })

  test('memory: every consumed output of the key derivation is zeroed, not only dropped', () => {
    const watch = watched()
    const tree = makeTree(8, {}, watch.suite)
    for (const generation of [2, 1, 5]) tree.openingKey(1, 'application', generation).accept()
    tree.openingKey(1, 'application', 9).reject()
    tree.openingKey(6, 'handshake', 2).reject()
    for (const generation of [1, 3, 3]) tree.openingKey(6, 'handshake', generation).release()
    tree.openingKey(6, 'handshake', 4).accept()
    const sealing = tree.seal(4, 'handshake')
    sealing.key.fill(0)
    sealing.nonce.fill(0)
    const live = new Set(byteStrings(tree, watch.suite))
    const leftOver = watch.outputs.map(toHex).filter((hex) => !/^0+$/.test(hex) && !live.has(hex))
    expect(watch.count()).toBeGreaterThan(30)
    expect(leftOver).toEqual([])
  })

  test('memory: wipe zeroes every secret, reserved and kept ones too', () => {
    const watch = watched()
    const tree = makeTree(8, {}, watch.suite)
    tree.openingKey(1, 'application', 5).accept()
    tree.reserve(2, 'application', 4)
    expect(watch.outputs.map(toHex).some((hex) => !/^0+$/.test(hex))).toBe(true)
    tree.wipe()
    expect(watch.outputs.map(toHex).filter((hex) => !/^0+$/.test(hex))).toEqual([])
    expect(byteStrings(tree, watch.suite)).toEqual([])
  })

  test('storage: snapshot and rows hold what lives and no consumed secret', () => {
    const tree = makeTree(8)
    const oracle = reference(8)
    tree.takeChanges()
    tree.openingKey(3, 'application', 2).accept()
    tree.openingKey(3, 'application', 0).accept()
    const stored = [tree.encode(), ...tree.takeChanges().map((row) => row.value ?? new Uint8Array(0))].map(toHex)
    const consumed = [
      oracle.node(0, 8),
      oracle.node(0, 4),
      oracle.node(2, 4),
      oracle.node(3, 4),
      ...[0, 1, 2].map((generation) => oracle.secret(3, 'application', generation)),
      ...[0, 2].flatMap((generation) => [
        oracle.key(3, 'application', generation),
        oracle.nonce(3, 'application', generation),
      ]),
    ]
    for (const text of stored) for (const secret of consumed) expect(text.includes(toHex(secret))).toBe(false)
    const live = [oracle.node(4, 8), oracle.secret(3, 'application', 3), oracle.key(3, 'application', 1)]
    for (const secret of live) expect(stored[0]).toContain(toHex(secret))
  })

  test('storage: a reloaded tree holds the same secrets and no other', () => {
    const tree = makeTree(16)
    tree.openingKey(9, 'handshake', 4).accept()
    tree.seal(2, 'application')
    const copy = SecretTree.decode(suite, tree.encode())
    expect(byteStrings(copy, suite)).toEqual(byteStrings(tree, suite))
  })
})
