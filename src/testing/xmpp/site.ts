import { element, elementsOf, type XmlElement } from '../../xmpp/stanza/element.ts'
import { bareJid, domainOf, tryBareJid } from '../../xmpp/stanza/jid.ts'
import { iq, presence } from '../../xmpp/stanza/stanza.ts'
import { buildDiscoInfo, buildDiscoItems, discoInfo, discoItems } from '../../xmpp/xep/xep-0030.ts'
import { ping } from '../../xmpp/xep/xep-0199.ts'
import { carbons } from '../../xmpp/xep/xep-0280.ts'
import { mam } from '../../xmpp/xep/xep-0313.ts'
import { stanzaIds } from '../../xmpp/xep/xep-0359.ts'
import { mixPam } from '../../xmpp/xep/xep-0405.ts'
import { Account } from './account.ts'
import type { Dialect } from './dialect.ts'
import type { ChannelGuest, Home } from './home.ts'
import { MixService } from './mix-service.ts'
import { MucService } from './muc-service.ts'
import { errorOf, mayBounce, resultOf } from './reply.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { Session } from './session.ts'
import { UploadService } from './upload-service.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** What a site needs of the network around it. */
export interface Network {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  /** Carries a stanza from this site to wherever its `to` lies. */
  carry(from: Site, stanza: XmlElement): void
}

/** One server: a domain with accounts, and its room, channel and upload services on sub-domains. */
export class Site implements Home {
  readonly domain: string
  readonly dialect: Dialect
  readonly accounts = new Map<string, Account>()
  readonly muc: MucService
  readonly mix: MixService | undefined
  readonly upload: UploadService
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly #network: Network

  constructor(domain: string, dialect: Dialect, network: Network) {
    this.domain = domain
    this.dialect = dialect
    this.#network = network
    this.clock = network.clock
    this.random = network.random.fork(domain)
    this.muc = new MucService(`conference.${domain}`, this)
    this.mix = dialect.mix ? new MixService(`mix.${domain}`, this) : undefined
    this.upload = new UploadService(`upload.${domain}`, this)
  }

  /** The domains that this server answers for. */
  get domains(): readonly string[] {
    return [this.domain, this.muc.domain, this.upload.domain, ...(this.mix === undefined ? [] : [this.mix.domain])]
  }

  /** Sends a stanza from anything on this server. */
  route(stanza: XmlElement): void {
    this.#network.carry(this, stanza)
  }

  /** A stanza for this server has arrived. */
  receive(stanza: XmlElement): void {
    const to = stanza.attrs['to'] ?? ''
    const domain = domainOf(to)
    if (domain === this.muc.domain) this.muc.receive(stanza)
    else if (domain === this.mix?.domain) this.mix.receive(stanza)
    else if (domain === this.upload.domain) this.upload.receive(stanza)
    else if (to === this.domain) this.#own(stanza)
    else if (!this.pamAnswer(stanza)) {
      const account = this.accounts.get(tryBareJid(to) ?? '')
      if (account !== undefined) account.receive(stanza)
      else if (mayBounce(stanza) && stanza.name !== 'presence')
        this.route(errorOf(stanza, { type: 'cancel', condition: 'service-unavailable' }))
    }
  }

  /** What a hostile server sees of what its own accounts send. */
  watch: ((account: string, stanza: XmlElement) => void) | undefined

  fromClient(session: Session, stanza: XmlElement): void {
    this.watch?.(session.bare, stanza)
    this.accounts.get(session.bare)?.fromClient(session, stanza)
  }

  /** The account, made when it does not exist. @throws `xmpp/jid` */
  account(jid: string): Account {
    const bare = bareJid(jid)
    const known = this.accounts.get(bare)
    if (known !== undefined) return known
    const account = new Account(bare, this)
    this.accounts.set(bare, account)
    return account
  }

  /** Tells every room where a lost resource sat that it is gone. */
  unavailable(jid: string): void {
    for (const room of this.#rooms.get(jid) ?? []) this.route(presence({ from: jid, to: room, type: 'unavailable' }))
    this.#rooms.delete(jid)
  }

  readonly #rooms = new Map<string, Set<string>>()

  /** Remembers directed presence, so that rooms hear of a lost resource. */
  directed(stanza: XmlElement): void {
    const [from, to] = [stanza.attrs['from'] ?? '', stanza.attrs['to'] ?? '']
    const rooms = this.#rooms.get(from) ?? new Set()
    if (stanza.attrs['type'] === 'unavailable') rooms.delete(to)
    else rooms.add(to)
    this.#rooms.set(from, rooms)
  }

  /** XEP-0405: joins or leaves a channel for an account and passes the channel's answer on. */
  pam(account: ChannelGuest, request: XmlElement, payload: XmlElement): void {
    const channel = payload.attrs['channel']
    const inner = elementsOf(payload)[0]
    if (channel === undefined || inner === undefined) {
      this.route(errorOf(request, { type: 'modify', condition: 'bad-request' }))
      return
    }
    const id = `pam-${request.attrs['id'] ?? ''}-${this.random.uint32()}`
    this.#pam.set(id, { request, account, channel, leaving: payload.name === 'client-leave' })
    this.route(iq('set', { id, from: account.bare, to: channel }, inner))
  }

  readonly #pam = new Map<string, { request: XmlElement; account: ChannelGuest; channel: string; leaving: boolean }>()

  /** Takes the channel's answer to a join that this server made for an account. Returns whether it was one. */
  pamAnswer(stanza: XmlElement): boolean {
    const pending = this.#pam.get(stanza.attrs['id'] ?? '')
    if (stanza.name !== 'iq' || pending === undefined || stanza.attrs['from'] !== pending.channel) return false
    this.#pam.delete(stanza.attrs['id'] ?? '')
    const { request, account, channel, leaving } = pending
    // ejabberd 23.01 keeps an error of the channel to itself: the client waits in vain.
    if (stanza.attrs['type'] === 'error') return true
    if (leaving) account.channels.delete(channel)
    else account.channels.add(channel)
    // ejabberd wraps the answer in the core namespace, whatever version of PAM was asked for.
    const wrapper = element(leaving ? 'client-leave' : 'client-join', 'urn:xmpp:mix:core:1', {}, ...stanza.children)
    this.route(resultOf(request, wrapper))
    return true
  }

  #own(stanza: XmlElement): void {
    const payload = elementsOf(stanza)[0]
    if (stanza.name !== 'iq' || !mayBounce(stanza)) return
    if (payload?.ns === discoItems)
      this.route(resultOf(stanza, buildDiscoItems(this.domains.slice(1).map((jid) => ({ jid })))))
    else if (payload?.ns === discoInfo) {
      const features = [mam, stanzaIds, carbons, ping, ...(this.dialect.mix ? [mixPam] : [])]
      const identities = [{ category: 'server', type: 'im', name: this.dialect.name }]
      this.route(resultOf(stanza, buildDiscoInfo({ identities, features, forms: [] })))
    } else if (payload?.ns === ping) this.route(resultOf(stanza))
    else this.route(errorOf(stanza, { type: 'cancel', condition: 'service-unavailable' }))
  }
}
