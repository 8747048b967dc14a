/** Two own devices at once: nothing is lost, and every device makes the same bytes. */
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { ascii } from '../../src/bytes/bytes.ts'
import { createAccount, nextManifest, noNextRoot } from '../../src/identity/account.ts'
import { followingContent, type ManifestChange, type NewDevice } from '../../src/identity/account-changes.ts'
import { pruneRevocations, rotateOps } from '../../src/identity/account-root.ts'
import { linkManifests } from '../../src/identity/chain.ts'
import { deviceFlags } from '../../src/identity/device-entry.ts'
import { signManifest, type VerifiedManifest } from '../../src/identity/manifest.ts'
import { backupCounterOf, withBackupCounter } from '../../src/identity/manifest-extensions.ts'
import { mergeManifests } from '../../src/identity/merge.ts'
import { now, rootOf, ruleOf, seeded, signerOf, suite } from './fixture.ts'

const account = ascii('alice@example.org')
const ops = signerOf('alice ops')
const root = rootOf('alice')
const newDevice = (name: string): NewDevice => ({
  deviceId: seeded(`id ${name}`, 16),
  leafKeys: [seeded(`key ${name}`)],
  flags: deviceFlags.steward,
  encLabel: ascii(name),
})
const [phone, laptop, tablet] = ['phone', 'laptop', 'tablet'].map(newDevice) as [NewDevice, NewDevice, NewDevice]
const by = { kind: 'ops', ops, by: phone.deviceId } as const
let base: VerifiedManifest
beforeAll(async () => {
  const keys = { root, nextRootHash: noNextRoot, ops }
  const first = await createAccount(suite, account, keys, phone, now)
  const added = [laptop, tablet].map((device) => ({ kind: 'add_device', device, probation: true }) as const)
  base = (await nextManifest(suite, by, first.manifest, added, now)).manifest
})

const change = async (changes: readonly ManifestChange[], at = now, last = base) =>
  (await nextManifest(suite, by, last, changes, at)).manifest
const merge = (a: VerifiedManifest, b: VerifiedManifest, over = base) => mergeManifests(suite, by, over, a, b)
const names = (manifest: VerifiedManifest) =>
  manifest.devices.map(({ encLabel }) => new TextDecoder().decode(encLabel)).sort()
const follows = (a: VerifiedManifest, b: VerifiedManifest) => linkManifests(suite, a, b)

/** Whatever one side did is in the merge, and both sides lead to it. */
async function merged(a: VerifiedManifest, b: VerifiedManifest, over = base): Promise<VerifiedManifest> {
  const [one, two] = [await merge(a, b, over), await merge(b, a, over)]
  expect(one.bytes).toEqual(two.bytes)
  for (const side of [a, b]) expect(follows(side, one)).toEqual({ kind: 'next', gap: false, merged: true })
  return one
}

