/**
 * Proof that travels with a commit, as AppEphemeral proposals of the components `evidence` and `rotations`: why a member may
 * be removed by somebody without the right to (rule H7), and that a root follows another (rule H3). Checked from the bytes
 * alone, without clock and without the network, so that all members come to the same result.
 */
import { type Bytes, equalBytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { decode, encode, type Infer, nested, struct, uint8, variant, vec } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { AppEphemeral, componentIds, encodeAppEphemeral } from '../wire/app-data.ts'
import type { CustomProposal, Proposal } from '../wire/proposal.ts'
import { draftProposalTypes } from '../wire/registries.ts'
import { boundedOpaque, decodeWithin } from './bounded.ts'
import { proveRotation } from './chain.ts'
import { leafKeyHash } from './device-entry.ts'
import { encodeEvidence, equivocationEvidence, RootCompromised, verifyEvidence as verifyFact } from './evidence.ts'
import type { LeafIdentity } from './group-leaf.ts'
import { identityLimits } from './limits.ts'
import { type VerifiedManifest, verifyManifest } from './manifest.ts'
import { RotationStatement } from './rotation.ts'

const signedManifest = boundedOpaque(identityLimits.manifestBytes, 1)

/** A rotation with the last manifest under the old root, which says what root was announced. */
export const RotationProof = struct({ lastManifest: signedManifest, statement: nested(RotationStatement) })
export type RotationProof = Infer<typeof RotationProof>

/**
 * Why a leaf may go. `revoked`: a manifest of its account names its key as revoked; `rotations` lead from the root of the
 * leaf to that of the manifest. `conflict`: two manifests of one root that cannot both be; when two honest devices
 * may have made them, of which one alone lists the device. `root_compromised`: the root of the leaf says that it is in other
 * hands.
 */
export const RemovalEvidence = variant(
  'kind',
  uint8,
  {
    revoked: [1, { manifest: signedManifest, rotations: vec(RotationProof, 8) }],
    conflict: [2, { first: signedManifest, second: signedManifest }],
    root_compromised: [3, { statement: nested(RootCompromised) }],
  },
  'H7',
)
export type RemovalEvidence = Infer<typeof RemovalEvidence>

/** A change of root whose proof holds, by the Ed25519 halves. */
export interface RootChange {
  readonly account: Bytes
  readonly oldRoot: Bytes
  readonly oldGeneration: number
  readonly newRoot: Bytes
  readonly newGeneration: number
}

/** The type and body of a proposal that carries evidence for a commit. */
export function evidenceProposal(evidence: RemovalEvidence): Omit<CustomProposal, 'proposalType'> {
  return ephemeral(componentIds.evidence, encode(RemovalEvidence, evidence))
}

/** The type and body of a proposal that proves a rotation which the same commit records. */
export function rotationProposal(rotation: RotationProof): Omit<CustomProposal, 'proposalType'> {
  return ephemeral(componentIds.rotations, encode(RotationProof, rotation))
}

/** The data that the proposals of a commit carry for a component, in their order. */
export function ephemeralData(proposals: Iterable<{ readonly proposal: Proposal }>, componentId: number): Bytes[] {
  const found: Bytes[] = []
  for (const { proposal } of proposals) {
    if (proposal.proposalType !== 'custom' || proposal.type !== draftProposalTypes.appEphemeral) continue
    const { componentId: id, data } = decode(AppEphemeral, proposal.body)
    if (id === componentId) found.push(data)
  }
  return found
}

/**
 * The evidence of a commit, checked.
 * @throws `identity_group/evidence` (H7) for any that does not hold; kind `malformed`
 */
export function verifyEvidence(suite: CipherSuite, bytes: Uint8Array): (leaf: LeafIdentity) => boolean {
  const evidence = decodeWithin(RemovalEvidence, bytes, identityLimits.evidenceBytes)
  try {
    switch (evidence.kind) {
      case 'revoked':
        return revoked(suite, evidence)
      case 'conflict':
        return conflict(suite, evidence)
      case 'root_compromised':
        return compromised(suite, evidence)
    }
  } catch (cause) {
    if (cause instanceof MlsError && cause.code === 'identity_group/evidence') throw cause
    throw new MlsError('identity_group/evidence', 'evidence that does not hold', { rule: 'H7', cause })
  }
}

/**
 * A rotation with its proof: signed by both roots, after the last manifest of the old, to the root that manifest announced,
 * if it announced one (I055).
 * @throws `identity_group/rotation` (H3)
 */
export function verifyRotationProof(suite: CipherSuite, { lastManifest, statement }: RotationProof): RootChange {
  const refuse = (cause?: unknown): MlsError =>
    new MlsError('identity_group/rotation', 'a rotation that is not proven', { rule: 'H3', cause })
  try {
    const last = verifyManifest(suite, lastManifest)
    // a reset is no rotation: whoever lost his root is added anew by those who may
    const { rotation } = proveRotation(suite, last, statement)
    if (rotation.lastSeq !== last.seq || !equalBytes(rotation.lastHash, last.hash)) throw refuse()
    return {
      account: last.account,
      oldRoot: last.root.ed25519,
      oldGeneration: last.generation,
      newRoot: statement.newRoot.ed25519,
      newGeneration: statement.newGeneration,
    }
  } catch (cause) {
    if (cause instanceof MlsError && cause.code === 'identity_group/rotation') throw cause
    throw refuse(cause)
  }
}

function revoked(
  suite: CipherSuite,
  { manifest, rotations }: Extract<RemovalEvidence, { kind: 'revoked' }>,
): (leaf: LeafIdentity) => boolean {
  const verified = verifyManifest(suite, manifest)
  const roots = [{ root: verified.root.ed25519, generation: verified.generation }]
  for (const change of rotations.map((one) => verifyRotationProof(suite, one)).reverse()) {
    const newest = roots.at(-1)
    const leads =
      equalBytes(change.account, verified.account) &&
      newest?.generation === change.newGeneration &&
      equalBytes(newest.root, change.newRoot)
    check(leads, 'identity_group/evidence', 'H7', 'rotations that do not lead to the manifest')
    roots.push({ root: change.oldRoot, generation: change.oldGeneration })
  }
  return (leaf) => {
    if (!equalBytes(leaf.account, verified.account) || !stands(leaf, roots)) return false
    const hash = leafKeyHash(suite, leaf.signatureKey)
    return verified.revoked.some((one) => equalBytes(one.deviceId, leaf.deviceId) && equalBytes(one.leafKeyHash, hash))
  }
}

function conflict(
  suite: CipherSuite,
  { first, second }: Extract<RemovalEvidence, { kind: 'conflict' }>,
): (leaf: LeafIdentity) => boolean {
  const [a, b] = [verifyManifest(suite, first), verifyManifest(suite, second)]
  const { account, generation } = a
  const { ed25519: root } = a.root
  const proven = verifyFact(suite, equivocationEvidence(a, b), { account, rootEd25519: root })
  // two honest devices of one owner may publish at once: that speaks against nobody but a device that one of the two lists
  const race = proven.kind !== 'equivocation' || proven.grade === 'race'
  return (leaf) =>
    equalBytes(leaf.account, account) &&
    stands(leaf, [{ root, generation }]) &&
    (!race || lists(a, leaf) !== lists(b, leaf))
}

function compromised(
  suite: CipherSuite,
  { statement }: Extract<RemovalEvidence, { kind: 'root_compromised' }>,
): (leaf: LeafIdentity) => boolean {
  const { account, generation, root } = statement
  const believed = { account, rootEd25519: root.ed25519 }
  verifyFact(suite, encodeEvidence({ version: 1, kind: 'root_compromised', statement }), believed)
  return (leaf) => equalBytes(leaf.account, account) && stands(leaf, [{ root: root.ed25519, generation }])
}

function stands(
  { certificate }: LeafIdentity,
  roots: readonly { readonly root: Uint8Array; readonly generation: number }[],
): boolean {
  const cert = certificate?.cert
  if (cert === undefined) return false
  return roots.some(({ root, generation }) => cert.generation === generation && equalBytes(cert.rootEd25519, root))
}

function lists({ devices }: VerifiedManifest, { deviceId, signatureKey }: LeafIdentity): boolean {
  return devices.some(
    (one) => equalBytes(one.deviceId, deviceId) && one.leafKeys.some((key) => equalBytes(key, signatureKey)),
  )
}

function ephemeral(componentId: number, data: Uint8Array): Omit<CustomProposal, 'proposalType'> {
  return { type: draftProposalTypes.appEphemeral, body: encodeAppEphemeral(componentId, data) }
}
