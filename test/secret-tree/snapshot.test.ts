import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../src/bytes/bytes.ts'
import { toHex } from '../../src/bytes/text.ts'
import { Ratchet } from '../../src/secret-tree/ratchet.ts'
import { SecretTree } from '../../src/secret-tree/secret-tree.ts'
import { encodeSender, encodeState, type SecretTreeRow } from '../../src/secret-tree/snapshot.ts'
import { makeTree, suite, thrown } from './support.ts'

function used(): SecretTree {
  const tree = makeTree(8)
  tree.openingKey(3, 'application', 4).accept()
  tree.openingKey(6, 'handshake', 2).accept()
  tree.openingKey(3, 'application', 1).accept()
  tree.seal(0, 'application', 10)
  return tree
}

describe('snapshot', () => {
  test('a reloaded tree is the same tree', () => {
    const tree = used()
    const copy = SecretTree.decode(suite, tree.encode())
    expect(copy.encode()).toEqual(tree.encode())
    expect(copy.leafCount).toBe(8)
    expect(copy.takeChanges()).toEqual([])
    for (const [leaf, type, generation] of [
      [3, 'application', 0],
      [3, 'application', 9],
      [6, 'handshake', 1],
      [5, 'handshake', 0],
    ] as const)
      expect(copy.openingKey(leaf, type, generation).key).toEqual(tree.openingKey(leaf, type, generation).key)
    expect(thrown(() => copy.openingKey(3, 'application', 1))).toEqual(['ratchet/generation_gone', 'V211'])
  })

  test('rows that changed, applied to a store, are the tree; one message writes few rows', () => {
    const tree = makeTree(131_072)
    const store = new Map<string, SecretTreeRow>()
    const write = () => {
      const rows = tree.takeChanges()
      for (const row of rows)
        if (row.value === undefined) store.delete(`${row.kind} ${row.index}`)
        else store.set(`${row.kind} ${row.index}`, row)
      return rows.length
    }
    const loaded = () =>
      SecretTree.fromRows(
        suite,
        [...store.values()].map((row) => ({ ...row, value: row.value && new Uint8Array(row.value) })),
      )
    write()
    expect(loaded().encode()).toEqual(tree.encode())
    tree.openingKey(70_000, 'application', 3).accept()
    expect(write()).toBe(1 + 18 + 1)
    expect(loaded().encode()).toEqual(tree.encode())
    tree.openingKey(70_000, 'application', 2).accept()
    expect(write()).toBe(1)
    tree.openingKey(5, 'application', 0).accept()
    write()
    tree.seal(70_001, 'handshake', 5)
    write()
    expect(loaded().encode()).toEqual(tree.encode())
  })

  test('a clone shares no memory', () => {
    const tree = used()
    tree.reserve(0, 'application', 2)
    const before = tree.encode()
    const copy = tree.clone()
    expect(copy.encode()).toEqual(before)
    expect(copy.takeChanges().map(({ kind, index }) => `${kind} ${index}`)).toEqual(
      tree
        .clone()
        .takeChanges()
        .map(({ kind, index }) => `${kind} ${index}`),
    )
    expect(copy.seal(0, 'application').generation).toBe(1)
    copy.openingKey(3, 'application', 0).accept()
    copy.wipe()
    expect(tree.encode()).toEqual(before)
    expect(tree.seal(0, 'application').generation).toBe(1)
  })

  test('a clone remembers failures (R05)', () => {
    const tree = makeTree(4)
    for (let i = 0; i < 8; i++) tree.openingKey(1, 'handshake', 0).reject()
    expect(thrown(() => tree.clone().openingKey(1, 'handshake', 40))).toEqual(['ratchet/too_far', 'R05'])
  })

  test('smaller bounds at loading drop the oldest keys', () => {
    const tree = makeTree(4)
    tree.openingKey(1, 'application', 9).accept()
    const limits = {
      forwardSteps: 10,
      skippedPerSender: 2,
      skippedPerGroup: 2,
      failures: 8,
      stepsAfterFailures: 32,
      sealedMessages: 9,
      sealedBytes: 9,
    }
    const copy = SecretTree.decode(suite, tree.encode(), limits)
    expect(thrown(() => copy.openingKey(1, 'application', 6))).toEqual(['ratchet/generation_gone', 'V211'])
    copy.openingKey(1, 'application', 7).accept()
  })
})

