import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/bytes/text.ts'
import type { RatchetType } from '../../src/secret-tree/ratchet.ts'
import type { SecretTree } from '../../src/secret-tree/secret-tree.ts'
import { ReferenceTree } from './reference.ts'
import { encryptionSecret, makeTree, suite, thrown, watched } from './support.ts'

const open = (tree: SecretTree, leaf: number, generation: number, type: RatchetType = 'application') =>
  tree.openingKey(leaf, type, generation)

describe('keys', () => {
  test('lazy derivation equals RFC 9420 §9 read literally, for any order of senders and types', () => {
    const step = fc.record({
      leaf: fc.nat(7),
      type: fc.constantFrom<RatchetType>('handshake', 'application'),
      generation: fc.nat(6),
    })
    const oracle = new ReferenceTree(suite, encryptionSecret(), 8)
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const tree = makeTree(8)
        const used = new Set<string>()
        for (const { leaf, type, generation } of steps) {
          const id = `${leaf} ${type} ${generation}`
          if (used.has(id)) {
            expect(thrown(() => open(tree, leaf, generation, type))).toEqual(['ratchet/generation_gone', 'V211'])
            continue
          }
          used.add(id)
          const opening = open(tree, leaf, generation, type)
          expect(toHex(opening.key)).toBe(toHex(oracle.key(leaf, type, generation)))
          expect(toHex(opening.nonce)).toBe(toHex(oracle.nonce(leaf, type, generation)))
          opening.accept()
        }
      }),
      { numRuns: 40 },
    )
  })

  test('V212: permutations of 64 messages all open, once each', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...Array(64).keys()], { minLength: 64 }), (order) => {
        const tree = makeTree(2)
        for (const generation of order) open(tree, 1, generation).accept()
        for (const generation of order)
          expect(thrown(() => open(tree, 1, generation))).toEqual(['ratchet/generation_gone', 'V211'])
        open(tree, 1, 64).accept()
      }),
      { numRuns: 5 },
    )
  })

  test('V094: handshake and application ratchets differ', () => {
    const tree = makeTree(2)
    expect(open(tree, 0, 0, 'handshake').key).not.toEqual(open(tree, 0, 0, 'application').key)
  })
})

describe('work, in expansions', () => {
  const cost = (leafCount: number, run: (tree: SecretTree) => void, before: (tree: SecretTree) => void = () => {}) => {
    const watch = watched()
    const tree = makeTree(leafCount, {}, watch.suite)
    before(tree)
    const start = watch.count()
    run(tree)
    return watch.count() - start
  }
  const first = (tree: SecretTree) => open(tree, 5, 0).accept()

  test('the next message of a sender: 3, whatever the size of the group', () => {
    for (const leafCount of [8, 131_072]) {
      expect(cost(leafCount, (tree) => open(tree, 5, 1).accept(), first)).toBe(3)
      expect(cost(leafCount, (tree) => tree.seal(5, 'application'), first)).toBe(3)
    }
  })

  test('the first message of a sender: two a level', () => {
    expect(cost(8, first)).toBe(2 * 3 + 6)
    expect(cost(131_072, first)).toBe(2 * 17 + 6)
    expect(cost(8, (tree) => tree.seal(5, 'application'))).toBe(2 * 3 + 5)
  })

  test('a message that fails: one a level and a generation, three at once for its own, no key of a skipped generation', () => {
    expect(cost(131_072, (tree) => open(tree, 5, 0).reject())).toBe(17 + 1 + 3)
    expect(cost(8, (tree) => open(tree, 5, 1000).reject(), first)).toBe(999 + 3)
  })

  test('a message after one that was let go: from there on; the whole way is gone when it is accepted', () => {
    const letGo = (tree: SecretTree) => open(tree, 5, 90).release()
    expect(cost(131_072, (tree) => open(tree, 5, 90).release(), letGo)).toBe(3)
    expect(cost(131_072, (tree) => open(tree, 5, 92).release(), letGo)).toBe(2 + 3)
    expect(cost(8, (tree) => open(tree, 5, 89).release(), letGo)).toBe(3 + 1 + 89 + 3)
    expect(cost(8, (tree) => open(tree, 5, 90, 'handshake').release(), letGo)).toBe(3 + 1 + 90 + 3)
    const moved = (tree: SecretTree) => {
      letGo(tree)
      open(tree, 5, 0).accept()
    }
    expect(cost(8, (tree) => open(tree, 5, 90).reject(), moved)).toBe(89 + 3)
  })

  test('a jump: one a generation, and two for each key that is kept', () => {
    expect(cost(8, (tree) => open(tree, 5, 1001).accept(), first)).toBe(1000 + 3 + 2 * 256)
  })

  test('a kept key: none', () => {
    const jump = (tree: SecretTree) => open(tree, 5, 9).accept()
    expect(cost(8, (tree) => open(tree, 5, 4).accept(), jump)).toBe(0)
  })

  test('V209, R04, R05: what is refused costs nothing', () => {
    expect(cost(8, (tree) => thrown(() => open(tree, 5, 1001)))).toBe(0)
    expect(cost(8, (tree) => thrown(() => open(tree, 5, 0xffffffff)), first)).toBe(0)
    const fail = (tree: SecretTree) => {
      for (let i = 0; i < 8; i++) open(tree, 5, 0).reject()
    }
    expect(cost(8, (tree) => thrown(() => open(tree, 5, 33)), fail)).toBe(0)
  })
})

