/**
 * Facts about an account that can be handed on: bytes that anybody checks, offline, with a root that he believes.
 *
 * | kind | proves | does not prove |
 * |---|---|---|
 * | `equivocation` | the key of the account signed two manifests that one owner cannot have meant | who held the key |
 * | `rollback` | a newer manifest exists than the one that is attached | that somebody showed the older one |
 * | `split_view` | two roots claim one account | which of them is the owner's |
 * | `revocation` | the account revoked a key | – |
 * | `root_compromised` | the root itself says that it is in other hands | who said it |
 */
import { type Bytes, copyBytes, equalBytes } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import { concat, encode, fixed, type Infer, nested, struct, uint8, uint32, uint64, variant } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { AccountName, boundedOpaque, decodeWithin } from './bounded.ts'
import { type ConflictGrade, conflictGrade, linkManifests } from './chain.ts'
import { deviceIdLength, type RevokedEntry } from './device-entry.ts'
import { identityLimits } from './limits.ts'
import { type VerifiedManifest, verifyManifest } from './manifest.ts'
import { compareHeads } from './manifest-head.ts'
import {
  checkRoot,
  RootKeySet,
  RootSignature,
  type RootSigner,
  rootHash,
  signWithRoot,
  verifyRoot,
} from './root-keys.ts'
import { revocationOf } from './standing.ts'

/** What a root signs about itself. `statedAt`: seconds since the Unix epoch. */
const RootCompromisedTbs = struct({
  account: AccountName,
  generation: uint32,
  root: RootKeySet,
  statedAt: uint64,
})
type RootCompromisedTbs = Infer<typeof RootCompromisedTbs>

/** A root's own word that it is in other hands: it can only hurt itself. */
export const RootCompromised = concat(RootCompromisedTbs, struct({ signature: RootSignature }))
export type RootCompromised = Infer<typeof RootCompromised>

const manifestBytes = boundedOpaque(identityLimits.manifestBytes, 1)

/** Evidence as it travels; manifests are their signed bytes. */
export const Evidence = concat(
  struct({ version: uint8 }),
  variant(
    'kind',
    uint8,
    {
      equivocation: [1, { first: manifestBytes, second: manifestBytes }],
      rollback: [2, { newer: manifestBytes, shown: manifestBytes }],
      split_view: [3, { first: manifestBytes, second: manifestBytes }],
      revocation: [
        4,
        {
          manifest: manifestBytes,
          deviceId: fixed(deviceIdLength),
          leafKey: boundedOpaque(identityLimits.leafKeyBytes, 1),
        },
      ],
      root_compromised: [5, { statement: nested(RootCompromised) }],
    },
    'I080',
  ),
)
export type Evidence = Infer<typeof Evidence>

/** What was proven. */
export type ProvenEvidence =
  | {
      readonly kind: 'equivocation'
      readonly first: VerifiedManifest
      readonly second: VerifiedManifest
      /** The rule that the two break together. */
      readonly rule: string
      /** Of a `race` this evidence cannot show whether a later manifest has merged the two. */
      readonly grade: ConflictGrade
    }
  | { readonly kind: 'rollback'; readonly newer: VerifiedManifest; readonly shown: VerifiedManifest }
  | { readonly kind: 'split_view'; readonly first: VerifiedManifest; readonly second: VerifiedManifest }
  | { readonly kind: 'revocation'; readonly manifest: VerifiedManifest; readonly entry: RevokedEntry }
  | { readonly kind: 'root_compromised'; readonly rootHash: Bytes; readonly statedAt: bigint }

/** The root that a reader believes: by hash (32 bytes), or by the Ed25519 key of a leaf where he has no more. */
export type BelievedRoot =
  | { readonly account: Uint8Array; readonly rootHash: Uint8Array }
  | { readonly account: Uint8Array; readonly rootEd25519: Uint8Array }

/** Evidence as bytes. @throws `identity/limit` (I003) */
export function encodeEvidence(evidence: Evidence): Bytes {
  return encode(Evidence, evidence)
}

/** Evidence of two manifests that contradict each other. */
export function equivocationEvidence(first: VerifiedManifest, second: VerifiedManifest): Bytes {
  return encodeEvidence({ version: 1, kind: 'equivocation', first: first.bytes, second: second.bytes })
}

/** Evidence that a key was revoked. @throws `identity/evidence` (I084) when the manifest does not revoke it */
export function revocationEvidence(
  suite: CipherSuite,
  manifest: VerifiedManifest,
  subject: { readonly deviceId: Uint8Array; readonly leafKey: Uint8Array },
): Bytes {
  const entry = revocationOf(suite, manifest, subject)
  check(entry !== undefined, 'identity/evidence', 'I084', 'this key is not revoked')
  return encodeEvidence({
    version: 1,
    kind: 'revocation',
    manifest: manifest.bytes,
    deviceId: copyBytes(subject.deviceId),
    leafKey: copyBytes(subject.leafKey),
  })
}

