/**
 * The owner's side with the root in hand: OPS, generations, recovery, pruning.
 *
 *     rotateOps: after the loss of a steward             recoverAccount: rotateRoot with the recovery secret, and only
 *     rotateRoot: the announced root takes over                          the devices that are kept
 *     pruneRevocations: the list forgets                 resetAccount: a new root that nothing proves
 */
import { copyBytes, equalBytes } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { type Issued, issue, type NewRoot, opsCertOf } from './account.ts'
import { applyChanges, followingContent, type ManifestChange, type NewDevice } from './account-changes.ts'
import { makeCheckpoint } from './checkpoint.ts'
import { isDatedAhead } from './dated-ahead.ts'
import type { RevocationReason } from './device-entry.ts'
import { identityLifetimes } from './limits.ts'
import { type ManifestSigner, type ManifestTbs, signManifest, type VerifiedManifest } from './manifest.ts'
import { manifestExtensionTypes, withCheckpoint } from './manifest-extensions.ts'
import type { RootSigner } from './root-keys.ts'
import { rotationStrength, signRotation, type VerifiedRotation } from './rotation.ts'
import { earliest, latest } from './times.ts'

/** A change of root to publish: the statement first, then the manifest. */
export interface IssuedRotation extends Issued {
  readonly rotation: VerifiedRotation
}

/**
 * Replaces the operational key, as after the loss of a steward: the old key certifies nothing any more in the eyes of who
 * saw this manifest (I038). All devices get new certificates.
 * @throws `identity/state` (I091), `identity/key` (I009), and as `signManifest`
 */
export async function rotateOps(
  suite: CipherSuite,
  keys: Pick<NewRoot, 'root' | 'ops'>,
  last: VerifiedManifest,
  changes: readonly ManifestChange[],
  now: bigint,
): Promise<Issued> {
  const notBefore = latest(now, last.issuedAt, (last.ops?.notBefore ?? -1n) + 1n)
  const ops = await opsCertOf(suite, keys, last.account, last.generation, notBefore)
  const following = followingContent({ ...last, ops }, notBefore)
  const content = applyChanges(suite, following, changes)
  return issue(suite, { kind: 'ops', ops: keys.ops }, content)
}

/**
 * Changes the root. The statement is signed by both; the new root must be the one that was announced, if one was.
 * @param keys of the new generation
 * @throws `identity/rotation` (I055) for a root that was not announced, (I054) for the same root, and as `signManifest`
 */
export async function rotateRoot(
  suite: CipherSuite,
  old: RootSigner,
  keys: NewRoot,
  last: VerifiedManifest,
  changes: readonly ManifestChange[],
  now: bigint,
): Promise<IssuedRotation> {
  const rotation = await signRotation(suite, { old, next: keys.root }, rotationContent(last), last.root)
  const strength = rotationStrength(rotation, last.nextRootHash)
  check(strength !== 'broken', 'identity/rotation', 'I055', 'this generation announced another root')
  const first = await firstOfGeneration(suite, keys, last, latest(now, last.issuedAt))
  const content = applyChanges(suite, first, changes)
  return { rotation, ...(await issue(suite, { kind: 'ops', ops: keys.ops }, content)) }
}

function rotationContent(last: VerifiedManifest): Parameters<typeof signRotation>[2] {
  return {
    account: last.account,
    oldGeneration: last.generation,
    oldRootHash: last.rootHash,
    newGeneration: last.generation + 1,
    lastSeq: last.seq,
    lastHash: last.hash,
  }
}

async function firstOfGeneration(
  suite: CipherSuite,
  keys: NewRoot,
  last: VerifiedManifest,
  issuedAt: bigint,
): Promise<ManifestTbs> {
  const generation = last.generation + 1
  const ops = await opsCertOf(suite, keys, last.account, generation, issuedAt)
  const content = followingContent({ ...last, ops }, issuedAt)
  const extensions = content.extensions.filter(
    ({ extensionType }) => extensionType !== manifestExtensionTypes.checkpoint,
  )
  const { checkpoint } = last
  // the permission to have pruned goes along, by the word of the new root
  const renewed =
    checkpoint &&
    (await makeCheckpoint(keys.root, {
      account: last.account,
      generation,
      prunedThrough: checkpoint.prunedThrough,
    }))
  return {
    ...content,
    generation,
    root: keys.root.root,
    nextRootHash: copyBytes(keys.nextRootHash),
    extensions: renewed === undefined ? extensions : withCheckpoint(extensions, renewed),
  }
}

/** What is kept and what begins in a recovery or reset. */
export interface Survivors {
  /** Ids of devices that stay. */
  readonly keep: readonly Uint8Array[]
  /** The device in hand, if it is new. */
  readonly device: NewDevice | undefined
  /** Why the others go. */
  readonly reason: Exclude<RevocationReason, 'superseded'>
}

