import type { XmlElement } from '../../xmpp/stanza/element.ts'
import type { Affiliation } from '../../xmpp/xep/xep-0045.ts'
import type { Dialect } from './dialect.ts'
import type { RoomConfig } from './muc-config.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** What the parts of a server need of it. */
export interface Home {
  readonly domain: string
  readonly dialect: Dialect
  readonly clock: VirtualClock
  readonly random: SeededRandom
  /** Sends a stanza to wherever its `to` lies. */
  route(stanza: XmlElement): void
  /** Remembers directed presence, so that rooms hear of a lost resource. */
  directed(presence: XmlElement): void
  /** Tells every room where a lost resource sat that it is gone. */
  unavailable(jid: string): void
  /** XEP-0405: joins or leaves a channel for an account and passes the channel's answer on. */
  pam(account: ChannelGuest, request: XmlElement, payload: XmlElement): void
}

/** An account as far as channels are concerned. */
export interface ChannelGuest {
  readonly bare: string
  readonly channels: Set<string>
}

/** Someone in a room: one nick of one account, with all its resources. */
export interface Occupant {
  readonly nick: string
  readonly bare: string
  readonly jids: Set<string>
}

/** A room as the answers to requests see it. */
export interface RoomParts {
  readonly site: Home
  readonly config: RoomConfig
  readonly affiliations: ReadonlyMap<string, Affiliation>
  readonly occupants: ReadonlyMap<string, Occupant>
  locked: boolean
  affiliationOf(bare: string): Affiliation
  affiliate(bare: string, affiliation: Affiliation): void
  drop(jid: string, statuses: readonly number[]): void
  destroy(): void
}
