/** One hash over the heads of all members. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ascii } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import { differingHeads, headsRoot, proveHead, verifyHeadProof } from '../../src/identity/heads-tree.ts'
import { compareHeads, ManifestHead, sameHead } from '../../src/identity/manifest-head.ts'
import { codeOf, ruleOf, seeded, suite } from './fixture.ts'

const head = (name: string, seq = 0n, generation = 0): ManifestHead => ({
  account: ascii(`${name}@example.org`),
  generation,
  seq,
  hash: seeded(`${name} ${seq}`, 16),
})
const heads = (count: number) => Array.from({ length: count }, (_, i) => head(`m${i}`))

/** The tree of the note, by a second hand: node:crypto, recursion over strings. */
function naive(list: readonly ManifestHead[]): string {
  const sha = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest()
  const labelled = (label: string, content: Uint8Array) => {
    const name = Buffer.from(`XMPP Account Identity 1.0 ${label}`)
    const length = content.length < 64 ? [content.length] : [0x40 | (content.length >> 8), content.length & 255]
    return sha(Uint8Array.of(name.length), name, Uint8Array.from(length), content)
  }
  const sorted = [...list].sort((a, b) => Buffer.compare(a.account, b.account))
  const top = (leaves: Buffer[]): Buffer => {
    if (leaves.length === 1) return leaves[0]!
    let split = 1
    while (split * 2 < leaves.length) split *= 2
    return labelled('head node', Buffer.concat([top(leaves.slice(0, split)), top(leaves.slice(split))]))
  }
  const leaves = sorted.map((one) => labelled('head leaf', encode(ManifestHead, one)))
  const count = Buffer.alloc(4)
  count.writeUInt32BE(leaves.length)
  return labelled('head node', Buffer.concat([count, leaves.length === 0 ? Buffer.alloc(0) : top(leaves)])).toString(
    'hex',
  )
}

describe('root', () => {
  test('is that of the note, for every small count', () => {
    for (let count = 0; count <= 17; count++)
      expect(Buffer.from(headsRoot(suite, heads(count))).toString('hex')).toBe(naive(heads(count)))
  })
  test('does not depend on the order, and on everything else', () => {
    const list = heads(9)
    const root = headsRoot(suite, list)
    expect(headsRoot(suite, [...list].reverse())).toEqual(root)
    expect(headsRoot(suite, list.slice(1))).not.toEqual(root)
    for (const change of [{ seq: 1n }, { generation: 1 }, { hash: seeded('x', 16) }, { account: ascii('x@x') }])
      expect(headsRoot(suite, [{ ...list[0]!, ...change }, ...list.slice(1)])).not.toEqual(root)
  })
  test('I070 one account twice; I003 more than a group holds', async () => {
    expect(await ruleOf(() => headsRoot(suite, [head('a'), head('a', 1n)]))).toBe('I070')
    expect(await ruleOf(() => headsRoot(suite, new Array(131_073).fill(head('a'))))).toBe('I003')
  })
  test('500 heads cost two hashes each', () => {
    let hashes = 0
    const hash = (data: Uint8Array) => {
      hashes++
      return suite.hash(data)
    }
    const hashMany = (data: readonly Uint8Array[]) => {
      hashes += data.length
      return suite.hashMany(data)
    }
    const counted = new Proxy(suite, {
      get: (target, key) => ({ hash, hashMany })[String(key)] ?? (Reflect.get(target, key, target) as unknown),
    })
    headsRoot(counted, heads(500))
    expect(hashes).toBeGreaterThan(0)
    expect(hashes).toBeLessThanOrEqual(1000)
  })
})

describe('proofs', () => {
  test('I071 of each head in every small tree, and of no other', () => {
    for (let count = 1; count <= 9; count++) {
      const list = heads(count)
      const root = headsRoot(suite, list)
      for (const one of list) {
        const proof = proveHead(suite, list, one.account)
        expect(verifyHeadProof(suite, root, one, proof)).toBe(true)
        expect(verifyHeadProof(suite, root, { ...one, seq: 1n }, proof)).toBe(false)
        expect(verifyHeadProof(suite, seeded('root'), one, proof)).toBe(false)
        for (const bent of [
          { index: proof.index + 1 },
          { index: -1 },
          { index: 0.5 },
          { count: count + 1 },
          { count: 2 ** 31 },
          { siblings: [...proof.siblings, seeded('s')] },
          { siblings: proof.siblings.slice(1), index: count === 1 ? 1 : proof.index },
        ])
          expect(verifyHeadProof(suite, root, one, { ...proof, ...bent })).toBe(false)
      }
    }
  })
  test('an account without a head', async () => {
    expect(await codeOf(() => proveHead(suite, heads(3), ascii('x')))).toBe('identity/state')
  })
})

test('differing heads: all of them, and nothing else', () => {
  const side = fc.uniqueArray(fc.record({ name: fc.nat(9), seq: fc.nat(2) }), { selector: ({ name }) => name })
  fc.assert(
    fc.property(side, side, (left, right) => {
      const [mine, theirs] = [left, right].map((list) => list.map(({ name, seq }) => head(`m${name}`, BigInt(seq))))
      const found = differingHeads(mine!, theirs!)
      const expected = Array.from({ length: 10 }, (_, name) => [
        left.find((one) => one.name === name)?.seq,
        right.find((one) => one.name === name)?.seq,
      ]).filter(([a, b]) => a !== b)
      expect(found.map((pair) => [pair.mine?.seq, pair.theirs?.seq])).toEqual(
        expected.map((pair) => pair.map((seq) => (seq === undefined ? undefined : BigInt(seq)))),
      )
      const equal = headsRoot(suite, mine!).join() === headsRoot(suite, theirs!).join()
      expect(equal).toBe(found.length === 0)
    }),
  )
})

test('the order of heads: generation first', () => {
  expect(compareHeads(head('a', 9n), head('a', 1n, 1))).toBe(-1)
  expect(compareHeads(head('a', 9n, 1), head('a', 9n))).toBe(1)
  expect(compareHeads(head('a', 2n), head('a', 1n))).toBe(1)
  expect(compareHeads(head('a', 1n), head('a', 2n))).toBe(-1)
  expect(sameHead(head('a'), head('a'))).toBe(true)
  for (const other of [head('b'), head('a', 1n), { ...head('a'), hash: seeded('x', 16) }])
    expect(sameHead(head('a'), other)).toBe(false)
})
