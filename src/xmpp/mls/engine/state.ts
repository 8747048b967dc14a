/** What the engine remembers of one room. */
import type { Bytes } from '../../../bytes/bytes.ts'
import type { MlsError } from '../../../bytes/errors.ts'
import type { CipherSuite } from '../../../crypto/cipher-suite.ts'
import type { Group } from '../../../group/group.ts'
import type { Identity } from '../../../group/key-package.ts'
import type { ReceiveResult } from '../../../group/result.ts'
import type { AuthenticationService } from '../../../ports/authentication-service.ts'
import type { Clock } from '../../../ports/clock.ts'
import type { GroupRules } from '../../../ports/group-rules.ts'
import type { Tree } from '../../../ratchet-tree/tree.ts'
import type { Affiliation } from '../../xep/xep-0045.ts'
import type { ClientSettings } from '../client-options.ts'
import type { SeenMessage } from '../header.ts'
import type { LeafProvider } from '../leaf-provider.ts'
import type { RoomIdentity, TrustSubject } from '../room-identity.ts'
import type { MessageContent, QuarantineReason, RetentionPolicy, RoomPolicy, Trust } from '../types.ts'
import type { MlsRequest } from '../wire/request.ts'
import type { EngineEntry } from './entries.ts'

/** What is the same for a room's whole life. */
export interface EngineContext {
  readonly suite: CipherSuite
  /** `signerOf`: the signer of the own leaf of a group that was joined with an earlier key. */
  readonly identity: Identity & { signerOf?(signatureKey: Uint8Array): Identity['signer'] | undefined }
  readonly account: string
  readonly device: string
  readonly room: string
  readonly kind: 'muc' | 'mix'
  readonly clock: Clock
  readonly authentication: AuthenticationService
  readonly settings: ClientSettings
  readonly trust: (who: TrustSubject) => Trust
  readonly retention?: RetentionPolicy | undefined
  /** Tells another copy of this device by what the archive has of it. */
  readonly copies?: CopyWatch | undefined
  readonly rules?: GroupRules | undefined
  readonly leaf?: LeafProvider | undefined
  /** Who knows the people behind the devices. */
  readonly guard?: RoomIdentity | undefined
}

/** See `EngineContext.copies`. */
export interface CopyWatch {
  /** Whether what became of a message of the group shows that another copy of this device has sent it. */
  judge(
    group: Group,
    seen: {
      readonly message: Uint8Array
      readonly result: ReceiveResult | MlsError
      readonly own: boolean | undefined
    },
  ): QuarantineReason | undefined
}

/** What is wanted of the group; a commit carries it out. It is kept until it is true, whoever made it so. */
export type Intent = { readonly id: string } & Change

/** What an {@link Intent} is about. */
export type Change =
  | { readonly kind: 'add'; readonly account: string; readonly keyPackages: readonly Bytes[] }
  | { readonly kind: 'remove'; readonly account: string; readonly device: string | undefined }
  | { readonly kind: 'update' }
  | { readonly kind: 'policy'; readonly policy: RoomPolicy }

/** The own commit that waits for its place in the archive. */
export interface Attempt {
  /** Stanza id. */
  readonly id: string
  readonly epoch: bigint
  readonly commit: Bytes
  readonly groupInfo: Bytes | undefined
  readonly intents: readonly string[]
  /** KeyPackageRefs by account, for the Welcomes. */
  readonly welcome: readonly { readonly account: string; readonly references: readonly Bytes[] }[]
  unsure: boolean
}

/** An application message that the archive has not shown yet: its exact bytes, which are sent again and never remade. */
export interface OutboxItem {
  /** Stanza id. */
  readonly id: string
  readonly op: string
  readonly messageId: string
  readonly epoch: bigint
  readonly number: bigint
  readonly bytes: Bytes
  /** The plain content, for the case that its epoch turns out void. */
  readonly data: Bytes
  unsure: boolean
  /** Where it is in the archive, once it is. */
  archiveId: string | undefined
  /** Its epoch turned out void: what it says is encrypted again. */
  voided: boolean
}

/** A proposal on its way. */
export interface SentProposal {
  readonly id: string
  readonly epoch: bigint
  readonly bytes: Bytes
  unsure: boolean
}

/** A Welcome to hand out. */
export interface PendingWelcome {
  readonly id: string
  readonly account: string
  readonly epoch: bigint
  readonly at: string
  readonly welcome: Bytes
  readonly tree: Bytes
}

/** What is known of one sender's messages. */
export interface Chain {
  readonly account: string
  readonly device: string
  leafIndex: number
  /** The epoch in which this chain begins: what is said of the leaf before is about somebody else. */
  since: bigint
  number: bigint
  link: Bytes
  /** Numbers that others or later messages mention and that did not come. */
  missing: bigint[]
  reported: bigint[]
}

/** A message or commit of an epoch that has not begun here. */
export interface FutureEntry {
  readonly entry: EngineEntry
  readonly epoch: bigint
}

