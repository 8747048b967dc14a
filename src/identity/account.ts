/**
 * The owner's side: every manifest from the last one, and the certificates that go with it. Nothing is stored or published
 * here; the caller keeps `manifest.bytes`, publishes them, and gives each device its certificates.
 *
 *     createAccount ──> nextManifest (devices, renewal) ──> … what needs the root: account-root.ts
 *                            └─ mergeManifests when two devices published at once: merge.ts
 */
import { type Bytes, copyBytes, equalBytes } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { Signer } from '../signed/signer.ts'
import { applyChanges, entryOf, followingContent, type ManifestChange, type NewDevice } from './account-changes.ts'
import { type DeviceCert, makeOpsDeviceCert, makeRootDeviceCert } from './device-cert.ts'
import { hasFlag } from './device-entry.ts'
import { identityLifetimes } from './limits.ts'
import {
  type ManifestSigner,
  type ManifestTbs,
  manifestVersion,
  signManifest,
  type VerifiedManifest,
} from './manifest.ts'
import { makeOpsCert, type OpsCert } from './ops-cert.ts'
import type { RootSigner } from './root-keys.ts'

/** A certificate for one key of a device, to put into its leaves. */
export interface IssuedCert {
  readonly deviceId: Bytes
  readonly leafKey: Bytes
  readonly cert: DeviceCert
}

/** A manifest to publish and the certificates to hand out. */
export interface Issued {
  readonly manifest: VerifiedManifest
  readonly certificates: readonly IssuedCert[]
}

/** What a new account, or a new generation of one, begins with. */
export interface NewRoot {
  readonly root: RootSigner
  /** `rootHash` of the root after this one, 32 bytes; zeros when none is announced. */
  readonly nextRootHash: Uint8Array
  /** A new operational key. */
  readonly ops: Signer
}

/** A `nextRootHash` for an account that announces no root. */
export const noNextRoot: Bytes = new Uint8Array(32)

/** A certificate for a new OPS key from `notBefore` (seconds since the Unix epoch) for 400 days. @throws `identity/key` (I009) */
export async function opsCertOf(
  suite: CipherSuite,
  { root, ops }: Pick<NewRoot, 'root' | 'ops'>,
  account: Bytes,
  generation: number,
  notBefore: bigint,
): Promise<OpsCert> {
  const notAfter = notBefore + identityLifetimes.opsCertificate
  return makeOpsCert(suite, root, { account, generation, opsKey: copyBytes(ops.publicKey), notBefore, notAfter })
}

/**
 * The first manifest of an account, with one device, which is a steward and not on probation.
 * @param account bytes of the bare JID
 * @param now seconds since the Unix epoch
 * @throws `identity/account` (I002), `identity/key` (I009), and as `signManifest`
 */
export async function createAccount(
  suite: CipherSuite,
  account: Bytes,
  keys: NewRoot,
  device: NewDevice,
  now: bigint,
): Promise<Issued> {
  const ops = await opsCertOf(suite, keys, account, 0, now)
  const content: ManifestTbs = {
    version: manifestVersion,
    account,
    generation: 0,
    root: keys.root.root,
    ops,
    seq: 0n,
    prevHash: new Uint8Array(0),
    issuedAt: now,
    expiresAt: now + identityLifetimes.manifest,
    nextRootHash: copyBytes(keys.nextRootHash),
    devices: [entryOf(device, now, false)],
    revoked: [],
    others: [],
    extensions: [],
  }
  return issue(suite, { kind: 'ops', ops: keys.ops }, content)
}

/** Signs content and certifies all its devices. @throws as `signManifest` */
export async function issue(suite: CipherSuite, signer: ManifestSigner, content: ManifestTbs): Promise<Issued> {
  const manifest = await signManifest(suite, signer, content)
  return { manifest, certificates: await certifyDevices(signer, manifest) }
}

/**
 * Certificates for the keys of devices, as a manifest lists them; of all devices when none are named. Devices with an entry
 * that has ended still get one that has ended: renew them first.
 * @throws `identity/state` (I091) for a device that is not listed or an OPS signer without certificate
 */
