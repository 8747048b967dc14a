/** What an identity gives to a client, see `MlsClientOptions.identity`. `IdentityClient` of `xmpp-mls/identity` is one. */
import type { AuthenticationService } from '../../ports/authentication-service.ts'
import type { GroupRules } from '../../ports/group-rules.ts'
import type { Extension } from '../../wire/extension.ts'
import type { LeafProvider } from './leaf-provider.ts'

/** How sure the application is that a device belongs to its account. Without a service that knows, `unverified`. */
export type Trust = 'verified' | 'unverified' | 'changed'

/** A device in a group, as far as trust goes. */
export interface TrustSubject {
  readonly account: string
  /** 32 hexadecimal digits. */
  readonly device: string
  readonly signatureKey: Uint8Array
  /** Of its leaf. */
  readonly extensions: readonly Extension[]
}

/** See the file. */
export interface RoomIdentity {
  readonly authentication: AuthenticationService
  readonly groupRules: GroupRules
  readonly leaf: LeafProvider
  readonly trust: (who: TrustSubject) => Trust
}
