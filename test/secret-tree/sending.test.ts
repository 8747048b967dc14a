import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/bytes/text.ts'
import { Ratchet } from '../../src/secret-tree/ratchet.ts'
import { SecretTree } from '../../src/secret-tree/secret-tree.ts'
import { encodeSender } from '../../src/secret-tree/snapshot.ts'
import { makeTree, suite, thrown } from './support.ts'

/** A tree whose leaf 1 stands at `next` in both ratchets. */
function treeAt(next: number): SecretTree {
  const tree = makeTree(4)
  tree.seal(1, 'application')
  const rows = tree.takeChanges().map((row) => {
    if (row.kind !== 'sender') return row
    const ratchet = () => new Ratchet(new Uint8Array(32).fill(1), next)
    return { ...row, value: encodeSender(ratchet(), ratchet(), []) }
  })
  return SecretTree.fromRows(
    suite,
    rows.filter(({ value }) => value !== undefined),
  )
}

describe('seal', () => {
  test('sender and receiver agree, generations count up', () => {
    const [alice, bob] = [makeTree(8), makeTree(8)]
    for (let generation = 0; generation < 4; generation++) {
      expect(alice.nextGeneration(2, 'application')).toBe(generation)
      const sealing = alice.seal(2, 'application')
      const opening = bob.openingKey(2, 'application', sealing.generation)
      expect([sealing.generation, toHex(sealing.key)]).toEqual([generation, toHex(opening.key)])
      opening.accept()
    }
  })

  test('V213: the sender stops at 2^32 - 1, and the ratchet stays', () => {
    const tree = treeAt(2 ** 32 - 2)
    expect(tree.seal(1, 'application').generation).toBe(2 ** 32 - 2)
    const before = tree.encode()
    expect(thrown(() => tree.seal(1, 'application'))).toEqual(['ratchet/exhausted', 'V213'])
    expect(thrown(() => tree.reserve(1, 'application', 1))).toEqual(['ratchet/exhausted', 'V213'])
    expect(tree.encode()).toEqual(before)
    expect(tree.seal(1, 'handshake').generation).toBe(2 ** 32 - 2)
  })

  test('V213: reserving is all or nothing', () => {
    const tree = treeAt(2 ** 32 - 4)
    const before = tree.encode()
    expect(thrown(() => tree.reserve(1, 'application', 4))).toEqual(['ratchet/exhausted', 'V213'])
    expect(tree.encode()).toEqual(before)
    tree.reserve(1, 'application', 3)
  })

  test('V026: a receiver follows to 2^32 - 1 and no generation comes twice', () => {
    const tree = treeAt(2 ** 32 - 2)
    tree.openingKey(1, 'application', 2 ** 32 - 1).accept()
    tree.openingKey(1, 'application', 2 ** 32 - 2).accept()
    const copy = SecretTree.decode(suite, tree.encode())
    for (const generation of [0, 2 ** 32 - 2, 2 ** 32 - 1])
      expect(thrown(() => copy.openingKey(1, 'application', generation))).toEqual(['ratchet/generation_gone', 'V211'])
  })

  test('V214: bytes and messages of an epoch are bounded, also over a reload', () => {
    const limits = { sealedMessages: 3, sealedBytes: 100 }
    const tree = makeTree(4, limits)
    tree.seal(0, 'application', 60)
    expect(thrown(() => tree.seal(0, 'application', 41))).toEqual(['ratchet/exhausted', 'V214'])
    tree.seal(0, 'application', 40)
    tree.seal(0, 'handshake', 0)
    expect(thrown(() => tree.seal(0, 'application', 0))).toEqual(['ratchet/exhausted', 'V214'])
    expect(tree.nextGeneration(0, 'application')).toBe(2)
    const copy = SecretTree.decode(suite, tree.encode(), { ...allowing, ...limits })
    expect(thrown(() => copy.seal(0, 'application', 0))).toEqual(['ratchet/exhausted', 'V214'])
    tree.openingKey(1, 'application', 0).accept()
  })
})

const allowing = {
  forwardSteps: 1000,
  skippedPerSender: 256,
  skippedPerGroup: 4096,
  failures: 8,
  stepsAfterFailures: 32,
}

describe('reserve', () => {
  test('reserved generations are the next ones, with the same keys', () => {
    const [reserving, plain] = [makeTree(8), makeTree(8)]
    reserving.seal(3, 'application')
    plain.seal(3, 'application')
    reserving.reserve(3, 'application', 2)
    for (let i = 0; i < 4; i++) {
      expect(reserving.nextGeneration(3, 'application')).toBe(plain.nextGeneration(3, 'application'))
      const [a, b] = [reserving.seal(3, 'application'), plain.seal(3, 'application')]
      expect([a.generation, toHex(a.key), toHex(a.nonce)]).toEqual([b.generation, toHex(b.key), toHex(b.nonce)])
    }
  })

  test('a crash after any number of messages never repeats a generation', () => {
    for (let sent = 0; sent <= 5; sent++) {
      const tree = makeTree(8)
      tree.reserve(3, 'application', 5)
      const stored = tree.encode()
      const used = Array.from({ length: sent }, () => tree.seal(3, 'application').generation)
      const after = SecretTree.decode(suite, stored)
      expect(used).not.toContain(after.seal(3, 'application').generation)
      expect(after.nextGeneration(3, 'application')).toBe(6)
    }
  })

  test('what is stored holds no reserved key', () => {
    const tree = makeTree(8)
    tree.reserve(3, 'application', 3)
    const stored = [tree.encode(), ...tree.takeChanges().map(({ value }) => value ?? new Uint8Array(0))].map(toHex)
    for (let i = 0; i < 3; i++) {
      const { key, nonce } = tree.seal(3, 'application')
      for (const text of stored) for (const secret of [key, nonce]) expect(text.includes(toHex(secret))).toBe(false)
    }
  })

  test('sending what was reserved changes the counters alone', () => {
    const tree = makeTree(8)
    tree.reserve(3, 'application', 3)
    tree.takeChanges()
    tree.seal(3, 'application')
    expect(tree.takeChanges().map(({ kind }) => kind)).toEqual(['state'])
  })

  test('R04: no more than peers follow', () => {
    expect(thrown(() => makeTree(8).reserve(3, 'application', 1001))).toEqual(['limit/exceeded', 'R04'])
  })
})
