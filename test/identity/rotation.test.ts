/** How a generation follows another. */
import { describe, expect, test } from 'vitest'
import { ascii } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import { checkFirst, proveRotation } from '../../src/identity/chain.ts'
import { walkChain } from '../../src/identity/chain-walk.ts'
import type { ManifestTbs } from '../../src/identity/manifest.ts'
import { makeOpsCert } from '../../src/identity/ops-cert.ts'
import { type RootSigner, rootHash } from '../../src/identity/root-keys.ts'
import {
  decodeRotation,
  RotationStatement,
  type RotationTbs,
  rotationStrength,
  signRotation,
  verifyLeafRotation,
  verifyRotation,
} from '../../src/identity/rotation.ts'
import { alice, laptop, next, phone, second, start } from './chain-start.ts'
import {
  codeOf,
  contentOf,
  device,
  following,
  now,
  type Person,
  person,
  rootOf,
  ruleOf,
  seeded,
  signed,
  suite,
} from './fixture.ts'

describe('rotations', () => {
  const statementTo = (
    root: RootSigner,
    last = start,
    changes: Partial<RotationTbs> = {},
    old: RootSigner | 'reset' = alice.root,
  ) =>
    signRotation(
      suite,
      { old: old === 'reset' ? undefined : old, next: root },
      {
        account: last.account,
        oldGeneration: 0,
        oldRootHash: last.rootHash,
        newGeneration: 1,
        lastSeq: last.seq,
        lastHash: last.hash,
        ...changes,
      },
      last.root,
    )
  const firstOf = (of: Person, last = start, changes: Partial<ManifestTbs> = {}) =>
    signed(
      contentOf(of, {
        seq: last.seq + 1n,
        prevHash: last.hash,
        issuedAt: now + 1n,
        devices: last.devices,
        revoked: last.revoked,
        ...changes,
      }),
      of.byOps,
    )

  test('round trip, strengths', async () => {
    const strong = await statementTo(second.root)
    expect(decodeRotation(encode(RotationStatement, strong))).toMatchObject({ newGeneration: 1 })
    expect(rotationStrength(strong, start.nextRootHash)).toBe('strong')
    expect(rotationStrength(strong, new Uint8Array(32))).toBe('soft')
    expect(rotationStrength(strong, seeded('other'))).toBe('broken')
    expect(rotationStrength(await statementTo(second.root, start, {}, 'reset'), start.nextRootHash)).toBe('reset')
  })
  test('I003 a rotation of more than 16 KiB', async () => {
    expect(await ruleOf(() => decodeRotation(new Uint8Array(16_385)))).toBe('I003')
  })
  test('I050 skipped generations', async () => {
    for (const newGeneration of [0, 2])
      expect(await ruleOf(() => statementTo(second.root, start, { newGeneration }))).toBe('I050')
  })
  test('I051 from another root, account or generation', async () => {
    expect(await ruleOf(() => statementTo(second.root, start, { oldRootHash: seeded('x') }))).toBe('I051')
    const statement = await statementTo(second.root)
    expect(await ruleOf(() => verifyRotation(suite, statement, undefined))).toBe('I051')
    expect(await ruleOf(() => proveRotation(suite, start, { ...statement, account: ascii('b@x') }))).toBe('I051')
    const later = await statementTo(second.root, start, { oldGeneration: 1, newGeneration: 2 })
    expect(await ruleOf(() => proveRotation(suite, start, later))).toBe('I051')
  })
  test('I005 I052 I053 both roots sign, over the same words', async () => {
    const statement = await statementTo(second.root)
    const other = await statementTo(second.root, start, { lastSeq: 7n })
    const bad = (changes: Partial<RotationStatement>) =>
      ruleOf(() => verifyRotation(suite, { ...statement, ...changes }, alice.root.root))
    expect(await bad({})).toBe('none')
    expect(await bad({ oldSignature: other.oldSignature })).toBe('I052')
    expect(await bad({ oldSignature: statement.newSignature })).toBe('I052')
    expect(await bad({ newSignature: other.newSignature })).toBe('I053')
    expect(await bad({ newRoot: rootOf('bob', 1).root, oldSignature: undefined })).toBe('I053')
    expect(await bad({ newRoot: { ed25519: new Uint8Array(32).fill(255), mldsa65: undefined } })).toBe('I005')
  })
  test('I054 from a root to itself', async () => {
    expect(await ruleOf(() => statementTo(alice.root))).toBe('I054')
  })
  test('I055 only the announced root follows; a reset proves nothing', async () => {
    const thief = rootOf('thief', 1)
    expect(await ruleOf(async () => proveRotation(suite, start, await statementTo(thief)))).toBe('I055')
    const reset = await statementTo(second.root, start, {}, 'reset')
    expect(await ruleOf(() => proveRotation(suite, start, reset))).toBe('I055')
    expect(proveRotation(suite, start, await statementTo(second.root)).strength).toBe('strong')
    // one root stands for a whole generation
    expect(rootHash(suite, second.root.root)).toEqual(start.nextRootHash)
  })
  test('I056 a soft rotation does not fork what was seen, a strong one may', async () => {
    const silent = await signed(contentOf(alice, { nextRootHash: new Uint8Array(32) }), alice.byOps)
    const seen = await signed(following(silent), alice.byOps)
    const soft = await statementTo(second.root, silent)
    expect(proveRotation(suite, silent, soft).strength).toBe('soft')
    expect(await ruleOf(() => proveRotation(suite, seen, soft))).toBe('I056')
    const strong = await statementTo(second.root, start)
    expect(proveRotation(suite, await next(), strong).strength).toBe('strong')
    const other = await statementTo(second.root, silent, { lastSeq: 1n, lastHash: seeded('other') })
    expect(await ruleOf(() => proveRotation(suite, seen, other))).toBe('I056')
  })
  test('I057 a generation begins where its rotation says', async () => {
    const proven = proveRotation(suite, start, await statementTo(second.root))
    const good = await firstOf(second)
    checkFirst(suite, start, proven, good)
    for (const bad of [
      await firstOf(second, start, { seq: 2n }),
      await firstOf(second, start, { prevHash: seeded('x') }),
      await next(),
    ])
      expect(await ruleOf(() => checkFirst(suite, start, proven, bad))).toBe('I057')
  })
  test('a new generation keeps revocations and devices', async () => {
    const proven = proveRotation(suite, start, await statementTo(second.root))
    const without = await firstOf(second, start, { revoked: [] })
    expect(await ruleOf(() => checkFirst(suite, start, proven, without))).toBe('I033')
    const fewer = await firstOf(second, start, { devices: [phone] })
    expect(await ruleOf(() => checkFirst(suite, start, proven, fewer))).toBe('I035')
  })
  test('walks over two generations; nothing of the old root counts afterwards', async () => {
    const third = await person('alice', 2)
    const r1 = await statementTo(second.root)
    const f1 = await firstOf(second)
    const r2 = await signRotation(
      suite,
      { old: second.root, next: third.root },
      { ...r1, oldGeneration: 1, newGeneration: 2, oldRootHash: f1.rootHash, lastSeq: f1.seq, lastHash: f1.hash },
    )
    const f2 = await firstOf(third, f1)
    const log = { manifests: [f2, f1], rotations: [r2, r1] }
    const walk = walkChain(suite, start, log, {
      conflicts: [{ hash: seeded('old trouble'), parents: [] }],
      strongOnly: false,
    })
    expect(walk.head).toBe(f2)
    expect(walk.events.map(({ kind }) => kind)).toEqual(['rotated', 'rotated'])
    expect(walk.conflicts).toEqual([])
    // without the first manifest of a generation nobody knows which root it announced
    expect(walkChain(suite, start, { ...log, manifests: [f2] }).head).toBe(start)
    expect(walkChain(suite, start, { ...log, rotations: [r2] }).head).toBe(start)
  })
  test('the owner drops what a thief of OPS published, by a strong rotation', async () => {
    const ghost = await next({ devices: [phone, laptop, device('thief', 'x')] })
    const statement = await statementTo(second.root, start)
    const first = await firstOf(second)
    const walk = walkChain(suite, ghost, { manifests: [first], rotations: [statement] })
    expect(walk.head).toBe(first)
  })
  test('I059 a root in other hands names no heir of its own', async () => {
    const silent = await signed(contentOf(alice, { nextRootHash: new Uint8Array(32) }), alice.byOps)
    const log = { manifests: [await firstOf(second, silent)], rotations: [await statementTo(second.root, silent)] }
    const conflicts = [{ hash: seeded('trouble'), parents: [] }]
    const soft = walkChain(suite, silent, log, { conflicts, strongOnly: false })
    expect(soft.events).toMatchObject([{ kind: 'rotated', strength: 'soft' }])
    expect(soft.conflicts).toEqual(conflicts)
    expect(walkChain(suite, silent, log, { conflicts, strongOnly: true })).toMatchObject({ head: silent, events: [] })
    const strong = { manifests: [await firstOf(second)], rotations: [await statementTo(second.root)] }
    expect(walkChain(suite, start, strong, { conflicts, strongOnly: true })).toMatchObject({ conflicts: [] })
  })
  test('I058 two heirs and none announced: neither', async () => {
    const silent = await signed(contentOf(alice, { nextRootHash: new Uint8Array(32) }), alice.byOps)
    const thief = await person('thief', 1)
    const asAlice = { ...thief, account: alice.account }
    const cert = await makeOpsCert(suite, thief.root, { ...thief.cert, account: alice.account })
    const [r1, r2] = [await statementTo(second.root, silent), await statementTo(thief.root, silent)]
    const f1 = await firstOf(second, silent)
    const f2 = await firstOf({ ...asAlice, cert }, silent)
    const one = walkChain(suite, silent, { manifests: [f1], rotations: [r1] })
    expect(one.head).toBe(f1)
    const both = walkChain(suite, silent, { manifests: [f1, f2], rotations: [r1, r2] })
    expect(both.head).toBe(silent)
    expect(both.events).toMatchObject([{ kind: 'conflict', rule: 'I058' }])
    expect(both.conflicts).toHaveLength(1)
  })
  test('I051 I052 I055 seen from a leaf alone', async () => {
    const statement = await statementTo(second.root)
    const { ed25519 } = alice.root.root
    expect(verifyLeafRotation(suite, statement, ed25519).provenByOld).toBe(true)
    const reset = await statementTo(second.root, start, {}, 'reset')
    expect(await ruleOf(() => verifyLeafRotation(suite, reset, ed25519))).toBe('I055')
    expect(await ruleOf(() => verifyLeafRotation(suite, statement, rootOf('bob').root.ed25519))).toBe('I051')
    const [h0, h1] = [rootOf('alice', 0, true), rootOf('alice', 1, true)]
    const content = { ...statement, oldRootHash: rootHash(suite, h0.root) }
    const hybrid = await signRotation(suite, { old: h0, next: h1 }, content)
    expect(verifyLeafRotation(suite, hybrid, h0.root.ed25519).newRootHash).toEqual(rootHash(suite, h1.root))
    expect(await ruleOf(() => verifyLeafRotation(suite, hybrid, h1.root.ed25519))).toBe('I052')
    // a plain root has no second half that could go unchecked
    const more = { ...statement.oldSignature!, mldsa65: hybrid.oldSignature!.mldsa65 }
    expect(await ruleOf(() => verifyLeafRotation(suite, { ...statement, oldSignature: more }, ed25519))).toBe('I051')
    const half = { ...hybrid, oldSignature: { ...hybrid.oldSignature!, mldsa65: undefined } }
    expect(await codeOf(() => verifyLeafRotation(suite, half, h0.root.ed25519))).toBe('identity/rotation')
  })
})
