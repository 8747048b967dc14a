import { equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { mapKey } from '../bytes/text.ts'
import type { AuthenticationService, CredentialBinding, CredentialRole } from '../ports/authentication-service.ts'
import { type DeviceIdentity, deviceOfCredential, type X509Device } from './group-leaf.ts'

/** What {@link identityAuthentication} asks the application. */
export interface IdentityAuthenticationInput {
  /** Whether an external sender is believed; those with the credential of a device, unless given. */
  readonly externalSender?: (binding: CredentialBinding) => boolean | Promise<boolean>
  /** For groups of mode `x509`: reads the device of a credential, and says whether its chain holds for the key. */
  readonly x509?: { readonly device: X509Device; readonly authentication: AuthenticationService }
}

/**
 * The authentication service that goes with `identityGroupRules`: it reads names. Who may use a name is proven by the
 * certificate in the leaf, which an authentication service does not see; so this one is worth nothing without the rules.
 *
 * A leaf may be followed by another one of its account: a restored device comes back under a new id and removes its old leaf.
 * That a member who stays keeps its device is rule H5.
 */
export function identityAuthentication(input: IdentityAuthenticationInput = {}): AuthenticationService {
  const device = (binding: CredentialBinding): DeviceIdentity | undefined => {
    const { credential } = binding
    if (credential.credentialType === 'x509') return input.x509?.device(credential)
    try {
      return deviceOfCredential(credential)
    } catch (error) {
      if (error instanceof MlsError && error.kind !== 'bug') return undefined
      throw error
    }
  }
  return {
    validate(binding: CredentialBinding, role: CredentialRole) {
      if (role === 'external_sender' && input.externalSender !== undefined) return input.externalSender(binding)
      if (device(binding) === undefined) return false
      if (binding.credential.credentialType === 'basic') return true
      return input.x509?.authentication.validate(binding, role) ?? false
    },
    isSuccessor(current, next) {
      const [before, after] = [device(current), device(next)]
      return before !== undefined && after !== undefined && equalBytes(before.account, after.account)
    },
    clientKey(binding) {
      const found = device(binding)
      return found === undefined ? undefined : mapKey(Uint8Array.from([...found.account, 0, ...found.deviceId]))
    },
  }
}
