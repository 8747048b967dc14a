import type { Credential } from '../wire/credential.ts'

/** A credential with the signature key that it is bound to; what RFC 9420 §5.3.1 asks the authentication service about. */
export interface CredentialBinding {
  readonly credential: Credential
  readonly signatureKey: Uint8Array
}

/** Where a credential appears. */
export type CredentialRole = 'member' | 'external_sender'

/**
 * The authentication service of RFC 9420 §5.3.1 and RFC 9750 §4. It decides who may be a member and who is the same
 * person; its answers must be the same for every member of a group, or commits that some accept fork the others.
 */
export interface AuthenticationService {
  /** Whether the credential is genuine and belongs to the signature key (V047-V054). */
  validate(binding: CredentialBinding, role: CredentialRole): boolean | Promise<boolean>
  /** Whether `next` may replace `current` on the same leaf, for Update, commits and resync (V050, V051, V283). */
  isSuccessor(current: CredentialBinding, next: CredentialBinding): boolean
  /**
   * Whether two leaves are the same client by the application's rule (V246, V247): a group holds a client once.
   * `undefined` when the application has no rule beyond different signature keys; then nothing is compared.
   */
  clientKey?(binding: CredentialBinding): string | undefined
}
