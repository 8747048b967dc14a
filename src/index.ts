/**
 * `xmpp-mls`: Messaging Layer Security (RFC 9420). Open a cipher suite, make an identity, create or join a group:
 *
 * ```ts
 * const suite = await cipherSuite('MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519')
 * const alice = createIdentity(suite, 'alice')
 * const group = await createGroup({ suite, identity: alice })
 * const { commit, staged } = await group.commit({ add: [bobsKeyPackage] })
 * const { welcome } = group.merge(staged) // once the delivery service has accepted `commit`
 * const message = group.protect(bytes)
 * ```
 *
 * Everything here works on bytes: it opens no connection and stores nothing.
 */
import { basicAuthentication } from './authentication/basic-authentication.ts'
import { utf8 } from './bytes/text.ts'
import type { CipherSuite, CryptoProvider, Rng } from './crypto/cipher-suite.ts'
import { type CipherSuiteId, type CipherSuiteName, suiteParameters } from './crypto/suites.ts'
import {
  type CreateInput,
  createGroupWith,
  type ExternalJoin,
  type JoinExternalInput,
  type JoinInput,
  joinExternalWith,
  joinGroupWith,
  restoreGroupWith,
} from './group/create-group.ts'
import { type GroupOptions, makeConfig } from './group/defaults.ts'
import {
  type BranchInput,
  branchGroupWith,
  type Following,
  type ReInitInput,
  reinitGroupWith,
} from './group/follow-group.ts'
import type { Group } from './group/group.ts'
import {
  generateIdentity,
  type Identity,
  type KeyPackageBundle,
  type KeyPackageInput,
  makeKeyPackage,
} from './group/key-package.ts'
import type { Clock } from './ports/clock.ts'
import { defaultProvider } from './providers/default.ts'
import { systemClock } from './providers/system-clock.ts'
import { systemPause } from './providers/system-pause.ts'
import { systemRng } from './providers/system-rng.ts'
import type { Signer } from './signed/signer.ts'
import type { PreSharedKeyId } from './wire/psk.ts'

export { type BasicOptions, basicAuthentication } from './authentication/basic-authentication.ts'
export { type X509Identity, type X509Options, x509Authentication } from './authentication/x509-authentication.ts'
export type { Bytes } from './bytes/bytes.ts'
export { type ErrorCode, type ErrorKind, errorKinds } from './bytes/error-codes.ts'
export { MlsError } from './bytes/errors.ts'
export { fromBase64, fromHex, fromUtf8, toBase64, toHex, utf8 } from './bytes/text.ts'
export type { CommitPolicy, GroupConfig } from './commit/config.ts'
export type { OwnLeafChange } from './commit/create-commit.ts'
export type { Limits } from './commit/limits.ts'
export type { CommitChanges, Member } from './commit/member.ts'
export type { StagedCommit } from './commit/staged-commit.ts'
export type {
  CipherSuite,
  CryptoProvider,
  HpkeCiphertext,
  HpkeKeyPair,
  HpkeSealRequest,
  Rng,
  SignatureKeyPair,
  VerifyRequest,
} from './crypto/cipher-suite.ts'
export {
  type AeadName,
  type CipherSuiteId,
  type CipherSuiteName,
  type HashName,
  type KemName,
  type SignatureName,
  type SuiteParameters,
  suites,
} from './crypto/suites.ts'
export type { PaddingPolicy } from './framing/padding.ts'
export type { CommitOptions, KeyPackageSource } from './group/commit-options.ts'
export type { ExternalJoin } from './group/create-group.ts'
export { type CapabilitiesInput, defaultLimits, type GroupOptions, makeCapabilities } from './group/defaults.ts'
export { type ProposalTarget, proposeAsExternalSender, proposeJoin } from './group/external-proposal.ts'
export type { Following } from './group/follow-group.ts'
export type { Group } from './group/group.ts'
export type { Identity, KeyPackageBundle } from './group/key-package.ts'
export type { Merged } from './group/merge.ts'
export { bestCipherSuite, cipherSuitePreference } from './group/negotiation.ts'
export type { ProposeOptions } from './group/propose.ts'
export type { ProtectOptions } from './group/protect.ts'
export type {
  CommitReceived,
  DuplicateReceived,
  FutureEpochReceived,
  MessageReceived,
  OwnCommitReceived,
  OwnMessageReceived,
  PastEpochReceived,
  ProposalReceived,
  ReceiveResult,
} from './group/result.ts'
export type { GroupStatus } from './group/state.ts'
export type { AuthenticationService, CredentialBinding, CredentialRole } from './ports/authentication-service.ts'
export type { Clock } from './ports/clock.ts'
export type {
  GroupRules,
  RuleChange,
  RuleCompany,
  RuleGroup,
  RuleOptions,
  RuleProposal,
  RuleTransition,
  RuleTree,
} from './ports/group-rules.ts'
export type { PskStore } from './ports/psk-store.ts'
export type { CustomProposalType } from './proposals/proposal-rules.ts'
export { systemClock } from './providers/system-clock.ts'
export { systemPause } from './providers/system-pause.ts'
export { systemRng } from './providers/system-rng.ts'
export { keySigner, type Signer, type SyncSigner } from './signed/signer.ts'
export type { Credential } from './wire/credential.ts'
export {
  type Extension,
  ExternalSender,
  ExternalSenders,
  findExtension,
  RequiredCapabilities,
  readExtension,
  setExtension,
} from './wire/extension.ts'
export type { KeyPackage } from './wire/key-package.ts'
export type { Capabilities, LeafNode, Lifetime } from './wire/leaf-node.ts'
export { wireLimits } from './wire/limits.ts'
export { decodeMlsMessage, encodeMlsMessage, type MlsMessage } from './wire/mls-message.ts'
export type { CustomProposal, Proposal } from './wire/proposal.ts'
export type { PreSharedKeyId } from './wire/psk.ts'
export { credentialTypes, extensionTypes, greaseValues, isGrease, mls10, proposalTypes } from './wire/registries.ts'

