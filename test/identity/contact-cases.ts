/** One account's history, as its owner, a thief and a server can make it: what contacts are shown in tests. */

import { ascii } from '../../src/bytes/bytes.ts'
import { createAccount, nextManifest } from '../../src/identity/account.ts'
import { rotateRoot } from '../../src/identity/account-root.ts'
import type { ContactObservation } from '../../src/identity/contact.ts'
import type { VerifiedManifest } from '../../src/identity/manifest.ts'
import { verifyManifest } from '../../src/identity/manifest.ts'
import { headOf } from '../../src/identity/manifest-head.ts'
import { mergeManifests } from '../../src/identity/merge.ts'
import { rootHash } from '../../src/identity/root-keys.ts'
import type { VerifiedRotation } from '../../src/identity/rotation.ts'
import { signRotation } from '../../src/identity/rotation.ts'
import { contentOf, device, following, forge, now, person, rootOf, seeded, signed, signerOf, suite } from './fixture.ts'

/** Everything that can be shown. */
export interface Cases {
  readonly line: readonly VerifiedManifest[]
  readonly fork: VerifiedManifest
  readonly merge: VerifiedManifest
  readonly future: VerifiedManifest
  readonly rotated: VerifiedManifest
  readonly rotation: VerifiedRotation
  readonly afterRotation: VerifiedManifest
  readonly thief: VerifiedManifest
  readonly broken: VerifiedRotation
  readonly brokenFirst: VerifiedManifest
  readonly bob: VerifiedManifest
}

export const account = ascii('alice@example.org')

/** Makes the cases. The pin stands at `line[2]` in most tests. */
export async function makeCases(): Promise<Cases> {
  const [r0, r1, r2] = [rootOf('alice', 0), rootOf('alice', 1), rootOf('alice', 2)]
  const ops = signerOf('alice ops 0')
  const phone = {
    deviceId: seeded('phone', 16),
    leafKeys: [signerOf('phone').publicKey],
    flags: 1,
    encLabel: ascii('p'),
  }
  const first = await createAccount(
    suite,
    account,
    { root: r0, nextRootHash: rootHash(suite, r1.root), ops },
    phone,
    now,
  )
  const by = { kind: 'ops', ops, by: phone.deviceId } as const
  const line = [first.manifest]
  for (let i = 1; i < 6; i++) {
    const added = { ...phone, deviceId: seeded(`d${i}`, 16), leafKeys: [seeded(`k${i}`)] }
    const change = { kind: 'add_device', device: added, probation: true } as const
    line.push((await nextManifest(suite, by, line[i - 1]!, [change], now + BigInt(i))).manifest)
  }
  const fork = await signed(
    following(line[1]!, { devices: [...line[1]!.devices, device('thief', 'ghost')], issuedAt: now + 2n }),
    by,
  )
  const merge = await mergeManifests(suite, by, line[1]!, line[2]!, fork)
  const future = await signed(following(line[2]!, { issuedAt: now + 86_400n * 3n, expiresAt: now + 86_400n * 30n }), by)
  const rotate = await rotateRoot(
    suite,
    r0,
    { root: r1, nextRootHash: rootHash(suite, r2.root), ops: signerOf('alice ops 1') },
    line[2]!,
    [],
    now + 9n,
  )
  const by1 = { kind: 'ops', ops: signerOf('alice ops 1'), by: phone.deviceId } as const
  const afterRotation = (await nextManifest(suite, by1, rotate.manifest, [], now + 10n)).manifest
  const thiefKeys = { root: rootOf('thief', 0), nextRootHash: new Uint8Array(32), ops: signerOf('thief ops') }
  const thief = (await createAccount(suite, account, thiefKeys, phone, now)).manifest
  // a thief of the root in use signs a rotation to his own: everything holds but the announcement
  const heir = await person('thief', 1)
  const broken = await signRotation(
    suite,
    { old: r0, next: heir.root },
    {
      account,
      oldGeneration: 0,
      oldRootHash: line[2]!.rootHash,
      newGeneration: 1,
      lastSeq: line[2]!.seq,
      lastHash: line[2]!.hash,
    },
  )
  const brokenContent = contentOf(
    { ...heir, account },
    { ops: undefined, seq: 3n, prevHash: line[2]!.hash, issuedAt: now + 3n, devices: line[2]!.devices },
  )
  const brokenFirst = verifyManifest(suite, await forge(brokenContent, heir.byRoot))
  const bobPerson = await person('bob')
  const bob = await signed(contentOf(bobPerson), bobPerson.byOps)
  return {
    ...{ line, fork, merge, future, afterRotation, thief, broken, brokenFirst, bob },
    rotated: rotate.manifest,
    rotation: rotate.rotation,
  }
}

/** What a server shows: a current manifest and a log. */
export function shown(
  current: VerifiedManifest,
  rotations: readonly VerifiedRotation[] = [],
  manifests: readonly VerifiedManifest[] = [],
): ContactObservation {
  return { kind: 'published', current, log: { manifests, rotations } }
}

/** Every observation that the tests make, by name; the pin stands at `line[2]`. */
export function observations(cases: Cases): Readonly<Record<string, ContactObservation>> {
  const { line, fork, merge, future, rotated, rotation, afterRotation, thief, broken, brokenFirst, bob } = cases
  const own = line[2]!.rootHash
  return {
    same: shown(line[2]!),
    next: shown(line[3]!),
    gap: shown(line[5]!),
    older: shown(line[1]!),
    fork: shown(fork),
    merge: shown(merge),
    future: shown(future),
    rotation: shown(rotated, [rotation]),
    rotationLater: shown(afterRotation, [rotation], [rotated]),
    rotationWithoutStatement: shown(rotated),
    otherRoot: shown(thief),
    brokenRotation: shown(brokenFirst, [broken]),
    otherAccount: shown(bob),
    verifiedSame: { kind: 'verified', rootHash: own },
    verifiedOther: { kind: 'verified', rootHash: thief.rootHash },
    verifiedNext: { kind: 'verified', rootHash: rotated.rootHash },
    invitedSame: { kind: 'invited', rootHash: own },
    invitedOther: { kind: 'invited', rootHash: thief.rootHash },
    compromised: { kind: 'root_compromised', rootHash: own },
    compromisedOther: { kind: 'root_compromised', rootHash: thief.rootHash },
    contradicted: { kind: 'contradicted', manifest: fork },
    contradictedNot: { kind: 'contradicted', manifest: line[1]! },
    contradictedOther: { kind: 'contradicted', manifest: thief },
    acceptOther: { kind: 'accept_root', rootHash: thief.rootHash },
    keep: { kind: 'keep_root' },
    drop: { kind: 'drop_verification' },
    headSame: { kind: 'head', head: headOf(line[2]!), from: 'member' },
    headNewer: { kind: 'head', head: headOf(line[4]!), from: 'account' },
    headOlder: { kind: 'head', head: headOf(line[0]!), from: 'account' },
    headConflict: { kind: 'head', head: headOf(fork), from: 'member' },
    headOtherAccount: { kind: 'head', head: headOf(bob), from: 'member' },
    certificate: { kind: 'certificate', rootEd25519: line[2]!.root.ed25519, generation: 0 },
    certificateNext: { kind: 'certificate', rootEd25519: rotated.root.ed25519, generation: 1 },
    certificateOther: { kind: 'certificate', rootEd25519: thief.root.ed25519, generation: 0 },
  }
}
