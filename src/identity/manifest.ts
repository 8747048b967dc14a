/**
 * The manifest: the one list of an account's devices and revocations, numbered, chained by hash, with an end of its
 * freshness, signed by OPS or by the root.
 *
 * Three types, three states of belief: {@link ManifestTbs} is what somebody wants to say, {@link Manifest} what somebody may
 * have said, {@link VerifiedManifest} what the root in it stands for. Whether that root is the right one is the question of
 * the pin (`contact.ts`), whether it follows an older manifest that of the chain (`chain.ts`).
 */
import { type Bytes, copyBytes } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import {
  concat,
  encode,
  fixed,
  type Infer,
  optional,
  struct,
  uint8,
  uint16,
  uint32,
  uint64,
  variant,
  vec,
} from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { Signer } from '../signed/signer.ts'
import { Extension } from '../wire/extension.ts'
import { AccountName, boundedOpaque, decodeWithin } from './bounded.ts'
import { verifyCheckpoint } from './checkpoint.ts'
import { CrossStatements } from './cross-statement.ts'
import { DeviceEntry, RevokedEntry } from './device-entry.ts'
import { identitySignContent, verifyIdentity } from './labels.ts'
import { identityLimits } from './limits.ts'
import { type Checkpoint, checkpointOf, mergedParentsOf } from './manifest-extensions.ts'
import { checkManifestContents } from './manifest-rules.ts'
import { OpsCert, verifyOpsCert } from './ops-cert.ts'
import {
  checkRoot,
  RootKeySet,
  RootSignature,
  type RootSigner,
  rootHash,
  signWithRoot,
  verifyRoot,
} from './root-keys.ts'

/** The version of the structure that this package writes and reads. */
export const manifestVersion = 1

/**
 * What a manifest says. `seq` grows by one; `prevHash` is the {@link manifestHash} before, empty at 0 only. `issuedAt` and
 * `expiresAt`: seconds since the Unix epoch. `nextRootHash`: 32 bytes, the root that may follow this one, zero if not chosen.
 */
export const ManifestTbs = struct({
  version: uint16,
  account: AccountName,
  generation: uint32,
  root: RootKeySet,
  ops: optional(OpsCert),
  seq: uint64,
  prevHash: boundedOpaque(32),
  issuedAt: uint64,
  expiresAt: uint64,
  nextRootHash: fixed(32),
  devices: vec(DeviceEntry, identityLimits.devices),
  revoked: vec(RevokedEntry, identityLimits.revoked),
  others: CrossStatements,
  extensions: vec(Extension, identityLimits.extensions),
})
export type ManifestTbs = Infer<typeof ManifestTbs>

/** A manifest with its signature; decoded and not verified. */
export const Manifest = concat(
  ManifestTbs,
  variant(
    'signer',
    uint8,
    { root: [0, { rootSignature: RootSignature }], ops: [1, { opsSignature: fixed(64) }] },
    'I010',
  ),
)
export type Manifest = Infer<typeof Manifest>

declare const verified: unique symbol

/** What verification finds out, beside that all signatures hold. */
export interface ManifestFacts {
  /** The signed manifest as it came. */
  readonly bytes: Bytes
  /** {@link manifestHash}, 32 bytes. */
  readonly hash: Bytes
  /** {@link rootHash} of its root, 32 bytes. */
  readonly rootHash: Bytes
  readonly checkpoint: Checkpoint | undefined
  /** Hashes of the manifests that it merges. */
  readonly mergedParents: readonly Uint8Array[]
}

/** A manifest that its root stands for; made by {@link verifyManifest} and {@link signManifest} alone. */
export type VerifiedManifest = Manifest & ManifestFacts & { readonly [verified]: true }

/** Who signs: the holder of OPS or of the root. */
export type ManifestSigner =
  | { readonly kind: 'ops'; readonly ops: Signer }
  | { readonly kind: 'root'; readonly root: RootSigner }

/** SHA-256 over the signed manifest, 32 bytes: what the next one names as `prevHash`. */
export function manifestHash(suite: CipherSuite, bytes: Uint8Array): Bytes {
  return suite.hash(bytes)
}

/**
 * Decodes a manifest of at most 64 KiB.
 * @throws `identity/limit` (I003), `identity/version` (I004), `identity/account` (I002), kind `malformed`
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  // another version may have other fields: it is named before the rest is read
  if (bytes.length >= 2)
    check(
      (((bytes[0] as number) << 8) | (bytes[1] as number)) === manifestVersion,
      'identity/version',
      'I004',
      'a manifest of another version',
    )
  return decodeWithin(Manifest, bytes, identityLimits.manifestBytes)
}

/**
 * Decodes and checks a manifest on its own: contents, OPS certificate, checkpoint, signature. Reads no clock.
 * @param bytes at most 64 KiB
 * @throws `identity/limit`, `identity/version`, `identity/account`, `identity/key`, `identity/contents`,
 * `identity/lifetime`, `identity/ops_cert`, `identity/checkpoint`, `identity/signature`, kind `malformed`
 */
export function verifyManifest(suite: CipherSuite, bytes: Uint8Array): VerifiedManifest {
  const manifest = decodeManifest(bytes)
  const facts = checkAll(suite, manifest)
  const content = encode(ManifestTbs, manifest)
  // I010: by the key that it names; an OPS key counts through its certificate alone
  const holds =
    manifest.signer === 'root'
      ? verifyRoot(suite, manifest.root, 'Manifest', content, manifest.rootSignature)
      : manifest.ops !== undefined &&
        verifyIdentity(suite, manifest.ops.opsKey, 'Manifest', content, manifest.opsSignature)
  check(holds, 'identity/signature', 'I010', 'the signature of a manifest does not hold')
  return finish(suite, manifest, copyBytes(bytes), facts)
}

/**
 * Signs a manifest, after the same checks that a reader makes.
 * @throws as {@link verifyManifest}; `identity/signature` (I010) when the signer is not the one that the manifest names
 */
export async function signManifest(
  suite: CipherSuite,
  signer: ManifestSigner,
  content: ManifestTbs,
): Promise<VerifiedManifest> {
  const encoded = encode(ManifestTbs, content)
  const manifest: Manifest =
    signer.kind === 'root'
      ? { ...content, signer: 'root', rootSignature: await signWithRoot(signer.root, 'Manifest', encoded) }
      : {
          ...content,
          signer: 'ops',
          opsSignature: copyBytes(await signer.ops.sign(identitySignContent('Manifest', encoded))),
        }
  return verifyManifest(suite, encode(Manifest, manifest))
}

function checkAll(suite: CipherSuite, manifest: Manifest): Pick<ManifestFacts, 'checkpoint' | 'mergedParents'> {
  checkRoot(suite, manifest.root)
  checkManifestContents(suite, manifest)
  if (manifest.ops !== undefined) verifyOpsCert(suite, manifest.ops, manifest)
  const checkpoint = checkpointOf(manifest)
  if (checkpoint !== undefined) verifyCheckpoint(suite, checkpoint, manifest)
  return { checkpoint, mergedParents: mergedParentsOf(manifest) }
}

function finish(
  suite: CipherSuite,
  manifest: Manifest,
  bytes: Bytes,
  facts: Pick<ManifestFacts, 'checkpoint' | 'mergedParents'>,
): VerifiedManifest {
  const hashes = { hash: manifestHash(suite, bytes), rootHash: rootHash(suite, manifest.root) }
  return { ...manifest, ...facts, ...hashes, bytes } as unknown as VerifiedManifest
}
