/** The owner's side: every step, read by a contact that believes nothing but the rules. */
import { beforeAll, describe, expect, test } from 'vitest'
import { ascii, type Bytes } from '../../src/bytes/bytes.ts'
import {
  certifyDevices,
  createAccount,
  dueChanges,
  type Issued,
  nextManifest,
  noNextRoot,
  opsDue,
} from '../../src/identity/account.ts'
import type { ManifestChange, NewDevice } from '../../src/identity/account-changes.ts'
import {
  prunableThrough,
  pruneRevocations,
  recoverAccount,
  resetAccount,
  rotateOps,
  rotateRoot,
} from '../../src/identity/account-root.ts'
import { linkManifests } from '../../src/identity/chain.ts'
import { advance } from '../../src/identity/contact.ts'
import { contactState, unknownContact } from '../../src/identity/contact-state.ts'
import { verifyDeviceCert } from '../../src/identity/device-cert.ts'
import { deviceFlags, hasFlag, leafKeyHash } from '../../src/identity/device-entry.ts'
import type { VerifiedManifest } from '../../src/identity/manifest.ts'
import { auditOwn } from '../../src/identity/own-manifest.ts'
import { rootHash } from '../../src/identity/root-keys.ts'
import { deviceStanding } from '../../src/identity/standing.ts'
import { day, now, rootOf, ruleOf, seeded, signerOf, suite } from './fixture.ts'

const account = ascii('alice@example.org')
const [r0, r1, r2] = [rootOf('alice', 0), rootOf('alice', 1), rootOf('alice', 2)]
const ops = signerOf('alice ops')
const newDevice = (name: string, flags: number = deviceFlags.steward): NewDevice => ({
  deviceId: seeded(`id ${name}`, 16),
  leafKeys: [signerOf(name).publicKey],
  flags,
  encLabel: ascii(name),
})
const phone = newDevice('phone')
const laptop = newDevice('laptop')
const byPhone = { kind: 'ops', ops, by: phone.deviceId } as const
let first: Issued
let both: Issued
beforeAll(async () => {
  first = await createAccount(suite, account, { root: r0, nextRootHash: rootHash(suite, r1.root), ops }, phone, now)
  both = await nextManifest(
    suite,
    byPhone,
    first.manifest,
    [{ kind: 'add_device', device: laptop, probation: true }],
    now,
  )
})

const next = (changes: readonly ManifestChange[], at = now, last = both.manifest) =>
  nextManifest(suite, byPhone, last, changes, at)
const follows = (a: VerifiedManifest, b: VerifiedManifest) => linkManifests(suite, a, b)
const good = { kind: 'next', gap: false, merged: false }

/** Every certificate verifies for its device and stands under its manifest. */
function checkCertificates({ manifest, certificates }: Issued): void {
  for (const { deviceId, leafKey, cert } of certificates) {
    const subject = { account: manifest.account, deviceId, leafKey }
    verifyDeviceCert(suite, subject, cert)
    expect(deviceStanding(suite, manifest, subject, cert)).toEqual({ kind: 'listed' })
  }
}

