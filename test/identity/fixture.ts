/** Accounts with keys from seeds, and manifests that are made by hand, for the tests of identities. */
import { ascii, type Bytes } from '../../src/bytes/bytes.ts'
import { MlsError } from '../../src/bytes/errors.ts'
import { encode } from '../../src/codec/codec.ts'
import { type DeviceEntry, deviceIdLength, type RevokedEntry } from '../../src/identity/device-entry.ts'
import { identitySignContent } from '../../src/identity/labels.ts'
import { identityLifetimes } from '../../src/identity/limits.ts'
import {
  Manifest,
  type ManifestSigner,
  ManifestTbs,
  type VerifiedManifest,
  verifyManifest,
} from '../../src/identity/manifest.ts'
import { makeOpsCert, type OpsCert } from '../../src/identity/ops-cert.ts'
import { type RootSigner, rootHash, rootSeed, rootSigner, signWithRoot } from '../../src/identity/root-keys.ts'
import { keySigner, type SyncSigner } from '../../src/signed/signer.ts'
import { openSuite } from '../support/suite.ts'

export const suite = openSuite(1)
/** A time, in seconds since the Unix epoch. */
export const now = 1_800_000_000n
export const day = 86_400n

/** Bytes that depend on a name, for keys and ids. */
export function seeded(name: string, length = 32): Bytes {
  return suite.expand(suite.hash(ascii(name)), ascii('test'), length)
}

/** A signature key of a name. */
export function signerOf(name: string): SyncSigner {
  return keySigner(suite, seeded(name))
}

/** The root of a person in a generation. */
export function rootOf(person: string, generation = 0, hybrid = false): RootSigner {
  return rootSigner(suite, rootSeed(suite, seeded(person, 20), generation), hybrid)
}

/** A device of a person. */
export function device(person: string, name: string, changes: Partial<DeviceEntry> = {}): DeviceEntry {
  return {
    deviceId: seeded(`${person} id ${name}`, deviceIdLength),
    leafKeys: changes.leafKeys ?? [signerOf(`${person} leaf ${name}`).publicKey],
    addedAt: now,
    notAfter: now + identityLifetimes.device,
    flags: 1,
    encLabel: ascii(name),
    ...changes,
  }
}

/** The revocation of the first key of a device. */
export function revocation(entry: DeviceEntry, changes: Partial<RevokedEntry> = {}): RevokedEntry {
  return {
    deviceId: entry.deviceId,
    leafKeyHash: suite.hash(entry.leafKeys[0]!),
    reason: 'lost',
    effectiveSeq: 0n,
    effectiveTime: now,
    ...changes,
  }
}

/** Keys of a person in one generation. */
export interface Person {
  readonly account: Bytes
  readonly generation: number
  readonly root: RootSigner
  readonly next: RootSigner
  readonly ops: SyncSigner
  readonly cert: OpsCert
  readonly byOps: ManifestSigner
  readonly byRoot: ManifestSigner
}

/** All keys of a person, made from the name. */
export async function person(name: string, generation = 0, hybrid = false): Promise<Person> {
  const account = ascii(`${name}@example.org`)
  const root = rootOf(name, generation, hybrid)
  const next = rootOf(name, generation + 1, hybrid)
  const ops = signerOf(`${name} ops ${generation}`)
  const cert = await makeOpsCert(suite, root, {
    account,
    generation,
    opsKey: ops.publicKey,
    notBefore: now - day,
    notAfter: now + 399n * day,
  })
  return { account, generation, root, next, ops, cert, byOps: { kind: 'ops', ops }, byRoot: { kind: 'root', root } }
}

/** What the first manifest of a person says. */
export function contentOf(of: Person, changes: Partial<ManifestTbs> = {}): ManifestTbs {
  return {
    version: 1,
    account: of.account,
    generation: of.generation,
    root: of.root.root,
    ops: of.cert,
    seq: 0n,
    prevHash: new Uint8Array(0),
    issuedAt: now,
    expiresAt: now + identityLifetimes.manifest,
    nextRootHash: rootHash(suite, of.next.root),
    devices: [device('someone', 'phone')],
    revoked: [],
    others: [],
    extensions: [],
    ...changes,
  }
}

/** A manifest that is signed whatever it says: what an owner of keys can make, whether we would or not. */
export async function forge(content: ManifestTbs, signer: ManifestSigner): Promise<Bytes> {
  const encoded = encode(ManifestTbs, content)
  if (signer.kind === 'root')
    return encode(Manifest, {
      ...content,
      signer: 'root',
      rootSignature: await signWithRoot(signer.root, 'Manifest', encoded),
    })
  const opsSignature = (await signer.ops.sign(identitySignContent('Manifest', encoded))) as Bytes
  return encode(Manifest, { ...content, signer: 'ops', opsSignature })
}

/** The content after a manifest of a person, with changes. */
export function following(last: VerifiedManifest, changes: Partial<ManifestTbs> = {}): ManifestTbs {
  const { version, account, generation, root, ops, nextRootHash, devices, revoked, others, extensions } = last
  return {
    ...{ version, account, generation, root, ops, nextRootHash, devices, revoked, others, extensions },
    seq: last.seq + 1n,
    prevHash: last.hash,
    issuedAt: last.issuedAt + 1n,
    expiresAt: last.issuedAt + identityLifetimes.manifest,
    ...changes,
  }
}

/** Signs without our own rules of the chain, checks like any reader. */
export async function signed(content: ManifestTbs, signer: ManifestSigner): Promise<VerifiedManifest> {
  return verifyManifest(suite, await forge(content, signer))
}

/** The rule that something breaks, or its code; `none` when it passes. */
export async function ruleOf(work: () => unknown): Promise<string> {
  try {
    await work()
  } catch (error) {
    if (error instanceof MlsError) return error.rule ?? error.code
    throw error
  }
  return 'none'
}

/** The code of the error that something throws; `none` when it passes. */
export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work()
  } catch (error) {
    if (error instanceof MlsError) return error.code
    throw error
  }
  return 'none'
}
