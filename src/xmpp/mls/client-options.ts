/** How clients and rooms are opened: options and settings. */
import type { CipherSuite } from '../../crypto/cipher-suite.ts'
import type { Anchor } from '../../ports/anchor.ts'
import type { AuthenticationService } from '../../ports/authentication-service.ts'
import type { GroupRules } from '../../ports/group-rules.ts'
import type { Storage } from '../../ports/storage.ts'
import type { RandomSource, Timers, XmppPort } from '../port.ts'
import type { LeafProvider } from './leaf-provider.ts'
import type { RoomIdentity, Trust, TrustSubject } from './room-identity.ts'
import type { HistoryPolicy, RetentionPolicy, RoomPolicy } from './types.ts'

/** Numbers that an application may change. */
export interface ClientSettings {
  /** One-time KeyPackages that are kept published. */
  readonly keyPackages: number
  /** Lifetime of KeyPackages in seconds. */
  readonly keyPackageSeconds: number
  /** Bytes that travel inside a stanza; larger payloads are uploaded. */
  readonly inlineLimit: number
  /** Bytes that travel inside stanzas, in chunks, where no upload service is. */
  readonly chunkLimit: number
  /** Milliseconds before a contended epoch of a channel is decided. */
  readonly settleMs: number
  /** Milliseconds for which the previous epoch is kept, in case the archive changes its mind. */
  readonly rollbackMs: number
  /** Milliseconds of one slot where members take turns to do what one of them must. */
  readonly slotMs: number
  /** Milliseconds to wait for the room to show a message. */
  readonly timeoutMs: number
}

/** What {@link MlsClientOptions} leaves out. */
export const defaultSettings: ClientSettings = {
  keyPackages: 10,
  keyPackageSeconds: 84 * 24 * 60 * 60,
  inlineLimit: 24 * 1024,
  chunkLimit: 8 * 1024 * 1024,
  settleMs: 500,
  rollbackMs: 60_000,
  slotMs: 1_500,
  timeoutMs: 30_000,
}

/** How to open a client. */
export interface MlsClientOptions {
  readonly xmpp: XmppPort
  /** Where state is kept; nothing survives the process by default. */
  readonly storage?: Storage
  /**
   * A second place that backups of the storage do not carry along. With it a restored copy is known before it has read
   * anything; without it, by what the archive holds of this device.
   */
  readonly anchor?: Anchor
  /** Keeps messages in the storage, encrypted where the storage is (`openSealedStorage`); nothing is kept by default. */
  readonly history?: HistoryPolicy
  /** How long keys for messages that come late are kept. */
  readonly retention?: RetentionPolicy
  /** Suite 1 with the default provider, unless given. */
  readonly suite?: CipherSuite
  /** 16 bytes; random at first and kept in the storage, unless given. */
  readonly deviceId?: Uint8Array
  /** Who is believed to be whom. By default a credential is believed to be its account's. */
  readonly authentication?: AuthenticationService
  /** Rules of groups that are part of the validation of commits: every member must have the same. */
  readonly groupRules?: GroupRules
  /** What own leaves, groups and commits carry for those rules. */
  readonly leaf?: LeafProvider
  /** What to show beside a sender. */
  readonly trust?: (who: TrustSubject) => Trust
  /** The identity of the account (`xmpp-mls/identity`): gives what of the four options before is not given. */
  readonly identity?: { readonly rooms: RoomIdentity }
  readonly ports?: { readonly timers?: Timers; readonly random?: RandomSource }
  readonly settings?: Partial<ClientSettings>
}

/** How to enter a room. */
export interface RoomOptions {
  readonly nick?: string
  /** Makes the room where it does not exist, and the group where there is none; on by default. */
  readonly create?: boolean
  /** Policy of a group that is made here. */
  readonly policy?: RoomPolicy
}
