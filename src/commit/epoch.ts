/**
 * An epoch is a value: what a member knows in one epoch. Creating or staging a commit computes another value; merging is
 * assignment. The one part that changes is the secret tree, which forgets keys as they are used (RFC 9420 §9.2).
 */
import type { Bytes } from '../bytes/bytes.ts'
import { Secret } from '../bytes/secret.ts'
import { encode } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import {
  confirmationTag as computeConfirmationTag,
  confirmedTranscriptHash as computeConfirmedTranscriptHash,
  deriveEpochSecrets,
  deriveJoinerSecret,
  type EpochSecrets,
  interimTranscriptHash,
} from '../key-schedule/key-schedule.ts'
import type { PrivateTree } from '../ratchet-tree/private-tree.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import type { SecretTreeLimits } from '../secret-tree/limits.ts'
import { SecretTree } from '../secret-tree/secret-tree.ts'
import type { Signer } from '../signed/signer.ts'
import type { AuthenticatedContent } from '../wire/framed-content.ts'
import { GroupContext } from '../wire/group-context.ts'

/** The secrets of an epoch after the secret tree took its own. */
export type KeptSecrets = Omit<EpochSecrets, 'encryptionSecret'>

/** One epoch of one member. */
export interface Epoch {
  readonly suite: CipherSuite
  readonly context: GroupContext
  /** `encode(GroupContext, context)`, computed once. */
  readonly encodedContext: Bytes
  readonly tree: Tree
  readonly privateTree: PrivateTree
  readonly secrets: KeptSecrets
  readonly interimTranscriptHash: Bytes
  readonly confirmationTag: Bytes
  readonly secretTree: SecretTree
  /** The key of the own leaf in this epoch. */
  readonly signer: Signer
}

/** What leads from one epoch to the next (RFC 9420 §8). */
export interface Transition {
  readonly suite: CipherSuite
  /** The next GroupContext but for its `confirmedTranscriptHash`. */
  readonly context: Omit<GroupContext, 'confirmedTranscriptHash'>
  readonly interimTranscriptHash: Bytes
  /** The commit with its signature; its confirmation tag is not looked at. */
  readonly commit: AuthenticatedContent
  readonly tree: Tree
  readonly privateTree: PrivateTree
  readonly signer: Signer
  /** Consumed. */
  readonly initSecret: Secret<'init_secret'>
  /** Consumed. */
  readonly commitSecret: Secret<'commit_secret'>
  /** Consumed. */
  readonly pskSecret: Secret<'psk_secret'>
  readonly limits: SecretTreeLimits
}

/** The next epoch, and what the Welcome to its newcomers needs. The caller wipes both secrets. */
export interface NextEpoch {
  readonly epoch: Epoch
  readonly joinerSecret: Secret<'joiner_secret'>
  readonly welcomeSecret: Secret<'welcome_secret'>
}

/** Runs the key schedule (RFC 9420 §8) from a commit to the epoch that it begins. */
export function nextEpoch(transition: Transition): NextEpoch {
  const { suite, tree, privateTree, signer, pskSecret } = transition
  const confirmedTranscriptHash = computeConfirmedTranscriptHash(
    suite,
    transition.interimTranscriptHash,
    transition.commit,
  )
  const context: GroupContext = { ...transition.context, confirmedTranscriptHash }
  const encodedContext = encode(GroupContext, context)
  const joinerSecret = deriveJoinerSecret(suite, transition.initSecret, transition.commitSecret, encodedContext)
  const { welcomeSecret, epoch } = deriveEpochSecrets(suite, joinerSecret, pskSecret, encodedContext)
  const confirmationTag = computeConfirmationTag(suite, epoch.confirmationKey, confirmedTranscriptHash)
  return {
    epoch: makeEpoch(
      { suite, context, encodedContext, tree, privateTree, signer, confirmationTag },
      epoch,
      transition.limits,
    ),
    joinerSecret,
    welcomeSecret,
  }
}

/** Puts an epoch together; takes ownership of the secrets. */
export function makeEpoch(
  parts: Omit<Epoch, 'secrets' | 'secretTree' | 'interimTranscriptHash'>,
  secrets: EpochSecrets,
  limits: SecretTreeLimits,
): Epoch {
  const { encryptionSecret, ...kept } = secrets
  return {
    ...parts,
    secrets: kept,
    interimTranscriptHash: interimTranscriptHash(
      parts.suite,
      parts.context.confirmedTranscriptHash,
      parts.confirmationTag,
    ),
    secretTree: new SecretTree(parts.suite, encryptionSecret, parts.tree.leafCount, limits),
  }
}

/** Wipes what a member must forget when an epoch ends (RFC 9420 §9.2, V216); past messages stay readable. */
export function retireEpoch(epoch: Epoch): void {
  const { initSecret, confirmationKey, membershipKey, externalSecret, exporterSecret, resumptionPsk } = epoch.secrets
  for (const secret of [initSecret, confirmationKey, membershipKey, externalSecret, exporterSecret, resumptionPsk])
    secret.wipe()
}

/** Wipes every secret of an epoch. The private tree may share keys with another epoch and wipes its own. */
export function wipeEpoch(epoch: Epoch): void {
  const { epochAuthenticator, ...secrets } = epoch.secrets
  epochAuthenticator.fill(0)
  for (const secret of Object.values(secrets)) if (secret instanceof Secret) secret.wipe()
  epoch.secretTree.wipe()
}
