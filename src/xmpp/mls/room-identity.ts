/** What an identity gives to a client, see `MlsClientOptions.identity`. `IdentityClient` of `xmpp-mls/identity` is one. */
import type { CommitChanges } from '../../commit/member.ts'
import type { Group } from '../../group/group.ts'
import type { AuthenticationService } from '../../ports/authentication-service.ts'
import type { GroupRules } from '../../ports/group-rules.ts'
import type { Extension } from '../../wire/extension.ts'
import type { LeafNode } from '../../wire/leaf-node.ts'
import type { XmlElement } from '../stanza/element.ts'
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

/** Something about the identity of a member, as a room shows it. */
export interface IdentityIssue {
  readonly kind: 'identity'
  /** Bare JID. */
  readonly account: string
  /** 32 hexadecimal digits; missing where it is about the account. */
  readonly device: string | undefined
  /** What it is; see `GroupFact` of the identity. */
  readonly fact: string
  /** Whether messages wait for a decision. */
  readonly sending: 'send' | 'warn' | 'block'
  /** One plain sentence, ready to show. */
  readonly sentence: string
}

/** A room, as an identity works with it. */
export interface IdentityRoom {
  /** Bare JID. */
  readonly jid: string
  /** The group while this device is in it. */
  group(): Group | undefined
  /** Sends elements of the identity inside an encrypted message of their own. */
  say(...elements: readonly XmlElement[]): Promise<void>
  /** Removes a device from the group. */
  removeDevice(account: string, device: string): Promise<void>
  /** Commits with fresh keys, and a new certificate where there is one. */
  update(): Promise<void>
  /** The health is to be looked at again. */
  report(): void
}

/** See the file. What is called by the engine never throws and decides nothing that other members must decide alike. */
export interface RoomIdentity {
  readonly authentication: AuthenticationService
  readonly groupRules: GroupRules
  readonly leaf: LeafProvider
  readonly trust: (who: TrustSubject) => Trust
  /** A room was entered. Returns what to call when it is left. */
  attach?(room: IdentityRoom): () => void
  /** What is to be shown about the members. Every message asks: the same list as long as it says the same. */
  issues?(group: Group): readonly IdentityIssue[]
  /** Elements to go with the next own message of a room. */
  toSay?(room: string, group: Group): readonly XmlElement[]
  /** Elements of the identity that a message of a member had. */
  heard?(room: string, account: string, elements: readonly XmlElement[]): void
  /** A commit is about to begin an epoch, or has begun it. */
  committing?(room: string, group: Group, changes: CommitChanges): void
  /** Whether this device takes the place of another one of its account, whose leaf goes when it joins. */
  replaces?(device: string): boolean
  /** Learns what is needed to judge the KeyPackages of an account. */
  prepare?(account: string): Promise<void>
  /** Whether a KeyPackage of an account may be used to add it. */
  admits?(account: string, device: string, leaf: LeafNode): boolean
  /** Told when the own certificate is another one, so that KeyPackages carry it. Returns how to stop. */
  onCertificate?(listener: () => void): () => void
}