describe('messages that were let go', () => {
  test('open to the same keys, and leave the same tree behind', () => {
    const [tree, other] = [makeTree(8), makeTree(8)]
    for (const generation of [3, 3, 5]) open(tree, 5, generation).release()
    const [late, early] = [open(tree, 5, 6), open(tree, 5, 6)]
    expect(toHex(late.key)).toBe(toHex(open(other, 5, 6).key))
    for (const generation of [6, 4, 5]) open(other, 5, generation).accept()
    late.accept()
    expect(thrown(() => early.accept())).toEqual(['ratchet/generation_gone', 'V211'])
    for (const generation of [4, 5]) open(tree, 5, generation).accept()
    expect(toHex(tree.encode())).toBe(toHex(other.encode()))
  })
})

describe('limits', () => {
  test('V209, R04: the forward limit, exactly', () => {
    const tree = makeTree(4)
    expect(thrown(() => open(tree, 2, 1001))).toEqual(['ratchet/too_far', 'V209'])
    expect(thrown(() => open(tree, 2, 0xffffffff))).toEqual(['ratchet/too_far', 'V209'])
    open(tree, 2, 1000).accept()
    expect(thrown(() => open(tree, 2, 2002))).toEqual(['ratchet/too_far', 'V209'])
    open(tree, 2, 2001).accept()
  })

  test('V210: a failed skip leaves the ratchet intact', () => {
    const tree = makeTree(4)
    open(tree, 2, 0).accept()
    const before = tree.encode()
    open(tree, 2, 1001).reject()
    expect(tree.encode()).toEqual(before)
    open(tree, 2, 1).accept()
    open(tree, 2, 3).accept()
    open(tree, 2, 2).accept()
  })

  test('failures of new senders, of kept keys and of refusals change no byte', () => {
    const tree = makeTree(16)
    open(tree, 3, 5).accept()
    tree.takeChanges()
    const before = tree.encode()
    open(tree, 9, 7, 'handshake').reject()
    open(tree, 3, 2).reject()
    thrown(() => open(tree, 3, 5))
    thrown(() => open(tree, 3, 5000))
    thrown(() => open(tree, 16, 0))
    expect(tree.encode()).toEqual(before)
    expect(tree.takeChanges()).toEqual([])
  })

  test('R05: after 8 failures only short steps, until a message holds; other senders are free', () => {
    const tree = makeTree(4)
    for (let i = 0; i < 7; i++) open(tree, 1, 500).reject()
    open(tree, 1, 500).reject()
    expect(thrown(() => open(tree, 1, 33))).toEqual(['ratchet/too_far', 'R05'])
    open(tree, 2, 500).reject()
    open(tree, 1, 32).accept()
    open(tree, 1, 500).accept()
  })

  test('R05: seven failures restrict nothing', () => {
    const tree = makeTree(4)
    for (let i = 0; i < 7; i++) open(tree, 1, 500).reject()
    open(tree, 1, 500).accept()
  })

  test('R06, V212: 256 keys for one sender over both ratchets, oldest first out', () => {
    const tree = makeTree(4)
    open(tree, 1, 10, 'handshake').accept()
    open(tree, 1, 246).accept()
    open(tree, 1, 0, 'handshake').reject()
    open(tree, 1, 248).accept()
    expect(thrown(() => open(tree, 1, 0, 'handshake'))).toEqual(['ratchet/generation_gone', 'V211'])
    open(tree, 1, 1, 'handshake').accept()
    open(tree, 1, 0).accept()
  })

  test('R06: window and one: 257 skipped generations lose the first', () => {
    const tree = makeTree(4)
    open(tree, 1, 257).accept()
    expect(thrown(() => open(tree, 1, 0))).toEqual(['ratchet/generation_gone', 'V211'])
    open(tree, 1, 1).accept()
  })

  test('R06: the bound of the group, oldest of all senders first out', () => {
    const tree = makeTree(4, { skippedPerGroup: 6 })
    open(tree, 1, 4).accept()
    open(tree, 2, 3).accept()
    expect(thrown(() => open(tree, 1, 0))).toEqual(['ratchet/generation_gone', 'V211'])
    open(tree, 1, 1).accept()
    open(tree, 2, 0).accept()
  })

  test('R06: the defaults', () => {
    const tree = makeTree(32)
    for (let leaf = 0; leaf < 16; leaf++) open(tree, leaf, 256).accept()
    open(tree, 0, 0).reject()
    open(tree, 16, 1).accept()
    expect(thrown(() => open(tree, 0, 0))).toEqual(['ratchet/generation_gone', 'V211'])
  })

  test('no skipped keys at all, when the bound is 0', () => {
    for (const limits of [{ skippedPerSender: 0 }, { skippedPerGroup: 0 }]) {
      const tree = makeTree(4, limits)
      open(tree, 1, 3).accept()
      expect(thrown(() => open(tree, 1, 2))).toEqual(['ratchet/generation_gone', 'V211'])
      open(tree, 1, 4).accept()
    }
  })

  test('R06: keys stored before a mark are forgotten', () => {
    const tree = makeTree(4)
    open(tree, 1, 2).accept()
    const { mark } = tree
    open(tree, 1, 4).accept()
    tree.takeChanges()
    tree.forgetSkipped(mark)
    expect(tree.takeChanges().map(({ kind, index }) => `${kind} ${index}`)).toEqual(['sender 1'])
    expect(thrown(() => open(tree, 1, 0))).toEqual(['ratchet/generation_gone', 'V211'])
    open(tree, 1, 3).accept()
  })

  test('V092, V026: leaves outside the tree and generations that are no uint32', () => {
    const tree = makeTree(4)
    for (const leaf of [4, 2 ** 31, 0xffffffff, -1, 0.5])
      expect(thrown(() => open(tree, leaf, 0))).toEqual(['tree/index', 'V092'])
    expect(thrown(() => tree.seal(4, 'application'))).toEqual(['tree/index', 'V092'])
    for (const generation of [-1, 2 ** 32, 0.5])
      expect(thrown(() => open(tree, 0, generation))).toEqual(['codec/range', 'V026'])
  })
})

