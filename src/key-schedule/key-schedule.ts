/**
 * The key schedule of RFC 9420 §8.
 *
 * ```
 *   init_secret[n-1]
 *         |
 *         v
 *   KDF.Extract <---- commit_secret                   (zeros when the commit has no path, V192)
 *         |
 *         v  "joiner", GroupContext[n]
 *   joiner_secret ------------------------------------> to new members, in the Welcome
 *         |
 *         v
 *   KDF.Extract <---- psk_secret                      (zeros without PSKs)
 *         |
 *         +--> "welcome" = welcome_secret ------------> key and nonce of the GroupInfo
 *         |
 *         v  "epoch", GroupContext[n]
 *   epoch_secret
 *         |
 *         +--> "sender data"    = sender_data_secret
 *         +--> "encryption"     = encryption_secret --> secret tree, which consumes it
 *         +--> "exporter"       = exporter_secret
 *         +--> "external"       = external_secret
 *         +--> "confirm"        = confirmation_key
 *         +--> "membership"     = membership_key
 *         +--> "resumption"     = resumption_psk
 *         +--> "authentication" = epoch_authenticator   (public among members)
 *         |
 *         v
 *   "init" = init_secret[n]
 * ```
 *
 * Transcript hashes and confirmation tags (RFC 9420 §6.1, §8.2):
 *
 * ```
 *   interim[n-1] --+
 *                  v
 *   commit ----> Hash = confirmed[n] --+--> MAC(confirmation_key[n]) = confirmation_tag[n]
 *                                      |                                     |
 *                                      +-----------------> Hash <------------+
 *                                                           |
 *                                                           v
 *                                                       interim[n]
 * ```
 *
 * Invariants: a function consumes each `Secret` argument unless it says otherwise, wipes it before it returns, and wipes
 * every intermediate value, also when it throws (RFC 9420 §9.2, V216). No function keeps state.
 */
import { type Bytes, empty, equalBytes, wipe } from '../bytes/bytes.ts'
import { at, bug, check } from '../bytes/errors.ts'
import { Secret } from '../bytes/secret.ts'
import { lent } from '../codec/writer.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { deriveSecret, expandWithLabel, expandWithLabels } from '../crypto/labels.ts'
import { type AuthenticatedContent, FramedContent, FramedWireFormat } from '../wire/framed-content.ts'

/** What an epoch is made of (RFC 9420 §8, table of epoch-derived secrets). All of Nh bytes. */
export interface EpochSecrets {
  readonly senderDataSecret: Secret<'sender_data_secret'>
  /** Consumed by the secret tree of the epoch. */
  readonly encryptionSecret: Secret<'encryption_secret'>
  readonly exporterSecret: Secret<'exporter_secret'>
  /** Equal for two members exactly when they are in the same epoch (RFC 9420 §8.7, V197). */
  readonly epochAuthenticator: Bytes
  readonly externalSecret: Secret<'external_secret'>
  readonly confirmationKey: Secret<'confirmation_key'>
  readonly membershipKey: Secret<'membership_key'>
  readonly resumptionPsk: Secret<'resumption_psk'>
  /** Consumed by the next epoch. */
  readonly initSecret: Secret<'init_secret'>
}

/**
 * `joiner_secret` of RFC 9420 §8. Consumes both secrets.
 * @param encodedContext the GroupContext of the new epoch (V193)
 * @throws `secret/consumed`
 */
export function deriveJoinerSecret(
  suite: CipherSuite,
  initSecret: Secret<'init_secret'>,
  commitSecret: Secret<'commit_secret'>,
  encodedContext: Uint8Array,
): Secret<'joiner_secret'> {
  const extracted = initSecret.use((salt) => commitSecret.use((ikm) => suite.extract(salt, ikm)))
  initSecret.wipe()
  commitSecret.wipe()
  try {
    return new Secret(expandWithLabel(suite, extracted, 'joiner', encodedContext, suite.parameters.hashLength))
  } finally {
    wipe(extracted)
  }
}

/** Result of {@link deriveEpochSecrets}. */
export interface DerivedEpoch {
  readonly welcomeSecret: Secret<'welcome_secret'>
  readonly epoch: EpochSecrets
}

/**
 * All secrets of an epoch (RFC 9420 §8). Consumes `pskSecret`. Does not consume `joinerSecret`, which the Welcome still
 * carries: the caller wipes it.
 * @param encodedContext the GroupContext of the epoch
 * @throws `secret/consumed`
 */
export function deriveEpochSecrets(
  suite: CipherSuite,
  joinerSecret: Secret<'joiner_secret'>,
  pskSecret: Secret<'psk_secret'>,
  encodedContext: Uint8Array,
): DerivedEpoch {
  const extracted = joinerSecret.use((salt) => pskSecret.use((ikm) => suite.extract(salt, ikm)))
  pskSecret.wipe()
  try {
    const welcomeSecret = new Secret<'welcome_secret'>(deriveSecret(suite, extracted, 'welcome'))
    const epochSecret = new Secret<'epoch_secret'>(
      expandWithLabel(suite, extracted, 'epoch', encodedContext, suite.parameters.hashLength),
    )
    return { welcomeSecret, epoch: expandEpochSecret(suite, epochSecret) }
  } finally {
    wipe(extracted)
  }
}