export async function certifyDevices(
  signer: ManifestSigner,
  manifest: VerifiedManifest,
  deviceIds: readonly Uint8Array[] = manifest.devices.map(({ deviceId }) => deviceId),
): Promise<readonly IssuedCert[]> {
  const issued: IssuedCert[] = []
  for (const id of deviceIds) {
    const device = manifest.devices.find(({ deviceId }) => equalBytes(deviceId, id))
    check(device !== undefined, 'identity/state', 'I091', 'a device that is not listed')
    for (const leafKey of device.leafKeys) {
      const subject = { account: manifest.account, deviceId: device.deviceId, leafKey }
      const terms = { generation: manifest.generation, manifestSeq: manifest.seq, notAfter: device.notAfter }
      issued.push({ deviceId: device.deviceId, leafKey, cert: await certify(signer, manifest, subject, terms) })
    }
  }
  return issued
}

async function certify(
  signer: ManifestSigner,
  { ops }: VerifiedManifest,
  subject: Parameters<typeof makeRootDeviceCert>[1],
  terms: Parameters<typeof makeRootDeviceCert>[2],
): Promise<DeviceCert> {
  if (signer.kind === 'root') return makeRootDeviceCert(signer.root, subject, terms)
  check(ops !== undefined, 'identity/state', 'I091', 'no OPS certificate to sign under')
  return makeOpsDeviceCert(signer.ops, ops, subject, terms)
}

/** Changes of a device after which it gets new certificates. */
const certified: ReadonlySet<ManifestChange['kind']> = new Set(['renew_device', 'add_key', 'replace_key'])

/**
 * The manifest after `last`, with changes; without any it is made fresh. With OPS, `by` names the device that signs, which
 * must be a steward out of probation (I092). Certificates are made for devices that were added, renewed or got a key.
 * @throws `identity/state` (I091 change, I092 who signs), and as `signManifest`
 */
export async function nextManifest(
  suite: CipherSuite,
  signer: ManifestSigner & { readonly by?: Uint8Array },
  last: VerifiedManifest,
  changes: readonly ManifestChange[],
  now: bigint,
): Promise<Issued> {
  if (signer.kind === 'ops') checkSteward(last, signer.by)
  const manifest = await signManifest(suite, signer, applyChanges(suite, followingContent(last, now), changes))
  const touched = changes.flatMap((change) => {
    if (change.kind === 'add_device') return [change.device.deviceId]
    return certified.has(change.kind) && 'deviceId' in change ? [change.deviceId] : []
  })
  const listed = touched.filter((id, i) => {
    const first = touched.findIndex((one) => equalBytes(one, id)) === i
    return first && manifest.devices.some(({ deviceId }) => equalBytes(deviceId, id))
  })
  return { manifest, certificates: await certifyDevices(signer, manifest, listed) }
}

function checkSteward(last: VerifiedManifest, by: Uint8Array | undefined): void {
  const device = by && last.devices.find(({ deviceId }) => equalBytes(deviceId, by))
  const may = device !== undefined && hasFlag(device, 'steward') && !hasFlag(device, 'probation')
  // whoever steals an unlocked device should not be able to add his own from it at once
  check(may, 'identity/state', 'I092', 'a device that may not change the manifest')
}

/**
 * What a steward should do in silence at `now`: renew itself and the devices that it knows to be in use, end probations,
 * and sign again before the manifest goes stale. `undefined`: nothing is due.
 * @param alive ids of own devices that were seen lately
 */
export function dueChanges(
  manifest: VerifiedManifest,
  alive: readonly Uint8Array[],
  now: bigint,
): readonly ManifestChange[] | undefined {
  const changes = manifest.devices.flatMap((device): ManifestChange[] => {
    const { deviceId } = device
    const renew = device.notAfter < now + identityLifetimes.renewDevice && alive.some((id) => equalBytes(id, deviceId))
    const over = hasFlag(device, 'probation') && now >= device.addedAt + identityLifetimes.probation
    return [
      ...(renew ? [{ kind: 'renew_device', deviceId } as const] : []),
      ...(over ? [{ kind: 'end_probation', deviceId } as const] : []),
    ]
  })
  const stale = manifest.expiresAt < now + identityLifetimes.renewManifest
  return changes.length > 0 || stale ? changes : undefined
}

/** Whether the OPS certificate ends so soon that the root is needed, see `rotateOps`. `now`: seconds since the Unix epoch. */
export function opsDue({ ops }: VerifiedManifest, now: bigint): boolean {
  return ops === undefined || ops.notAfter < now + identityLifetimes.renewOps
}
