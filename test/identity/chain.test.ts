/** How one manifest follows another: rules of the chain, and what is kept. */
import { describe, expect, test } from 'vitest'
import { ascii } from '../../src/bytes/bytes.ts'
import { linkManifests } from '../../src/identity/chain.ts'
import { makeCheckpoint } from '../../src/identity/checkpoint.ts'
import type { ManifestTbs } from '../../src/identity/manifest.ts'
import { withCheckpoint } from '../../src/identity/manifest-extensions.ts'
import { makeOpsCert } from '../../src/identity/ops-cert.ts'
import { alice, laptop, lost, next, phone, start } from './chain-start.ts'
import { contentOf, following, now, revocation, seeded, signed, signerOf, suite } from './fixture.ts'

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
