import { MlsError } from '../../bytes/errors.ts'
import type { XmlElement } from '../../xmpp/stanza/element.ts'
import { bareJid, domainOf, parseJid, resourceOf } from '../../xmpp/stanza/jid.ts'
import type { Archive } from './archive.ts'
import { type Dialect, ejabberdDialect, prosodyDialect } from './dialect.ts'
import { type Faults, type Interceptor, noFaults } from './faults.ts'
import { errorOf, mayBounce } from './reply.ts'
import { SeededRandom } from './seeded-random.ts'
import { Session, type SessionHost } from './session.ts'
import { type Network, Site } from './site.ts'
import { VirtualClock } from './virtual-clock.ts'

/** How a service is made. */
export interface ServiceOptions {
  /** The whole run follows from it. */
  readonly seed: number | string
  readonly clock?: VirtualClock
  /** Servers by domain; by default one of Prosody's kind at `example.org`. */
  readonly sites?: Readonly<Record<string, Dialect | Dialect['name']>>
  /** Milliseconds of one way between client and server, and between servers. */
  readonly latency?: { readonly client?: number; readonly server?: number }
}

/**
 * XMPP servers in this process, at the level of stanzas: accounts with several resources, rooms (`conference.DOMAIN`),
 * channels (`mix.DOMAIN`, ejabberd's kind only), upload (`upload.DOMAIN`), personal nodes, archives, carbons and offline
 * store, on virtual time, with faults that follow from a seed.
 */
export class XmppService implements Network {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly sites = new Map<string, Site>()
  /** Current faults of all client streams. */
  faults: Faults = noFaults
  readonly #byDomain = new Map<string, Site>()
  readonly #interceptors = new Set<Interceptor>()
  readonly #cuts = new Set<string>()
  readonly #latency: { client: number; server: number }
  #resources = 0

  constructor(options: ServiceOptions) {
    this.clock = options.clock ?? new VirtualClock()
    this.random = new SeededRandom(options.seed)
    this.#latency = { client: options.latency?.client ?? 1, server: options.latency?.server ?? 5 }
    for (const [domain, dialect] of Object.entries(options.sites ?? { 'example.org': 'prosody' }))
      this.addSite(domain, dialect)
  }

  /** Adds a server. */
  addSite(domain: string, dialect: Dialect | Dialect['name']): Site {
    const kind = dialect === 'prosody' ? prosodyDialect : dialect === 'ejabberd' ? ejabberdDialect : dialect
    const site = new Site(domain, kind, this)
    this.sites.set(domain, site)
    for (const name of site.domains) this.#byDomain.set(name, site)
    return site
  }

  /** The server that answers for the domain of an address. @throws `xmpp/jid` when there is none */
  site(jid: string): Site {
    const site = this.#byDomain.get(domainOf(jid))
    if (site === undefined) throw new MlsError('xmpp/jid', 'no server of the service has this domain')
    return site
  }

  /** Makes an account. */
  register(jid: string): void {
    this.site(jid).account(jid)
  }

  /**
   * Connects a resource of an account (made if needed). Like with a real server, messages to the bare JID come only after
   * presence was sent.
   * @param jid full JID, or bare for a chosen resource
   */
  connect(jid: string): Session {
    const { resource } = parseJid(jid)
    const full = resource === undefined ? `${bareJid(jid)}/r${++this.#resources}` : jid
    const site = this.site(jid)
    const account = site.account(jid)
    const session = new Session(full, this.#host(site))
    account.sessions.get(resourceOf(full) ?? '')?.disconnect()
    account.sessions.set(resourceOf(full) ?? '', session)
    return session
  }

  #host(site: Site): SessionHost {
    const service = this
    return {
      clock: this.clock,
      random: this.random.fork('session'),
      get faults() {
        return service.faults
      },
      interceptors: this.#interceptors,
      latency: this.#latency.client,
      streamLimit: site.dialect.streamLimit,
      announcesLimit: site.dialect.announcesLimit,
      shaper: site.dialect.shaper,
      fetch: this.fetch,
      fromClient: (session, stanza) => site.fromClient(session, stanza),
      closed: (session) => site.accounts.get(session.bare)?.closed(session),
      opened: (session) => site.account(session.bare).sessions.set(resourceOf(session.jid) ?? '', session),
    }
  }

  /** HTTP of all upload services; nothing else is reachable. */
  readonly fetch: typeof fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    const site = this.#byDomain.get(new URL(url).host)
    return site === undefined ? new Response(null, { status: 404 }) : await site.upload.http(url, init)
  }

  carry(from: Site, stanza: XmlElement): void {
    const to = this.#byDomain.get(domainOf(stanza.attrs['to'] ?? ''))
    if (to === from) from.receive(stanza)
    else if (to === undefined) this.#bounce(from, stanza, 'remote-server-not-found')
    else if (this.#cuts.has(link(from.domain, to.domain))) this.#bounce(from, stanza, 'remote-server-timeout')
    else this.clock.deliver(this.#latency.server, () => to.receive(stanza))
  }

  #bounce(from: Site, stanza: XmlElement, condition: string): void {
    if (!mayBounce(stanza)) return
    const error = errorOf(stanza, { type: condition === 'remote-server-timeout' ? 'wait' : 'cancel', condition })
    this.clock.deliver(this.#latency.server, () => from.receive(error))
  }

  /** Cuts the link between two servers: stanzas bounce until {@link heal}. */
  partition(a: string, b: string): void {
    this.#cuts.add(link(this.site(a).domain, this.site(b).domain))
  }

  /** Mends the link between two servers. */
  heal(a: string, b: string): void {
    this.#cuts.delete(link(this.site(a).domain, this.site(b).domain))
  }

  /** Kills and starts a server: all its streams end, rooms are empty, everything stored is still there. */
  restart(domain: string): void {
    const site = this.site(domain)
    site.muc.restart()
    for (const account of site.accounts.values())
      for (const session of [...account.sessions.values()]) session.disconnect()
  }

  /** Lets a hand between servers and clients. Returns how to take it out. */
  intercept(interceptor: Interceptor): () => void {
    this.#interceptors.add(interceptor)
    return () => this.#interceptors.delete(interceptor)
  }

  /** Puts a stanza on the streams of an account or resource as if the server had sent it. */
  inject(jid: string, stanza: XmlElement): void {
    const account = this.site(jid).account(jid)
    const resource = resourceOf(jid)
    for (const [name, session] of account.sessions)
      if (resource === undefined || resource === name) session.deliver(stanza)
  }

  /** The archive of a room, channel or account, to look at, shorten or falsify. @throws `xmpp/jid` */
  archive(jid: string): Archive {
    const site = this.site(jid)
    const bare = bareJid(jid)
    const found = site.muc.rooms.get(bare) ?? site.mix?.channels.get(bare) ?? site.accounts.get(bare)
    if (found === undefined) throw new MlsError('xmpp/jid', 'nothing of the service has this address')
    return found.archive
  }

  /** Replaces or (without payload) removes an item of an account's node, as a hostile server would. */
  forgeItem(account: string, node: string, id: string, payload: XmlElement | undefined): void {
    this.site(account).account(account).pep.force(node, id, payload)
  }
}

function link(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