function survivorChanges(last: VerifiedManifest, { keep, device, reason }: Survivors): ManifestChange[] {
  const gone = last.devices.filter(({ deviceId }) => !keep.some((id) => equalBytes(id, deviceId)))
  return [
    ...gone.map(({ deviceId }) => ({ kind: 'remove_device', deviceId, reason }) as const),
    ...(device === undefined ? [] : [{ kind: 'add_device', device, probation: false } as const]),
  ]
}

/** A manifest as if its dates ended today, where they are ahead of the clock. */
function withoutDatesAhead(last: VerifiedManifest, now: bigint): VerifiedManifest {
  if (!isDatedAhead(last, now)) return last
  const devices = last.devices.map((device) => ({
    ...device,
    addedAt: earliest(device.addedAt, now),
    notAfter: earliest(device.notAfter, now + identityLifetimes.device),
  }))
  return { ...last, issuedAt: now, devices }
}

/**
 * Recovers an account with the recovery secret: the announced root takes over, and every device that is not kept is revoked.
 * `last` is the newest manifest that the server shows, even one that a thief of OPS published. Of one that is dated ahead,
 * which no contact has taken, the dates are not continued (`recoveryBase` gives a better one where there is any).
 * @throws `identity/rotation` (I055) unless `keys.root` is the root that was announced, and as `signManifest`
 */
export async function recoverAccount(
  suite: CipherSuite,
  old: RootSigner,
  keys: NewRoot,
  last: VerifiedManifest,
  survivors: Survivors,
  now: bigint,
): Promise<IssuedRotation> {
  const from = withoutDatesAhead(last, now)
  const issued = await rotateRoot(suite, old, keys, from, survivorChanges(last, survivors), now)
  const strong = rotationStrength(issued.rotation, last.nextRootHash) === 'strong'
  check(strong, 'identity/rotation', 'I055', 'no root was announced that could recover this account')
  return issued
}

/**
 * A new root without the old: the recovery secret is lost. Nothing proves it, so contacts see `CHANGED` until they compare
 * again. Without a last manifest use {@link createAccount}.
 * @throws `identity/rotation` (I054), and as `signManifest`
 */
export async function resetAccount(
  suite: CipherSuite,
  keys: NewRoot,
  last: VerifiedManifest,
  survivors: Survivors,
  now: bigint,
): Promise<IssuedRotation> {
  const rotation = await signRotation(suite, { old: undefined, next: keys.root }, rotationContent(last), undefined)
  const from = withoutDatesAhead(last, now)
  const first = await firstOfGeneration(suite, keys, from, latest(now, from.issuedAt))
  const content = applyChanges(suite, first, survivorChanges(last, survivors))
  return { rotation, ...(await issue(suite, { kind: 'ops', ops: keys.ops }, content)) }
}

/**
 * The highest manifest number through which revocations can be dropped at `now`: every certificate that they are about has
 * ended. `undefined` when there is nothing to drop.
 */
export function prunableThrough(manifest: VerifiedManifest, now: bigint): bigint | undefined {
  const ended = ({ effectiveTime }: { readonly effectiveTime: bigint }) =>
    effectiveTime + identityLifetimes.maxCertificate < now
  const fresh = manifest.revoked.filter((entry) => !ended(entry)).map(({ effectiveSeq }) => effectiveSeq)
  const old = manifest.revoked.map(({ effectiveSeq }) => effectiveSeq).filter((seq) => fresh.every((one) => one > seq))
  const [first, ...others] = old
  return first === undefined ? undefined : latest(first, ...others)
}

/**
 * A manifest without the revocations that took effect up to `through`, with the root's permission for it.
 * @param signer who signs the manifest; the permission is signed by `root`
 * @throws `identity/checkpoint` (I022) for a number that is still to come, (I037) below the last checkpoint; `signManifest`
 */
export async function pruneRevocations(
  suite: CipherSuite,
  root: RootSigner,
  signer: ManifestSigner,
  last: VerifiedManifest,
  through: bigint,
  now: bigint,
): Promise<VerifiedManifest> {
  const before = last.checkpoint?.prunedThrough ?? -1n
  check(through >= before, 'identity/checkpoint', 'I037', 'a checkpoint below the last one')
  const { account, generation } = last
  const checkpoint = await makeCheckpoint(root, { account, generation, prunedThrough: through })
  const content = followingContent(last, now)
  return signManifest(suite, signer, {
    ...content,
    revoked: content.revoked.filter(({ effectiveSeq }) => effectiveSeq > through),
    extensions: withCheckpoint(content.extensions, checkpoint),
  })
}
