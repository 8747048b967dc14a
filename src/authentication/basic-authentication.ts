import { equalBytes } from '../bytes/bytes.ts'
import type { AuthenticationService, CredentialBinding, CredentialRole } from '../ports/authentication-service.ts'

/** The application's answers about basic credentials. */
export interface BasicOptions {
  /** Whether this signature key belongs to this identity. */
  readonly validate: (
    identity: Uint8Array,
    signatureKey: Uint8Array,
    role: CredentialRole,
  ) => boolean | Promise<boolean>
  /** Whether `next` may follow `current` on a leaf; equal identities, unless given. */
  readonly isSuccessor?: (current: Uint8Array, next: Uint8Array) => boolean
  /** The client that a credential stands for, see `AuthenticationService`; no rule, unless given. */
  readonly clientKey?: (identity: Uint8Array, signatureKey: Uint8Array) => string | undefined
}

/**
 * Authentication by basic credentials (RFC 9420 §5.3).
 *
 * Without options it **authenticates nobody**: every identity is believed, whoever claims it. That is for tests and for
 * applications that learn who owns a key in another way, for example by comparing epoch authenticators. With options the
 * application decides. X.509 credentials are refused in both forms.
 */
export function basicAuthentication(options: BasicOptions = { validate: () => true }): AuthenticationService {
  const { validate, isSuccessor = equalBytes, clientKey } = options
  const service: AuthenticationService = {
    validate({ credential, signatureKey }, role) {
      return credential.credentialType === 'basic' && validate(credential.identity, signatureKey, role)
    },
    isSuccessor(current, next) {
      const [before, after] = [identityOf(current), identityOf(next)]
      return before !== undefined && after !== undefined && isSuccessor(before, after)
    },
  }
  if (clientKey === undefined) return service
  return {
    ...service,
    clientKey(binding) {
      const identity = identityOf(binding)
      return identity && clientKey(identity, binding.signatureKey)
    },
  }
}

function identityOf({ credential }: CredentialBinding): Uint8Array | undefined {
  return credential.credentialType === 'basic' ? credential.identity : undefined
}