describe('days', () => {
  test('create and add: certificates for whom they are', () => {
    expect(first.manifest.seq).toBe(0n)
    expect(hasFlag(first.manifest.devices[0]!, 'probation')).toBe(false)
    expect(follows(first.manifest, both.manifest)).toEqual(good)
    expect(first.certificates.map(({ deviceId }) => deviceId)).toEqual([phone.deviceId])
    expect(both.certificates.map(({ deviceId }) => deviceId)).toEqual([laptop.deviceId])
    for (const issued of [first, both]) checkCertificates(issued)
    expect(hasFlag(both.manifest.devices[1]!, 'probation')).toBe(true)
  })
  test('I091 changes of devices that are not there, or were', async () => {
    const other = seeded('nobody', 16)
    const bad: ManifestChange[] = [
      { kind: 'renew_device', deviceId: other },
      { kind: 'end_probation', deviceId: other },
      { kind: 'relabel', deviceId: other, encLabel: ascii('x') },
      { kind: 'set_flags', deviceId: other, flags: 0 },
      { kind: 'remove_device', deviceId: other, reason: 'lost' },
      { kind: 'replace_key', deviceId: phone.deviceId, oldKey: seeded('x'), newKey: seeded('y') },
      { kind: 'add_device', device: laptop, probation: true },
      { kind: 'announce_root', rootHash: seeded('x') },
    ]
    for (const change of bad) expect(await ruleOf(() => next([change]))).toBe('I091')
    const gone = await next([{ kind: 'remove_device', deviceId: laptop.deviceId, reason: 'lost' }])
    const again = { kind: 'add_device', device: { ...laptop, leafKeys: [seeded('z')] }, probation: true } as const
    expect(await ruleOf(() => next([again], now, gone.manifest))).toBe('I091')
    expect(await ruleOf(() => certifyDevices(byPhone, both.manifest, [other]))).toBe('I091')
    // OPS certifies nothing where the root took it away
    const { ops: _, ...rest } = both.manifest
    const bare = { ...rest, ops: undefined } as typeof both.manifest
    expect(await ruleOf(() => certifyDevices(byPhone, bare))).toBe('I091')
  })
  test('I092 who may change: a listed steward out of probation', async () => {
    const plain = await next([{ kind: 'add_device', device: newDevice('tv', 0), probation: false }])
    for (const by of [laptop.deviceId, newDevice('tv').deviceId, seeded('nobody', 16), undefined])
      expect(await ruleOf(() => nextManifest(suite, { ...byPhone, by: by as Bytes }, plain.manifest, [], now))).toBe(
        'I092',
      )
    expect(await ruleOf(() => nextManifest(suite, byPhone, plain.manifest, [], now))).toBe('none')
    // the root needs no device
    expect(await ruleOf(() => nextManifest(suite, { kind: 'root', root: r0 }, plain.manifest, [], now))).toBe('none')
  })
  test('keys, names, flags, statements', async () => {
    const newKey = signerOf('phone 2').publicKey
    const changed = await next([
      { kind: 'replace_key', deviceId: phone.deviceId, oldKey: phone.leafKeys[0]!, newKey },
      { kind: 'relabel', deviceId: phone.deviceId, encLabel: ascii('new') },
      { kind: 'set_flags', deviceId: laptop.deviceId, flags: deviceFlags.bot },
      { kind: 'set_others', others: [{ kind: 3, id: new Uint8Array(0), value: seeded('xid') }] },
    ])
    expect(follows(both.manifest, changed.manifest)).toEqual(good)
    expect(changed.manifest.revoked).toMatchObject([{ reason: 'superseded', deviceId: phone.deviceId }])
    expect(changed.manifest.devices[0]).toMatchObject({ leafKeys: [newKey], encLabel: ascii('new') })
    checkCertificates(changed)
    const old = { account, deviceId: phone.deviceId, leafKey: phone.leafKeys[0]! }
    expect(deviceStanding(suite, changed.manifest, old, first.certificates[0]!.cert)).toMatchObject({ kind: 'revoked' })
  })
  test('an announcement, once', async () => {
    const silent = await createAccount(suite, account, { root: r0, nextRootHash: noNextRoot, ops }, phone, now)
    const announced = await next([{ kind: 'announce_root', rootHash: seeded('next') }], now, silent.manifest)
    expect(follows(silent.manifest, announced.manifest)).toEqual(good)
    expect(announced.manifest.nextRootHash).toEqual(seeded('next'))
  })
  test('retire, lose: revoked with all keys, and never silent', async () => {
    const gone = await next([{ kind: 'remove_device', deviceId: laptop.deviceId, reason: 'compromised' }])
    expect(follows(both.manifest, gone.manifest)).toEqual(good)
    const subject = { account, deviceId: laptop.deviceId, leafKey: laptop.leafKeys[0]! }
    expect(deviceStanding(suite, gone.manifest, subject, both.certificates[0]!.cert)).toMatchObject({
      kind: 'revoked',
      entry: { reason: 'compromised', leafKeyHash: leafKeyHash(suite, laptop.leafKeys[0]!) },
    })
  })
  test('silent renewal: what is due, when', async () => {
    const { manifest } = both
    const alive = [phone.deviceId]
    expect(dueChanges(manifest, alive, now)).toBeUndefined()
    expect(dueChanges(manifest, alive, now + day)).toEqual([{ kind: 'end_probation', deviceId: laptop.deviceId }])
    const active = (await next([{ kind: 'end_probation', deviceId: laptop.deviceId }], now + day)).manifest
    expect(dueChanges(active, alive, now + 11n * day)).toBeUndefined()
    expect(dueChanges(active, alive, now + 11n * day + 1n)).toEqual([])
    const late = now + 90n * day + 1n
    const due = dueChanges(active, alive, late)!
    expect(due).toEqual([{ kind: 'renew_device', deviceId: phone.deviceId }])
    const renewed = await next(due, late, active)
    expect(follows(active, renewed.manifest)).toEqual(good)
    expect(renewed.manifest.devices[0]!.notAfter).toBe(late + 180n * day)
    checkCertificates(renewed)
    expect(opsDue(manifest, now + 340n * day)).toBe(false)
    expect(opsDue(manifest, now + 340n * day + 1n)).toBe(true)
  })
  test('a clock that is behind does not go back', async () => {
    const behind = await next([], now - 5n * day)
    expect(follows(both.manifest, behind.manifest)).toEqual(good)
    expect(behind.manifest.issuedAt).toBe(both.manifest.issuedAt)
  })
})

