/** How one manifest follows another: rules of the chain, gaps, merges, rotations, and bags of steps from a server. */
import { beforeAll, describe, expect, test } from 'vitest'
import { ascii } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import { checkFirst, linkManifests, proveRotation, unsettled } from '../../src/identity/chain.ts'
import { emptyLog, walkChain } from '../../src/identity/chain-walk.ts'
import { makeCheckpoint } from '../../src/identity/checkpoint.ts'
import type { ManifestTbs, VerifiedManifest } from '../../src/identity/manifest.ts'
import { MergedParents, manifestExtensionTypes, withCheckpoint } from '../../src/identity/manifest-extensions.ts'
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
import {
  codeOf,
  contentOf,
  device,
  following,
  now,
  type Person,
  person,
  revocation,
  rootOf,
  ruleOf,
  seeded,
  signed,
  signerOf,
  suite,
} from './fixture.ts'

let alice: Person
let second: Person
let start: VerifiedManifest
const phone = device('alice', 'phone')
const laptop = device('alice', 'laptop')
const tablet = device('alice', 'tablet')
const lost = revocation(tablet)

beforeAll(async () => {
  alice = await person('alice')
  second = await person('alice', 1)
  start = await signed(contentOf(alice, { devices: [phone, laptop], revoked: [lost] }), alice.byOps)
})

const next = (changes: Partial<ManifestTbs> = {}, of = start, by = alice.byOps) => signed(following(of, changes), by)
/** The rule of the conflict with `start`, or the kind of the link. */
async function linkOf(changes: Partial<ManifestTbs>, of = start, by = alice.byOps): Promise<string> {
  const link = linkManifests(suite, of, await next(changes, of, by))
  return link.kind === 'conflict' ? link.rule : link.kind
}
const far = { seq: 9n, prevHash: seeded('far') }

describe('one after another', () => {
  test('the next, the same, an older one, one after a gap', async () => {
    const one = await next()
    const two = await next({}, one)
    expect(linkManifests(suite, start, one)).toEqual({ kind: 'next', gap: false, merged: false })
    expect(linkManifests(suite, start, start)).toEqual({ kind: 'same' })
    expect(linkManifests(suite, one, start)).toEqual({ kind: 'older' })
    expect(linkManifests(suite, two, start)).toEqual({ kind: 'older' })
    expect(linkManifests(suite, start, two)).toEqual({ kind: 'next', gap: true, merged: false })
  })
  test('I029 one root in two generations', async () => {
    const cert = await makeOpsCert(suite, alice.root, { ...alice.cert, generation: 1 })
    const other = await signed(following(start, { generation: 1, ops: cert }), alice.byOps)
    expect(linkManifests(suite, start, other)).toEqual({ kind: 'conflict', rule: 'I029' })
  })
  test('I030 another account', async () => {
    const account = ascii('bob@example.org')
    const cert = await makeOpsCert(suite, alice.root, { ...alice.cert, account })
    expect(await linkOf({ account, ops: cert })).toBe('I030')
  })
  test('I031 two with one number, and a successor of another one', async () => {
    expect(await linkOf({ seq: 0n, prevHash: new Uint8Array(0) })).toBe('I031')
    expect(await linkOf({ prevHash: seeded('other') })).toBe('I031')
    // seen from the later one too
    const one = await next()
    const forged = await signed(contentOf(alice, { issuedAt: now + 1n }), alice.byOps)
    expect(linkManifests(suite, one, forged)).toEqual({ kind: 'conflict', rule: 'I031' })
  })
  test('I032 back in time', async () => {
    expect(await linkOf({ issuedAt: now - 1n })).toBe('I032')
    expect(await linkOf({ issuedAt: now })).toBe('next')
  })
})