/** What the calls below take beside their own input: ports and settings, all with defaults. */
export interface Settings {
  /** Settings of the group; see `GroupConfig`. Credentials are accepted as they are unless `authentication` says more. */
  readonly options?: GroupOptions
}

/** How to open a cipher suite. */
export interface CipherSuiteOptions {
  /**
   * Who computes; by default WebAssembly for suites 1 to 3, in Node with OpenSSL where that was measured faster, and noble for
   * the others and where WebAssembly is refused.
   */
  readonly provider?: CryptoProvider
  /** Where randomness comes from; the platform by default. */
  readonly rng?: Rng
}

/**
 * Opens a cipher suite by its name or code point (RFC 9420 §17.1).
 * @throws `suite/unsupported`
 */
export async function cipherSuite(
  name: CipherSuiteName | CipherSuiteId,
  options: CipherSuiteOptions = {},
): Promise<CipherSuite> {
  return (options.provider ?? (await defaultProvider(suiteParameters(name)))).open(
    suiteParameters(name),
    options.rng ?? systemRng,
  )
}

/**
 * An identity with a basic credential (RFC 9420 §5.3) and a new signature key. Keep `privateKey` (secret) to make the same
 * signer again with `keySigner`.
 * @param identity UTF-8 text or bytes; what it means is for the application
 */
export function createIdentity(suite: CipherSuite, identity: string | Uint8Array): ReturnType<typeof generateIdentity> {
  const bytes = typeof identity === 'string' ? utf8(identity) : Uint8Array.from(identity)
  return generateIdentity(suite, { credentialType: 'basic', identity: bytes })
}

/** A KeyPackage (RFC 9420 §10): publish `message`, keep the bundle secret until a Welcome uses it. */
export function createKeyPackage(
  input: Omit<KeyPackageInput, 'clock'> & { readonly clock?: Clock },
): Promise<KeyPackageBundle> {
  return makeKeyPackage({ ...input, clock: input.clock ?? systemClock })
}

/** A new group whose only member is the caller (RFC 9420 §11), in epoch 0. @throws codes of `leaf/`, `extension/`, `auth/` */
export function createGroup(input: Omit<CreateInput, 'config'> & Settings): Promise<Group> {
  return createGroupWith({ ...input, config: config(input) })
}

/**
 * Joins by Welcome (RFC 9420 §12.4.3.1). A failure uses nothing up.
 * @throws `welcome/…`, `tree/…`, `leaf/…`, `auth/credential`, `psk/missing`, `crypto/decrypt`, `group/exists`
 */
export async function joinGroup(
  input: Omit<JoinInput, 'config' | 'keyPackages'> & {
    /** The own KeyPackage that the Welcome is for, or several of which it may be one. */
    readonly keyPackage: KeyPackageBundle | readonly KeyPackageBundle[]
  } & Settings,
): Promise<Group> {
  const keyPackages = 'keyPackage' in input.keyPackage ? [input.keyPackage] : input.keyPackage
  return (await joinGroupWith({ ...input, keyPackages, config: config(input) })).group
}

/** Joins by external commit (RFC 9420 §12.4.3.2). Send `commit`; `complete()` when the delivery service accepted it. */
export function joinExternal(input: Omit<JoinExternalInput, 'config'> & Settings): Promise<ExternalJoin> {
  return joinExternalWith({ ...input, config: config(input) })
}

/** Begins a group of some members of `group` (RFC 9420 §11.3). */
export function branchGroup(input: Omit<BranchInput, 'config'> & Settings): Promise<Following> {
  return branchGroupWith({ ...input, config: config(input) })
}

/** Begins the group that a ReInit in `group` announced (RFC 9420 §11.2). */
export function reinitGroup(input: Omit<ReInitInput, 'config'> & Settings): Promise<Following> {
  return reinitGroupWith({ ...input, config: config(input) })
}

/**
 * A group from `Group.snapshot()`.
 * @param input.signers the signers of the own leaf: the current one, and those of a pending commit or Update
 * @throws `snapshot/version`, `snapshot/damaged`, `suite/unsupported`
 */
export function restoreGroup(
  snapshot: Uint8Array,
  input: { readonly suite: CipherSuite; readonly signers: readonly (Signer | Identity)[] } & Settings,
): Group {
  const signers = input.signers.map((entry) => ('signer' in entry ? entry.signer : entry))
  return restoreGroupWith(snapshot, {
    suite: input.suite,
    config: config(input),
    signer: (key) => signers.find(({ publicKey }) => publicKey.every((byte, i) => byte === key[i])),
  })
}

/** The id of an external pre-shared key with a fresh nonce (RFC 9420 §8.4), for a commit or proposal. */
export function externalPskId(suite: CipherSuite, pskId: Uint8Array): PreSharedKeyId {
  const pskNonce = suite.randomBytes(suite.parameters.hashLength)
  return { psktype: 'external', pskId: Uint8Array.from(pskId), pskNonce }
}

function config({ options = {} }: Settings): ReturnType<typeof makeConfig> {
  const psks = { externalPsk: () => undefined }
  return makeConfig(options, { authentication: basicAuthentication(), psks, clock: systemClock, pause: systemPause })
}