describe('damaged snapshots', () => {
  test('another version', () => {
    const bytes = used().encode()
    bytes[0] = 2
    expect(thrown(() => SecretTree.decode(suite, bytes))).toEqual(['snapshot/version', undefined])
    expect(thrown(() => SecretTree.decode(suite, new Uint8Array(0)))).toEqual(['snapshot/version', undefined])
  })

  test('every strict prefix, and a byte more', () => {
    const bytes = used().encode()
    for (let length = 1; length < bytes.length; length++)
      expect(thrown(() => SecretTree.decode(suite, bytes.subarray(0, length)))).toEqual(['snapshot/damaged', undefined])
    const longer = new Uint8Array([...bytes, 0])
    expect(thrown(() => SecretTree.decode(suite, longer))).toEqual(['snapshot/damaged', undefined])
  })

  test('any changed byte: refused with a typed error, or a tree of the same shape', () => {
    const bytes = used().encode()
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = new Uint8Array(bytes)
        damaged[at] = (damaged[at] as number) ^ flip
        const code = thrown(() => SecretTree.decode(suite, damaged))?.[0]
        expect([undefined, 'snapshot/damaged', 'snapshot/version']).toContain(code)
      }),
      { numRuns: 300 },
    )
  })

  const secret = () => new Uint8Array(32).fill(1)
  const state = (leafCount: number): SecretTreeRow => ({
    kind: 'state',
    index: 0,
    value: encodeState({ leafCount, sealedMessages: 0, sealedBytes: 0, order: 5 }),
  })
  const node = (index: number, value: Bytes = secret()): SecretTreeRow => ({ kind: 'node', index, value })
  const kept = { leaf: 0, type: 'application', key: new Uint8Array(16), nonce: new Uint8Array(12) } as const
  const sender = (index: number, next = 4, skipped: readonly object[] = []): SecretTreeRow => ({
    kind: 'sender',
    index,
    value: encodeSender(new Ratchet(secret(), 0), new Ratchet(secret(), next), skipped as never),
  })
  const at = (generation: number, order: number, more: object = {}) => ({ ...kept, generation, order, ...more })

  test('rows that are intact', () => {
    expect(thrown(() => SecretTree.fromRows(suite, [state(4), node(3)]))).toBe(undefined)
    const rows = [state(4), sender(0, 4, [at(2, 1), at(3, 2)]), node(2), node(5)]
    expect(thrown(() => SecretTree.fromRows(suite, rows))).toBe(undefined)
  })

  const wrong: Record<string, SecretTreeRow[]> = {
    'no state': [node(3)],
    'two states': [state(4), state(4), node(3)],
    'a row without a value': [state(4), { kind: 'node', index: 3, value: undefined }],
    'a width that is no power of two': [state(3), node(3)],
    'no leaf': [state(0)],
    'too many leaves': [state(262_144), node(262_143)],
    'a leaf without a secret': [state(4), node(1)],
    'a gap': [state(4), node(0), node(5)],
    'nodes above each other': [state(4), node(3), node(1)],
    'a used leaf below a node': [state(4), node(3), sender(1)],
    'a node outside': [state(4), node(3), node(8)],
    'a node twice': [state(4), node(3), node(3)],
    'a sender twice': [state(1), sender(0), sender(0)],
    'a short node secret': [state(4), node(3, new Uint8Array(31))],
    'a ratchet beyond 2^32': [state(1), sender(0, 2 ** 32 + 1)],
    'a kept key that was not skipped': [state(1), sender(0, 4, [at(4, 1)])],
    'the same kept key twice': [state(1), sender(0, 4, [at(3, 1), at(3, 2)])],
    'the same order twice': [state(1), sender(0, 4, [at(2, 1), at(3, 1)])],
    'an order that is still to come': [state(1), sender(0, 4, [at(2, 5)])],
    'a kept key of another length': [state(1), sender(0, 4, [at(2, 1, { key: new Uint8Array(15) })])],
    'a kept nonce of another length': [state(1), sender(0, 4, [at(2, 1, { nonce: new Uint8Array(11) })])],
  }
  for (const [name, rows] of Object.entries(wrong))
    test(name, () => {
      expect(thrown(() => SecretTree.fromRows(suite, rows))).toEqual(['snapshot/damaged', undefined])
    })

  test('the empty encodings differ from each other', () => {
    expect(toHex(makeTree(2).encode())).not.toBe(toHex(makeTree(4).encode()))
  })
})