describe('what is kept', () => {
  test('I033 a revocation, also over a gap', async () => {
    expect(await linkOf({ revoked: [] })).toBe('I033')
    expect(await linkOf({ revoked: [], ...far })).toBe('I033')
    // the root's signature on the manifest alone is no permission
    expect(await linkOf({ revoked: [] }, start, alice.byRoot)).toBe('I033')
  })
  test('I033 the root may let it be forgotten, through a number', async () => {
    const permit = async (prunedThrough: bigint) => ({
      extensions: withCheckpoint(
        [],
        await makeCheckpoint(alice.root, { account: alice.account, generation: 0, prunedThrough }),
      ),
    })
    expect(await linkOf({ revoked: [], ...(await permit(0n)) })).toBe('next')
    const later = await next({ revoked: [lost, revocation(laptop, { effectiveSeq: 1n })], devices: [phone] })
    expect(await linkOf({ revoked: [lost], ...(await permit(0n)) }, later)).toBe('I033')
    expect(await linkOf({ revoked: [], ...(await permit(1n)) }, later)).toBe('next')
  })
  test('I034 a revocation becomes worse, never milder or later', async () => {
    expect(await linkOf({ revoked: [{ ...lost, reason: 'compromised' }] })).toBe('next')
    expect(await linkOf({ revoked: [{ ...lost, reason: 'retired' }] })).toBe('I034')
    expect(await linkOf({ revoked: [{ ...lost, reason: 'superseded' }] })).toBe('I034')
    expect(await linkOf({ revoked: [{ ...lost, effectiveSeq: 1n }] })).toBe('I034')
  })
  test('I035 a device or key, unless it is revoked', async () => {
    expect(await linkOf({ devices: [phone] })).toBe('I035')
    expect(await linkOf({ devices: [phone], ...far })).toBe('I035')
    expect(await linkOf({ devices: [phone], revoked: [lost, revocation(laptop)] })).toBe('next')
    const rekeyed = { ...laptop, leafKeys: [seeded('new key')] }
    expect(await linkOf({ devices: [phone, rekeyed] })).toBe('I035')
    const named = revocation(laptop, { reason: 'superseded' })
    expect(await linkOf({ devices: [phone, rekeyed], revoked: [lost, named] })).toBe('next')
  })
  test('I036 the announced root, once there is one', async () => {
    expect(await linkOf({ nextRootHash: seeded('thief') })).toBe('I036')
    expect(await linkOf({ nextRootHash: new Uint8Array(32) })).toBe('I036')
    const silent = await signed(contentOf(alice, { nextRootHash: new Uint8Array(32) }), alice.byOps)
    expect(await linkOf({ nextRootHash: seeded('first') }, silent)).toBe('next')
  })
  test('I037 the checkpoint', async () => {
    const permit = async (prunedThrough: bigint) => ({
      extensions: withCheckpoint(
        [],
        await makeCheckpoint(alice.root, { account: alice.account, generation: 0, prunedThrough }),
      ),
    })
    const one = await next({ revoked: [], ...(await permit(1n)) })
    expect(await linkOf({}, one)).toBe('next')
    expect(await linkOf({ extensions: [] }, one)).toBe('I037')
    expect(await linkOf({ ...(await permit(0n)) }, one)).toBe('I037')
    expect(await linkOf({ ...(await permit(2n)) }, one)).toBe('next')
  })
  test('I038 an OPS key that was replaced is worth nothing', async () => {
    const ops = signerOf('alice ops new')
    const newer = await makeOpsCert(suite, alice.root, { ...alice.cert, opsKey: ops.publicKey, notBefore: now })
    const one = await next({ ops: newer }, start, { kind: 'ops', ops })
    expect(linkManifests(suite, start, one).kind).toBe('next')
    expect(await linkOf({ ops: alice.cert }, one)).toBe('I038')
    expect(await linkOf({ ops: alice.cert, ...far }, one)).toBe('I038')
    expect(await linkOf({ ops: undefined }, one, alice.byRoot)).toBe('next')
    const sameTime = await makeOpsCert(suite, alice.root, { ...alice.cert, opsKey: ops.publicKey })
    expect(await linkOf({ ops: sameTime }, start, { kind: 'ops', ops })).toBe('I038')
  })
  test('I039 the age of a device', async () => {
    expect(await linkOf({ devices: [phone, { ...laptop, addedAt: now - 1n }] })).toBe('I039')
    expect(await linkOf({ devices: [phone, { ...laptop, notAfter: laptop.notAfter + 1n }] })).toBe('next')
  })
})