describe('openings that overlap', () => {
  test('V211: the same generation, opened twice, is accepted once', () => {
    const tree = makeTree(4)
    const [one, two] = [open(tree, 1, 2), open(tree, 1, 2)]
    one.accept()
    const before = tree.encode()
    expect(thrown(() => two.accept())).toEqual(['ratchet/generation_gone', 'V211'])
    expect(tree.encode()).toEqual(before)
  })

  test('any order of acceptance gives the same state', () => {
    const openings = [0, 3, 2, 5, 2].map((generation, i) => ({ generation, leaf: i === 4 ? 0 : 1 }))
    const states = new Set<string>()
    fc.assert(
      fc.property(fc.shuffledSubarray([...openings.keys()], { minLength: openings.length }), (order) => {
        const tree = makeTree(4)
        const pending = openings.map(({ leaf, generation }) => open(tree, leaf, generation))
        for (const i of order) pending[i]!.accept()
        for (const generation of [1, 4]) open(tree, 1, generation).accept()
        for (const generation of [0, 1]) open(tree, 0, generation).accept()
        states.add(
          tree
            .takeChanges()
            .filter(({ kind }) => kind !== 'state')
            .map(({ value }) => toHex(value ?? new Uint8Array(0)))
            .join(),
        )
      }),
      { numRuns: 30 },
    )
    expect(states.size).toBe(1)
  })

  test('an opening is settled once', () => {
    const tree = makeTree(4)
    const opening = open(tree, 1, 0)
    opening.accept()
    opening.reject()
    expect(thrown(() => opening.accept())).toEqual(['secret/consumed', undefined])
    expect([...opening.key, ...opening.nonce].every((byte) => byte === 0)).toBe(true)
  })

  test('after wipe nothing works', () => {
    const tree = makeTree(4)
    const opening = open(tree, 1, 0)
    tree.wipe()
    for (const run of [
      () => opening.accept(),
      () => tree.seal(0, 'handshake'),
      () => open(tree, 0, 0),
      () => tree.encode(),
      () => tree.takeChanges(),
      () => tree.clone(),
      () => tree.reserve(0, 'handshake', 1),
    ])
      expect(thrown(run)).toEqual(['secret/consumed', undefined])
  })
})