/** Lets a root say that it is in other hands. `statedAt`: seconds since the Unix epoch. */
export async function stateRootCompromised(
  signer: RootSigner,
  content: Omit<RootCompromisedTbs, 'root'>,
): Promise<RootCompromised> {
  const tbs = { ...content, root: signer.root }
  return { ...tbs, signature: await signWithRoot(signer, 'RootCompromised', encode(RootCompromisedTbs, tbs)) }
}

/**
 * Checks evidence with nothing but its bytes (at most 256 KiB) and the root that the reader believes.
 * @throws `identity/limit` (I003), `identity/version` (I004), `identity/root` (I081 about another account or root),
 * `identity/evidence` (I082 no contradiction, I083 not older or not two roots, I084 not revoked), `identity/signature`
 * (I085), kind `malformed`, and as `verifyManifest`
 */
export function verifyEvidence(suite: CipherSuite, bytes: Uint8Array, believed: BelievedRoot): ProvenEvidence {
  if (bytes.length > 0) check(bytes[0] === 1, 'identity/version', 'I004', 'evidence of another version')
  const evidence = decodeWithin(Evidence, bytes, identityLimits.evidenceBytes)
  switch (evidence.kind) {
    case 'equivocation':
      return provenEquivocation(suite, own(suite, evidence.first, believed), own(suite, evidence.second, believed))
    case 'rollback': {
      const [newer, shown] = [own(suite, evidence.newer, believed), own(suite, evidence.shown, believed)]
      const older = linkManifests(suite, newer, shown).kind === 'older'
      check(older, 'identity/evidence', 'I083', 'evidence of an older manifest that is not older')
      return { kind: 'rollback', newer, shown }
    }
    case 'split_view': {
      const [first, second] = [verifyManifest(suite, evidence.first), verifyManifest(suite, evidence.second)]
      const about = [first, second].every(({ account }) => equalBytes(account, believed.account))
      const mine = isRoot(suite, first.root, believed) || isRoot(suite, second.root, believed)
      check(about && mine, 'identity/root', 'I081', 'evidence about another account or root')
      const split = !equalBytes(first.rootHash, second.rootHash)
      check(split, 'identity/evidence', 'I083', 'evidence of two roots that are one')
      return { kind: 'split_view', first, second }
    }
    case 'revocation': {
      const manifest = own(suite, evidence.manifest, believed)
      const entry = revocationOf(suite, manifest, evidence)
      check(entry !== undefined, 'identity/evidence', 'I084', 'evidence against a key that is not revoked')
      return { kind: 'revocation', manifest, entry }
    }
    case 'root_compromised':
      return provenCompromise(suite, evidence.statement, believed)
  }
}

function provenEquivocation(suite: CipherSuite, a: VerifiedManifest, b: VerifiedManifest): ProvenEvidence {
  const [first, second] = compareHeads(a, b) <= 0 ? [a, b] : [b, a]
  const link = linkManifests(suite, first, second)
  check(link.kind === 'conflict', 'identity/evidence', 'I082', 'evidence of manifests that do not contradict')
  return { kind: 'equivocation', first, second, rule: link.rule, grade: conflictGrade(first, second) }
}

function provenCompromise(suite: CipherSuite, statement: RootCompromised, believed: BelievedRoot): ProvenEvidence {
  const about = equalBytes(statement.account, believed.account) && isRoot(suite, statement.root, believed)
  check(about, 'identity/root', 'I081', 'evidence about another account or root')
  checkRoot(suite, statement.root)
  const content = encode(RootCompromisedTbs, statement)
  const holds = verifyRoot(suite, statement.root, 'RootCompromised', content, statement.signature)
  check(holds, 'identity/signature', 'I085', 'a root did not say this about itself')
  return { kind: 'root_compromised', rootHash: rootHash(suite, statement.root), statedAt: statement.statedAt }
}

function own(suite: CipherSuite, bytes: Uint8Array, believed: BelievedRoot): VerifiedManifest {
  const manifest = verifyManifest(suite, bytes)
  const about = equalBytes(manifest.account, believed.account) && isRoot(suite, manifest.root, believed)
  check(about, 'identity/root', 'I081', 'evidence about another account or root')
  return manifest
}

function isRoot(suite: CipherSuite, root: RootKeySet, believed: BelievedRoot): boolean {
  return 'rootHash' in believed
    ? equalBytes(rootHash(suite, root), believed.rootHash)
    : equalBytes(root.ed25519, believed.rootEd25519)
}