const merging = (...hashes: Uint8Array<ArrayBuffer>[]) => ({
  extensions: [{ extensionType: manifestExtensionTypes.merged, extensionData: encode(MergedParents, hashes) }],
})

describe('walks', () => {
  test('a bag of steps in any order; what does not lead on is passed over', async () => {
    const one = await next()
    const two = await next({}, one)
    const three = await next({}, two)
    const bob = await person('bob')
    const other = await signed(contentOf(bob), bob.byOps)
    const walk = walkChain(suite, start, { manifests: [three, other, one, start, two], rotations: [] })
    expect(walk.head).toBe(three)
    expect(walk.events).toMatchObject([
      { kind: 'advanced', gap: false },
      { kind: 'advanced', gap: false },
      { kind: 'advanced', gap: false },
    ])
    expect(walk.conflicts).toEqual([])
    expect(walkChain(suite, start, { manifests: [three], rotations: [] }).events).toMatchObject([{ gap: true }])
    expect(walkChain(suite, start, emptyLog)).toMatchObject({ head: start, events: [] })
  })
  test('I003 no more than 256 steps', async () => {
    const one = await next()
    const manifests = new Array<VerifiedManifest>(257).fill(one)
    expect(await ruleOf(() => walkChain(suite, start, { manifests, rotations: [] }))).toBe('I003')
    expect(walkChain(suite, start, { manifests: manifests.slice(1), rotations: [] }).head).toBe(one)
  })
  test('two at once, and the merge that settles them, whichever was seen', async () => {
    const [a, b] = [await next({ devices: [phone, laptop, device('alice', 'watch')] }), await next()]
    const merge = await next({ ...merging(b.hash) }, a)
    for (const seen of [a, b]) {
      const other = seen === a ? b : a
      const forked = walkChain(suite, seen, { manifests: [other], rotations: [] })
      expect(forked.head).toBe(seen)
      expect(forked.events).toMatchObject([{ kind: 'conflict', rule: 'I031' }])
      expect(forked.conflicts).toHaveLength(1)
      const healed = walkChain(
        suite,
        seen,
        { manifests: [merge], rotations: [] },
        { conflicts: forked.conflicts, strongOnly: false },
      )
      expect(healed).toMatchObject({ head: merge, conflicts: [] })
      // all in one bag
      const whole = walkChain(suite, start, { manifests: [merge, other, seen], rotations: [] })
      expect(whole).toMatchObject({ head: merge, conflicts: [] })
    }
    // a merge that loses what one of them said is no merge for who saw it
    const robbed = await next({ ...merging(a.hash) }, b)
    expect(linkManifests(suite, a, robbed)).toEqual({ kind: 'conflict', rule: 'I035' })
    // a merge must be named: without it who saw the other one sees a contradiction
    expect(linkManifests(suite, b, await next({}, a))).toEqual({ kind: 'conflict', rule: 'I031' })
  })
  test('a whole losing branch is settled by its last manifest', async () => {
    const w1 = await next()
    const l1 = await next({ issuedAt: now + 5n })
    const l2 = await next({}, l1)
    const merge = await next({ ...merging(w1.hash) }, l2)
    const walk = walkChain(suite, start, { manifests: [w1, l1, l2, merge], rotations: [] })
    expect(walk).toMatchObject({ head: merge, conflicts: [] })
    expect(unsettled([{ hash: seeded('x'), parents: [] }], merge)).toHaveLength(1)
  })
  test('a contradiction stays until it is settled, and is told once', async () => {
    const [a, b] = [await next(), await next({ issuedAt: now + 7n })]
    const first = walkChain(suite, a, { manifests: [b], rotations: [] })
    const again = walkChain(
      suite,
      a,
      { manifests: [b, await next({}, a)], rotations: [] },
      { conflicts: first.conflicts, strongOnly: false },
    )
    expect(again.conflicts).toHaveLength(1)
    expect(again.events.filter(({ kind }) => kind === 'conflict')).toEqual([])
  })
})

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