describe('with the root', () => {
  test('another OPS key: all devices are certified anew, the old key is worth nothing', async () => {
    const newOps = signerOf('alice ops 2')
    const changed = await rotateOps(
      suite,
      { root: r0, ops: newOps },
      both.manifest,
      [{ kind: 'remove_device', deviceId: laptop.deviceId, reason: 'lost' }],
      now,
    )
    expect(follows(both.manifest, changed.manifest)).toEqual(good)
    expect(changed.certificates).toHaveLength(1)
    checkCertificates(changed)
    const subject = { account, deviceId: phone.deviceId, leafKey: phone.leafKeys[0]! }
    const standing = deviceStanding(suite, changed.manifest, subject, first.certificates[0]!.cert)
    expect(standing).toEqual({ kind: 'old_ops' })
    // whoever kept the old key goes on from before: everybody who saw the change refuses it
    const thief = await next([])
    expect(linkManifests(suite, changed.manifest, (await next([], now, thief.manifest)).manifest)).toMatchObject({
      kind: 'conflict',
    })
  })
  test('I054 I055 the next root, announced', async () => {
    const keys = { root: r1, nextRootHash: rootHash(suite, r2.root), ops: signerOf('ops g1') }
    const rotated = await rotateRoot(suite, r0, keys, both.manifest, [], now)
    expect(rotated.manifest).toMatchObject({ generation: 1, seq: 2n })
    expect(rotated.certificates).toHaveLength(2)
    checkCertificates(rotated)
    expect(await ruleOf(() => rotateRoot(suite, r0, { ...keys, root: r2 }, both.manifest, [], now))).toBe('I055')
    expect(await ruleOf(() => rotateRoot(suite, r0, { ...keys, root: r0 }, both.manifest, [], now))).toBe('I054')
  })
  test('I055 recovery: the devices that are kept, and a contact that asks nothing', async () => {
    let pin = advance(suite, unknownContact(account), { kind: 'published', current: both.manifest }, now).pin
    pin = advance(suite, pin, { kind: 'verified', rootHash: both.manifest.rootHash }, now).pin
    // a thief of OPS adds his own, and the contact believes it for now
    const ghost = await next([{ kind: 'add_device', device: newDevice('ghost'), probation: false }])
    pin = advance(suite, pin, { kind: 'published', current: ghost.manifest }, now).pin
    const keys = { root: r1, nextRootHash: rootHash(suite, r2.root), ops: signerOf('ops g1') }
    for (const seen of [both.manifest, ghost.manifest]) {
      const survivors = { keep: [phone.deviceId], device: newDevice('tablet'), reason: 'compromised' } as const
      const back = await recoverAccount(suite, r0, keys, seen, survivors, now)
      expect(back.manifest.devices.map(({ deviceId }) => deviceId)).toEqual([
        phone.deviceId,
        newDevice('tablet').deviceId,
      ])
      checkCertificates(back)
      const log = { manifests: [], rotations: [back.rotation] }
      const after = advance(suite, pin, { kind: 'published', current: back.manifest, log }, now)
      expect(contactState(after.pin, now)).toBe('VERIFIED')
      expect(after.findings.map(({ kind }) => kind)).toContain('device_removed')
    }
    const silent = await createAccount(suite, account, { root: r0, nextRootHash: noNextRoot, ops }, phone, now)
    const all = { keep: [], device: newDevice('tablet'), reason: 'lost' } as const
    expect(await ruleOf(() => recoverAccount(suite, r0, keys, silent.manifest, all, now))).toBe('I055')
  })
  test('reset: a new root that contacts must look at', async () => {
    const pin = advance(suite, unknownContact(account), { kind: 'published', current: both.manifest }, now).pin
    const fresh = rootOf('alice again', 1)
    const keys = { root: fresh, nextRootHash: noNextRoot, ops: signerOf('ops again') }
    const survivors = { keep: [], device: newDevice('tablet'), reason: 'lost' } as const
    const reset = await resetAccount(suite, keys, both.manifest, survivors, now)
    expect(reset.rotation.provenByOld).toBe(false)
    expect(reset.manifest.revoked).toHaveLength(2)
    const log = { manifests: [], rotations: [reset.rotation] }
    const after = advance(suite, pin, { kind: 'published', current: reset.manifest, log }, now)
    expect(contactState(after.pin, now)).toBe('CHANGED')
    expect(after.pin.head).toBe(both.manifest)
  })
  test('I037 pruning: with the root, what has ended, and contacts who were away', async () => {
    const gone = await next([{ kind: 'remove_device', deviceId: laptop.deviceId, reason: 'lost' }])
    expect(prunableThrough(gone.manifest, now)).toBeUndefined()
    expect(prunableThrough(gone.manifest, now + 400n * day)).toBeUndefined()
    expect(prunableThrough(gone.manifest, now + 400n * day + 1n)).toBe(2n)
    const pruned = await pruneRevocations(suite, r0, byPhone, gone.manifest, 2n, now + day)
    expect(pruned.revoked).toEqual([])
    expect(follows(gone.manifest, pruned)).toEqual(good)
    const later = await next([], now + 2n * day, pruned)
    expect(later.manifest.checkpoint?.prunedThrough).toBe(2n)
    for (const away of [first.manifest, both.manifest, gone.manifest])
      expect(follows(away, later.manifest)).toMatchObject({ kind: 'next' })
    expect(await ruleOf(() => pruneRevocations(suite, r0, byPhone, pruned, 1n, now))).toBe('I037')
    expect(await ruleOf(() => pruneRevocations(suite, r0, byPhone, pruned, 9n, now))).toBe('I022')
    expect(await ruleOf(() => pruneRevocations(suite, r1, byPhone, gone.manifest, 2n, now))).toBe('I021')
    // the permission goes along into the next generation
    const keys = { root: r1, nextRootHash: rootHash(suite, r2.root), ops: signerOf('ops g1') }
    const rotated = await rotateRoot(suite, r0, keys, later.manifest, [], now + 3n * day)
    expect(rotated.manifest.checkpoint).toMatchObject({ generation: 1, prunedThrough: 2n })
  })
})