describe('I090 merges', () => {
  test('two new devices, a removal, a renewal', async () => {
    const a = await change([{ kind: 'add_device', device: newDevice('watch'), probation: true }])
    const b = await change(
      [
        { kind: 'add_device', device: newDevice('tv'), probation: true },
        { kind: 'remove_device', deviceId: laptop.deviceId, reason: 'lost' },
      ],
      now + 3n,
    )
    const both = await merged(a, b)
    expect(names(both)).toEqual(['phone', 'tablet', 'tv', 'watch'])
    expect(both.revoked).toEqual(b.revoked)
    expect(both).toMatchObject({ seq: base.seq + 2n, issuedAt: now + 3n })
  })
  test('one device changed by both: each bit and name by who changed it', async () => {
    const a = await change(
      [
        { kind: 'end_probation', deviceId: laptop.deviceId },
        { kind: 'renew_device', deviceId: laptop.deviceId },
      ],
      now + 9n,
    )
    const b = await change([
      {
        kind: 'set_flags',
        deviceId: laptop.deviceId,
        flags: deviceFlags.steward | deviceFlags.probation | deviceFlags.web,
      },
      { kind: 'relabel', deviceId: laptop.deviceId, encLabel: ascii('notebook') },
    ])
    const both = await merged(a, b)
    const device = both.devices.find(({ deviceId }) => deviceId.every((byte, i) => byte === laptop.deviceId[i]))!
    expect(device.flags).toBe(deviceFlags.steward | deviceFlags.web)
    expect(device.encLabel).toEqual(ascii('notebook'))
    expect(device.notAfter).toBe(now + 9n + 180n * 86_400n)
  })
  test('removed by one, given a key by the other: gone with both keys', async () => {
    const a = await change([{ kind: 'remove_device', deviceId: laptop.deviceId, reason: 'compromised' }])
    const b = await change([
      { kind: 'replace_key', deviceId: laptop.deviceId, oldKey: laptop.leafKeys[0]!, newKey: seeded('fresh') },
    ])
    const both = await merged(a, b)
    expect(names(both)).toEqual(['phone', 'tablet'])
    expect(both.revoked).toHaveLength(2)
    expect(both.revoked.every(({ reason }) => reason === 'compromised')).toBe(true)
  })
  test('removed by both for two reasons: the worse one', async () => {
    const a = await change([{ kind: 'remove_device', deviceId: laptop.deviceId, reason: 'retired' }])
    const b = await change([{ kind: 'remove_device', deviceId: laptop.deviceId, reason: 'compromised' }])
    expect((await merged(a, b)).revoked).toMatchObject([{ reason: 'compromised' }])
  })
  test('two keys for one device', async () => {
    const replace = (newKey: string) =>
      change([{ kind: 'replace_key', deviceId: laptop.deviceId, oldKey: laptop.leafKeys[0]!, newKey: seeded(newKey) }])
    const both = await merged(await replace('one'), await replace('two'))
    expect(both.devices.flatMap(({ leafKeys }) => leafKeys)).toHaveLength(4)
    expect(both.revoked).toMatchObject([{ reason: 'superseded' }])
  })
  test('statements: added on either side, gone where one took them away', async () => {
    const statement = (name: string) => ({ kind: 3, id: new Uint8Array(0), value: seeded(name) })
    const start = await change([{ kind: 'set_others', others: [statement('x'), statement('y')] }])
    const a = await change(
      [{ kind: 'set_others', others: [statement('x'), statement('y'), statement('a')] }],
      now,
      start,
    )
    const b = await change([{ kind: 'set_others', others: [statement('y'), statement('b')] }], now, start)
    const values = (await merged(a, b, start)).others.map(({ value }) => value)
    expect(values).toHaveLength(3)
    for (const name of ['y', 'a', 'b']) expect(values).toContainEqual(seeded(name))
  })
  test('the number of the newest backup: the larger one, whichever side wins', async () => {
    const counted = async (counter: bigint, more = 0n) => {
      const content = followingContent(base, now + more)
      return signManifest(suite, by, { ...content, extensions: withBackupCounter(content.extensions, counter) })
    }
    const low = await counted(3n)
    // the hash decides who wins: of these some win and some lose
    for (const more of [0n, 1n, 2n, 3n, 4n, 5n])
      expect(backupCounterOf(await merged(low, await counted(7n, more)))).toBe(7n)
  })
  test('branches of different length: the longer one wins, the other is named', async () => {
    const a = await change([{ kind: 'add_device', device: newDevice('watch'), probation: true }])
    const a2 = await change([{ kind: 'end_probation', deviceId: tablet.deviceId }], now, a)
    const b = await change([{ kind: 'add_device', device: newDevice('tv'), probation: true }])
    const both = await merged(a2, b)
    expect(both.seq).toBe(a2.seq + 1n)
    expect(both.prevHash).toEqual(a2.hash)
    expect(both.mergedParents).toEqual([b.hash])
    expect(names(both)).toContain('tv')
    // the mark does not go on
    expect((await change([], now, both)).mergedParents).toEqual([])
  })
  test('another OPS key on one side, a pruned list on one side', async () => {
    const gone = await change([{ kind: 'remove_device', deviceId: laptop.deviceId, reason: 'lost' }])
    const newOps = signerOf('alice ops 2')
    const a = (await rotateOps(suite, { root, ops: newOps }, gone, [], now + 4n)).manifest
    const b = await pruneRevocations(suite, root, by, gone, gone.seq, now)
    const both = await mergeManifests(suite, { kind: 'ops', ops: newOps }, gone, a, b)
    expect(both.ops!.opsKey).toEqual(newOps.publicKey)
    expect(both.revoked).toEqual([])
    expect(both.checkpoint?.prunedThrough).toBe(gone.seq)
    // a steward who has not got the new key cannot merge
    expect(await ruleOf(() => merge(a, b, gone))).toBe('I010')
  })
  test('I038 what a replaced OPS key lists is named as revoked, and nothing else of it is kept', async () => {
    const newOps = signerOf('alice ops 2')
    const merger = { kind: 'ops', ops: newOps } as const
    const a = (await rotateOps(suite, { root, ops: newOps }, base, [], now)).manifest
    const ghost = newDevice('ghost')
    const statement = { kind: 3, id: new Uint8Array(0), value: seeded('ghost') }
    const forged = await change([
      { kind: 'add_device', device: ghost, probation: false },
      { kind: 'replace_key', deviceId: tablet.deviceId, oldKey: tablet.leafKeys[0]!, newKey: seeded('ghost key') },
      { kind: 'end_probation', deviceId: laptop.deviceId },
      { kind: 'set_others', others: [statement] },
    ])
    const later = await change([], now, forged)
    for (const side of [forged, later]) {
      const both = await mergeManifests(suite, merger, base, a, side)
      expect(names(both)).toEqual(['laptop', 'phone'])
      expect(both.others).toEqual([])
      expect(both.devices.filter(({ flags }) => (flags & deviceFlags.probation) !== 0)).toHaveLength(1)
      expect(both.revoked.map(({ reason }) => reason).sort()).toEqual(['compromised', 'compromised', 'superseded'])
      for (const one of [a, side]) expect(follows(one, both)).toMatchObject({ kind: 'next', gap: false })
    }
    const purge = await change([{ kind: 'remove_device', deviceId: phone.deviceId, reason: 'lost' }])
    const swap = await change([
      { kind: 'replace_key', deviceId: phone.deviceId, oldKey: phone.leafKeys[0]!, newKey: seeded('ghost key') },
    ])
    for (const side of [purge, swap])
      expect(await ruleOf(() => mergeManifests(suite, merger, base, a, side))).toBe('I090')
  })
  test('what cannot be merged', async () => {
    const announce = (name: string) => change([{ kind: 'announce_root', rootHash: seeded(name) }])
    expect(await ruleOf(async () => merge(await announce('a'), await announce('b')))).toBe('I090')
    const same = await merged(await announce('a'), await change([]))
    expect(same.nextRootHash).toEqual(seeded('a'))
    const a = await change([])
    const other = await createAccount(suite, account, { root: rootOf('x'), nextRootHash: noNextRoot, ops }, phone, now)
    expect(await ruleOf(() => merge(a, other.manifest))).toBe('I090')
    // a base that is not theirs
    expect(await ruleOf(async () => merge(a, await change([], now, a), await change([], now + 1n)))).toBe('I090')
    // one id with two histories
    const add = (at: bigint) => change([{ kind: 'add_device', device: newDevice('watch'), probation: true }], at)
    expect(await ruleOf(async () => merge(await add(now), await add(now + 1n)))).toBe('I090')
  })
})