/**
 * The welcome secret alone: what a joiner needs before it can read the GroupContext (RFC 9420 §12.4.3.1). Consumes nothing.
 * @throws `secret/consumed`
 */
export function deriveWelcomeSecret(
  suite: CipherSuite,
  joinerSecret: Secret<'joiner_secret'>,
  pskSecret: Secret<'psk_secret'>,
): Secret<'welcome_secret'> {
  const extracted = joinerSecret.use((salt) => pskSecret.use((ikm) => suite.extract(salt, ikm)))
  try {
    return new Secret(deriveSecret(suite, extracted, 'welcome'))
  } finally {
    wipe(extracted)
  }
}

/** The secrets below an epoch secret (RFC 9420 §8); for epoch 0 directly, see {@link initialEpochSecret}. Consumes it. */
export function expandEpochSecret(suite: CipherSuite, epochSecret: Secret<'epoch_secret'>): EpochSecrets {
  const bytes = epochSecret.take()
  const { hashLength: length } = suite.parameters
  try {
    const secrets = expandWithLabels(
      suite,
      bytes,
      epochLabels.map((label) => ({ label, length })),
      empty,
    )
    return {
      senderDataSecret: new Secret(at(secrets, 0)),
      encryptionSecret: new Secret(at(secrets, 1)),
      exporterSecret: new Secret(at(secrets, 2)),
      epochAuthenticator: at(secrets, 3),
      externalSecret: new Secret(at(secrets, 4)),
      confirmationKey: new Secret(at(secrets, 5)),
      membershipKey: new Secret(at(secrets, 6)),
      resumptionPsk: new Secret(at(secrets, 7)),
      initSecret: new Secret(at(secrets, 8)),
    }
  } finally {
    wipe(bytes)
  }
}

/** The labels of RFC 9420 §8, in the order in which {@link expandEpochSecret} takes what comes of them. */
const epochLabels = [
  'sender data',
  'encryption',
  'exporter',
  'authentication',
  'external',
  'confirm',
  'membership',
  'resumption',
  'init',
]

/** The epoch secret of a new group: Nh random bytes (RFC 9420 §11). @throws `crypto/rng` */
export function initialEpochSecret(suite: CipherSuite): Secret<'epoch_secret'> {
  return new Secret(suite.randomBytes(suite.parameters.hashLength))
}

/** The commit secret of a commit without a path: Nh zeros (RFC 9420 §12.4.2, V192). */
export function zeroCommitSecret(suite: CipherSuite): Secret<'commit_secret'> {
  return new Secret(new Uint8Array(suite.parameters.hashLength))
}

/**
 * `confirmed_transcript_hash` of the epoch that a commit starts: Nh bytes over wire format (V190), content and signature.
 * @param interimTranscriptHash of the epoch before; zero bytes for a new group
 */
export function confirmedTranscriptHash(
  suite: CipherSuite,
  interimTranscriptHash: Uint8Array,
  content: AuthenticatedContent,
): Bytes {
  if (content.content.contentType !== 'commit') throw bug('only commits enter the transcript')
  return lent(
    (writer) => {
      writer.raw(interimTranscriptHash)
      FramedWireFormat.write(writer, content.wireFormat)
      FramedContent.write(writer, content.content)
      writer.opaque(content.auth.signature)
    },
    (input) => suite.hash(input),
  )
}

/** `interim_transcript_hash`: Nh bytes over the confirmed hash and the confirmation tag of the same epoch. */
export function interimTranscriptHash(
  suite: CipherSuite,
  confirmedTranscriptHash: Uint8Array,
  confirmationTag: Uint8Array,
): Bytes {
  return lent(
    (writer) => {
      writer.raw(confirmedTranscriptHash)
      writer.opaque(confirmationTag)
    },
    (input) => suite.hash(input),
  )
}

/** `confirmation_tag` of an epoch: Nh bytes. Does not consume the key. @throws `secret/consumed` */
export function confirmationTag(
  suite: CipherSuite,
  confirmationKey: Secret<'confirmation_key'>,
  confirmedTranscriptHash: Uint8Array,
): Bytes {
  return confirmationKey.use((key) => suite.hmac(key, confirmedTranscriptHash))
}

/**
 * Checks the confirmation tag of a commit against that of the epoch which it begins.
 * @throws `commit/confirmation_tag` for another length (V085) or another value (V084)
 */
export function checkConfirmationTag(expected: Uint8Array, tag: Uint8Array): void {
  // RFC 9420 §6.1 V085: length first, so that no prefix of a tag is a tag (B01)
  check(tag.length === expected.length, 'commit/confirmation_tag', 'V085', 'a confirmation tag of another length')
  // RFC 9420 §6.1, §12.4.2 V084
  check(equalBytes(expected, tag), 'commit/confirmation_tag', 'V084', 'the confirmation tag does not hold')
}