describe('standing of a leaf', () => {
  test('I045 I046 listed, newer, unlisted, revoked, of an old or another root', async () => {
    const subject = { account, deviceId: laptop.deviceId, leafKey: laptop.leafKeys[0]! }
    const { cert } = both.certificates[0]!
    expect(deviceStanding(suite, both.manifest, subject, cert).kind).toBe('listed')
    expect(deviceStanding(suite, first.manifest, subject, cert).kind).toBe('newer')
    const stranger = { ...subject, deviceId: seeded('x', 16) }
    expect(deviceStanding(suite, both.manifest, stranger, cert).kind).toBe('unlisted')
    expect(deviceStanding(suite, both.manifest, { ...subject, leafKey: seeded('x') }, cert).kind).toBe('unlisted')
    const keys = { root: r1, nextRootHash: noNextRoot, ops: signerOf('ops g1') }
    const rotated = await rotateRoot(suite, r0, keys, both.manifest, [], now)
    expect(deviceStanding(suite, rotated.manifest, subject, cert).kind).toBe('old_root')
    const later = { ...cert, rootEd25519: rootOf('bob').root.ed25519 }
    expect(deviceStanding(suite, both.manifest, subject, later).kind).toBe('other_root')
    // a revocation outlives the root
    const gone = await next([{ kind: 'remove_device', deviceId: laptop.deviceId, reason: 'lost' }])
    const after = await rotateRoot(suite, r0, keys, gone.manifest, [], now)
    expect(deviceStanding(suite, after.manifest, subject, cert).kind).toBe('revoked')
    // the key of a revoked device under another id, and another key of a revoked device
    expect(deviceStanding(suite, gone.manifest, stranger, cert).kind).toBe('revoked')
    expect(deviceStanding(suite, gone.manifest, { ...subject, leafKey: seeded('y') }, cert).kind).toBe('revoked')
    const ahead = { ...cert, opsKey: signerOf('new').publicKey, opsNotBefore: now + 5n } as typeof cert
    expect(deviceStanding(suite, both.manifest, subject, ahead).kind).toBe('newer')
  })
})

test('the self-audit', async () => {
  const a = (await next([], now + 1n)).manifest
  const b = (await next([{ kind: 'end_probation', deviceId: laptop.deviceId }], now + 1n)).manifest
  const a2 = (await next([], now + 2n, a)).manifest
  const history = [first.manifest, both.manifest]
  expect(auditOwn(suite, a, a, history)).toEqual({ kind: 'same' })
  expect(auditOwn(suite, a, a2, history)).toEqual({ kind: 'adopt' })
  expect(auditOwn(suite, a, both.manifest, history)).toEqual({ kind: 'republish' })
  expect(auditOwn(suite, a, b, history)).toEqual({ kind: 'merge', base: both.manifest })
  expect(auditOwn(suite, a2, b, [...history, a])).toEqual({ kind: 'merge', base: both.manifest })
  expect(auditOwn(suite, a, b, [])).toEqual({ kind: 'conflict', rule: 'I031' })
  const keys = { root: r1, nextRootHash: noNextRoot, ops: signerOf('ops g1') }
  const rotated = await rotateRoot(suite, r0, keys, both.manifest, [], now)
  expect(auditOwn(suite, a, rotated.manifest, history)).toEqual({ kind: 'other_root' })
})