/** A change out of a number; `taken` are devices that this side removed already. */
function changeOf(kind: number, target: number, taken: Set<number>): ManifestChange[] {
  const device = [laptop, tablet][target % 2]!
  if (kind === 0) return [{ kind: 'add_device', device: newDevice(`new ${target}`), probation: true }]
  if (taken.has(target % 2)) return []
  if (kind === 1) {
    taken.add(target % 2)
    return [{ kind: 'remove_device', deviceId: device.deviceId, reason: target < 4 ? 'lost' : 'retired' }]
  }
  if (kind === 2) return [{ kind: 'end_probation', deviceId: device.deviceId }]
  return [{ kind: 'relabel', deviceId: device.deviceId, encLabel: ascii(`name ${target}`) }]
}

test('I090 no change of either side is lost, whatever they did', async () => {
  const side = fc.uniqueArray(fc.record({ kind: fc.nat(3), target: fc.nat(7) }), {
    maxLength: 4,
    selector: ({ kind, target }) => `${kind} ${kind === 0 ? target : target % 2}`,
  })
  await fc.assert(
    fc.asyncProperty(side, side, fc.nat(3), async (left, right, later) => {
      const [a, b] = await Promise.all(
        [left, right].map((list, i) => {
          const taken = new Set<number>()
          const all = list.flatMap(({ kind, target }) =>
            changeOf(kind, i === 0 ? target : kind === 0 ? target + 100 : target, taken),
          )
          return change(all, now + BigInt(i * later))
        }),
      )
      if (a!.hash.every((byte, i) => byte === b!.hash[i])) return
      const both = await merged(a!, b!)
      const revoked = new Set(both.revoked.map(({ deviceId }) => deviceId.join()))
      for (const from of [a!, b!]) {
        for (const { deviceId } of from.devices) {
          const listed = both.devices.some((one) => one.deviceId.join() === deviceId.join())
          expect(listed || revoked.has(deviceId.join())).toBe(true)
        }
        for (const { deviceId } of from.revoked) expect(revoked.has(deviceId.join())).toBe(true)
      }
    }),
    { numRuns: 40 },
  )
})
