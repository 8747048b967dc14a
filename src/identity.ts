/** `xmpp-mls/identity`: one identity for all devices of an account. Start at {@link IdentityClient}. */
export { MlsError } from './bytes/errors.ts'
export type { ContactState, SendRule, Trust as ContactTrust } from './identity/contact-state.ts'
export { omemoStatement, openPgpStatement, vouchesFor } from './identity/cross-statement.ts'
export { type DeviceFlag, deviceFlags, type RevocationReason } from './identity/device-entry.ts'
export { type Evidence, type ProvenEvidence, verifyEvidence } from './identity/evidence.ts'
export type { Finding, Loudness } from './identity/findings.ts'
export { defaultIdentityPolicy, type IdentityPolicy, identityPolicyFlags } from './identity/group-components.ts'
export { type VerifiedManifest, verifyManifest } from './identity/manifest.ts'
export {
  contactSentences,
  findingSentence,
  ownDeviceSentences,
  rootSentences,
  sendSentences,
} from './identity/sentences.ts'
export type { BackupOpener, RestoredIdentity } from './xmpp/identity/backups.ts'
export { IdentityClient } from './xmpp/identity/client.ts'
export type { IdentityFinding, SplitView } from './xmpp/identity/contact-findings.ts'
export type { EmojiVerification } from './xmpp/identity/emoji-sessions.ts'
export type { DeviceLink, LinkApproval, LinkLogin } from './xmpp/identity/linking.ts'
export { type LinkedAccount, OfflineLink, type OfflineLinkOptions } from './xmpp/identity/offline-link.ts'
export type { StoredFinding } from './xmpp/identity/store.ts'
export type {
  CreatedIdentity,
  CreateOptions,
  IdentityContact,
  IdentityDevice,
  IdentityEvents,
  IdentityOptions,
  IdentityStatus,
  KeepOptions,
  RemovalOptions,
  RemovalReason,
  RootProfile,
} from './xmpp/identity/types.ts'
export type { DigitsToCompare, ScanResult, ShownCode } from './xmpp/identity/verifying.ts'
export { identityNamespace, identityNodes } from './xmpp/identity/wire.ts'