/** The epoch before, kept in case the archive's order changes (channels). */
export interface Previous {
  readonly epoch: bigint
  /** The group then, as what differs from it now: see `encodeEarlier`. */
  readonly earlier: Bytes
  /** Archive id of the commit that began it, and of the one that ended it. */
  readonly base: string | undefined
  readonly end: string
  readonly until: number
  /** The own commit that waited for its place then, and may be the one that counts. */
  readonly attempt: Attempt | undefined
  /** What an own commit did that would have to be done again. */
  readonly intents: readonly Intent[]
}

/** An external join under way. */
export interface Joining {
  readonly request: string
  /** How often it was asked. */
  readonly asked: number
  /** Set once the commit is on its way. */
  commit: Bytes | undefined
  id: string | undefined
  epoch: bigint | undefined
  complete: (() => Group) | undefined
}

/** GroupInfo and tree of the present epoch of a group that this device is not in, as the archive has them. */
export interface Offer {
  readonly epoch: bigint
  readonly groupInfo: Bytes
  readonly tree: Bytes
}

/** Accounts in a tree that are not in the room, kept as both change. */
export interface Outsiders {
  readonly group: Group
  readonly roster: ReadonlyMap<string, Affiliation>
  tree: Tree
  readonly accounts: Set<string>
  /** The same as a list, which is another one when they change. */
  list: readonly string[]
}

/** See the file. The engine owns and changes it. */
export interface RoomState {
  phase: 'outside' | 'active' | 'removed'
  group: Group | undefined
  /** Archive id of the last entry that was processed in the archive's order. */
  cursor: string | undefined
  /** Recently processed archive ids, oldest first. */
  readonly processed: Set<string>
  /** Archive id of the commit that began the epoch. */
  base: string | undefined
  /** The first epoch of this device. */
  joinEpoch: bigint
  previous: Previous | undefined
  intents: Intent[]
  attempt: Attempt | undefined
  races: number
  outbox: OutboxItem[]
  proposals: SentProposal[]
  /** The operation that wants this account out of the group. */
  leaving: string | undefined
  welcomes: PendingWelcome[]
  readonly chains: Map<string, Chain>
  /** Those of them that miss something, and perhaps some that do not any more; `undefined` before anybody has looked. */
  gaps: Map<string, Chain> | undefined
  ownNumber: bigint
  ownLink: Bytes
  head: SeenMessage | undefined
  future: FutureEntry[]
  /** Where the cursor stood before the first of them: they are read again after a restart. */
  hold: { readonly cursor: string | undefined } | undefined
  /** Authors of recent messages by id, oldest first. */
  readonly authors: Map<string, string>
  forked: boolean
  truncated: boolean
  /** Another copy of this device is or was alive: only receives until it has joined again. */
  quarantine: QuarantineReason | undefined
  /** What is left of a group that is no more, after a restart. */
  ended: { readonly groupId: Bytes; readonly epoch: bigint } | undefined
  /** A group that is in the archive and that this device is not in. */
  outside: { readonly group: Bytes; lastCommit: bigint | undefined } | undefined
  offer: Offer | undefined
  /** An own group whose beginning is on its way. */
  creating: { readonly group: Group; readonly id: string; readonly groupInfo: Bytes } | undefined
  joining: Joining | undefined
  /** Standing of accounts in the room; `undefined` when it could not be read. */
  roster: Map<string, Affiliation> | undefined
  rosterStale: boolean
  /** The difference of tree and list, once it was asked for. */
  outsiders: Outsiders | undefined
  /** Whether the archive was read to its end since the last loss of connection. */
  live: boolean
  /** Whether the room has put this account out: nothing that was begun there can end. */
  expelled: boolean
  /** Messages that wait until they may be encrypted. */
  queue: { readonly op: string; readonly content: MessageContent }[]
  /** Questions of others that nobody has answered yet. */
  requests: { readonly request: MlsRequest; readonly account: string }[]
  /** Cached fork tag. */
  fork: { readonly epoch: bigint; readonly tag: Bytes } | undefined
}

/** The state of a room that nothing is known of. */
export function initialState(): RoomState {
  return {
    phase: 'outside',
    group: undefined,
    cursor: undefined,
    processed: new Set(),
    base: undefined,
    joinEpoch: 0n,
    previous: undefined,
    intents: [],
    attempt: undefined,
    races: 0,
    outbox: [],
    proposals: [],
    leaving: undefined,
    welcomes: [],
    chains: new Map(),
    gaps: undefined,
    ownNumber: 0n,
    ownLink: new Uint8Array(0),
    head: undefined,
    future: [],
    hold: undefined,
    authors: new Map(),
    forked: false,
    truncated: false,
    quarantine: undefined,
    ended: undefined,
    outside: undefined,
    offer: undefined,
    creating: undefined,
    joining: undefined,
    roster: undefined,
    rosterStale: false,
    outsiders: undefined,
    live: false,
    expelled: false,
    queue: [],
    requests: [],
    fork: undefined,
  }
}
