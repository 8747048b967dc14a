/** What applications see of identities: values, events and options. The class is in `client.ts`. */
import type { MlsError } from '../../bytes/errors.ts'
import type { CipherSuite } from '../../crypto/cipher-suite.ts'
import type { ContactState, SendRule } from '../../identity/contact-state.ts'
import type { CrossStatement } from '../../identity/cross-statement.ts'
import type { DeviceFlag, RevocationReason } from '../../identity/device-entry.ts'
import type { IdentityPolicy } from '../../identity/group-components.ts'
import type { VerifiedManifest } from '../../identity/manifest.ts'
import type { OwnDeviceState } from '../../identity/own-device.ts'
import type { RootState } from '../../identity/root-state.ts'
import type { Storage } from '../../ports/storage.ts'
import type { RandomSource, Timers, XmppPort } from '../port.ts'
import type { IdentityFinding } from './contact-findings.ts'
import type { EmojiVerification } from './emoji-sessions.ts'
import type { StoredFinding } from './store.ts'

/** Why a device goes. */
export type RemovalReason = Exclude<RevocationReason, 'superseded'>

/** How the root is kept: its seed sealed in the storage of steward devices, or on paper alone. */
export type RootProfile = 'casual' | 'strict'

/** How to open an identity. */
export interface IdentityOptions {
  readonly xmpp: XmppPort
  /** The storage of the device; `MlsClient` uses the same one. It holds keys: seal it (`openSealedStorage`). */
  readonly storage?: Storage
  /** Suite of the leaves of this device, as in `MlsClientOptions`; suite 1 unless given. */
  readonly suite?: CipherSuite
  /** 16 bytes; random at first and kept in the storage, unless given. */
  readonly deviceId?: Uint8Array
  /** What groups that are made here ask of their members. */
  readonly policy?: Partial<IdentityPolicy>
  /**
   * Who may remove others without evidence and change the rules of groups that are made here: the account that makes them
   * (the default), or every member. Somebody whom the room has put out is removed from the group by an admin only.
   */
  readonly admins?: 'creator' | 'everybody'
  readonly ports?: {
    readonly timers?: Timers
    readonly random?: RandomSource
    /** A connection of a stranger, through which the own nodes are looked at as others see them. */
    readonly observer?: XmppPort
  }
}

/** A device of an account, as its manifest lists it. */
export interface IdentityDevice {
  /** 32 hexadecimal digits. */
  readonly device: string
  readonly flags: readonly DeviceFlag[]
  readonly addedAt: Date
  readonly notAfter: Date
  /** The name of an own device, where it can be read. */
  readonly name: string | undefined
}

/** Another account, as it is to be shown. */
export interface IdentityContact {
  /** Bare JID. */
  readonly account: string
  readonly state: ContactState
  /** One plain sentence for the state. */
  readonly sentence: string
  /** Whether messages go out, with a warning, or wait for a decision. */
  readonly sending: SendRule
  readonly devices: readonly IdentityDevice[]
  readonly generation: number | undefined
  /** The root that is believed, 32 bytes. */
  readonly rootHash: Uint8Array | undefined
  /** Another root that nothing proves, and that the user may accept. */
  readonly offered: Uint8Array | undefined
  /** What the account says of its keys of other protocols. */
  readonly statements: readonly CrossStatement[]
  /** What was found about this account, oldest first. */
  readonly findings: readonly StoredFinding[]
}

/** The own identity, as it is to be shown. */
export interface IdentityStatus {
  readonly account: string
  /** 32 hexadecimal digits. */
  readonly device: string
  readonly deviceState: OwnDeviceState
  readonly deviceSentence: string
  readonly rootState: RootState
  readonly rootSentence: string
  readonly devices: readonly IdentityDevice[]
  readonly generation: number | undefined
  readonly seq: bigint | undefined
  readonly rootHash: Uint8Array | undefined
  /** Whether the server has shown the newest own manifest. */
  readonly published: boolean
  /** Whether this device may add and remove devices. */
  readonly steward: boolean
  /** When the key with which stewards sign the list of devices ends. */
  readonly signsUntil: Date | undefined
  /** Whether that is near and this steward may sign, but does not hold the root: ask for the recovery code, see `renew`. */
  readonly renewalDue: boolean
}

/** Events by name. */
export interface IdentityEvents {
  /** Something was found about a contact. */
  readonly finding: IdentityFinding
  /** A contact is to be shown otherwise. */
  readonly contact: IdentityContact
  /** The own manifest is another one; devices that came and went. */
  readonly own: {
    readonly manifest: VerifiedManifest
    readonly added: readonly IdentityDevice[]
    readonly removed: readonly IdentityDevice[]
    /** Whether this device has made the change. */
    readonly byThisDevice: boolean
  }
  /** Something is wrong with the own account on the server; kept among the findings of the own account, too. */
  readonly alarm: {
    readonly kind: 'ahead' | 'misused' | 'replaced' | 'withheld'
    readonly sentence: string
    readonly evidence: Uint8Array | undefined
  }
  /** Somebody wants to compare emoji. */
  readonly verification: EmojiVerification
  readonly error: MlsError
}

/** What the owner must write down. */
export interface CreatedIdentity {
  /** Nine groups of four characters. It is shown once and kept nowhere. */
  readonly recoveryCode: string
}

/** How a device is removed. */
export interface RemovalOptions {
  readonly reason: RemovalReason
  /** Lets OPS be replaced where no root is on this device. */
  readonly recoveryCode?: string
}

/** Which devices stay. */
export interface KeepOptions {
  /** Ids of other devices: 32 hexadecimal digits each. */
  readonly keep?: readonly string[]
}

/** One sentence for each alarm about the own account. */
export const alarmSentences: Readonly<Record<IdentityEvents['alarm']['kind'], string>> = {
  ahead:
    'A list of devices in your name is dated in the future: somebody else has signed it, or the clock of a device is wrong.',
  withheld: 'The server does not show your newest list of devices to others.',
  misused: 'Somebody has signed a list of devices in your name that none of your devices knows.',
  replaced: 'The server shows another identity for your account than the one of this device.',
}

/** How an identity begins. */
export interface CreateOptions {
  readonly profile?: RootProfile
  /** How own devices show this one, at most 64 bytes. */
  readonly name?: string
  /** A root of Ed25519 and ML-DSA-65. */
  readonly hybrid?: boolean
  /** Bits of `deviceFlags`. */
  readonly flags?: number
  /** Whether a backup under the recovery code is left on the server; on by default. */
  readonly backup?: boolean
}
