import { element, elementsOf, withAttrs, type XmlElement } from '../../xmpp/stanza/element.ts'
import { bareJid, resourceOf } from '../../xmpp/stanza/jid.ts'
import { message, presence } from '../../xmpp/stanza/stanza.ts'
import type { StanzaError } from '../../xmpp/stanza/xmpp-error.ts'
import { discoInfo } from '../../xmpp/xep/xep-0030.ts'
import { type Affiliation, buildMucUser, mucAdmin, mucOwner, mucUserIn } from '../../xmpp/xep/xep-0045.ts'
import { mam } from '../../xmpp/xep/xep-0313.ts'
import { isStored, stampId } from './account.ts'
import { Archive } from './archive.ts'
import { answerArchive } from './archive-answer.ts'
import type { Home, Occupant, RoomParts } from './home.ts'
import { freshConfig } from './muc-config.ts'
import { answerAdmin, answerInfo, answerOwner } from './muc-requests.ts'
import { errorOf, mayBounce, readdress, resultOf } from './reply.ts'

/** One room. */
export class MucRoom implements RoomParts {
  readonly jid: string
  readonly config = freshConfig()
  readonly archive: Archive
  readonly affiliations = new Map<string, Affiliation>()
  readonly occupants = new Map<string, Occupant>()
  readonly site: Home
  /** Nobody else enters before the owner has configured the room. */
  locked = true
  readonly #byJid = new Map<string, Occupant>()
  readonly #destroyed: () => void

  constructor(jid: string, site: Home, destroyed: () => void) {
    this.jid = jid
    this.site = site
    this.archive = new Archive(site.dialect, site.random)
    this.#destroyed = destroyed
  }

  receive(stanza: XmlElement): void {
    const nick = resourceOf(stanza.attrs['to'])
    if (stanza.name === 'presence') this.#presence(stanza, nick)
    else if (stanza.name === 'message') this.#message(stanza, nick)
    else if (nick === undefined) this.#request(stanza)
    else this.#ping(stanza, nick)
  }

  affiliationOf(bare: string): Affiliation {
    return this.affiliations.get(bare) ?? 'none'
  }

  #presence(stanza: XmlElement, nick: string | undefined): void {
    const from = stanza.attrs['from'] ?? ''
    const type = stanza.attrs['type']
    if (type === 'unavailable' || type === 'error') this.drop(from, [])
    else if (type === undefined && nick !== undefined) this.#join(stanza, from, nick)
  }

  #join(stanza: XmlElement, from: string, nick: string): void {
    const bare = bareJid(from)
    const created = this.affiliations.size === 0
    if (created) this.affiliations.set(bare, 'owner')
    const refusal = this.#refusal(bare, nick)
    if (refusal !== undefined) {
      this.site.route(withAttrs(errorOf(stanza, refusal), { from: `${this.jid}/${nick}` }))
      return
    }
    const before = this.#byJid.get(from)
    if (before !== undefined && before.nick !== nick) this.drop(from, [])
    const occupant = this.occupants.get(nick) ?? { nick, bare, jids: new Set() }
    const known = occupant.jids.size > 0
    occupant.jids.add(from)
    this.occupants.set(nick, occupant)
    this.#byJid.set(from, occupant)
    if (this.config.presence)
      for (const other of this.occupants.values())
        if (other !== occupant) this.site.route(this.#presenceOf(other, from, [], []))
    const statuses = [...(this.config.nonAnonymous ? [100] : []), ...(created ? [201] : [])]
    if (!known && this.config.presence)
      for (const [jid, other] of this.#byJid)
        if (other !== occupant) this.site.route(this.#presenceOf(occupant, jid, [], []))
    this.site.route(this.#presenceOf(occupant, from, [...statuses, 110], []))
    this.site.route(message({ from: this.jid, to: from, type: 'groupchat' }, element('subject', 'jabber:client')))
  }

  #refusal(bare: string, nick: string): StanzaError | undefined {
    const affiliation = this.affiliationOf(bare)
    const holder = this.occupants.get(nick)
    const closed = this.config.membersOnly && (affiliation === 'none' || affiliation === 'outcast')
    // Prosody looks at membership before it looks at bans.
    if (closed && this.site.dialect.name === 'prosody') return { type: 'auth', condition: 'registration-required' }
    if (affiliation === 'outcast') return { type: 'auth', condition: 'forbidden' }
    if (this.locked && affiliation !== 'owner') return { type: 'cancel', condition: 'item-not-found' }
    if (closed) return { type: 'auth', condition: 'registration-required' }
    if (holder !== undefined && holder.bare !== bare) return { type: 'cancel', condition: 'conflict' }
    if (this.#byJid.size >= this.site.dialect.maxOccupants)
      return { type: 'wait', condition: 'resource-constraint', text: 'Too many users' }
    return undefined
  }

  #presenceOf(occupant: Occupant, to: string, statuses: readonly number[], extra: readonly XmlElement[]): XmlElement {
    const affiliation = this.affiliationOf(occupant.bare)
    const role = affiliation === 'owner' || affiliation === 'admin' ? 'moderator' : 'participant'
    const jid = this.config.nonAnonymous ? { jid: [...occupant.jids][0] ?? occupant.bare } : {}
    const user = buildMucUser({ items: [{ affiliation, role, ...jid }], statuses })
    return presence({ from: `${this.jid}/${occupant.nick}`, to }, user, ...extra)
  }

  /** Takes a resource out of the room and tells the others. */
  drop(jid: string, statuses: readonly number[]): void {
    const occupant = this.#byJid.get(jid)
    if (occupant === undefined) return
    this.#byJid.delete(jid)
    occupant.jids.delete(jid)
    const leave = (to: string, codes: readonly number[]): void => {
      const item = { affiliation: this.affiliationOf(occupant.bare), role: 'none', jid: occupant.bare }
      const user = buildMucUser({ items: [item], statuses: codes })
      this.site.route(presence({ from: `${this.jid}/${occupant.nick}`, to, type: 'unavailable' }, user))
    }
    leave(jid, [...statuses, 110])
    if (occupant.jids.size > 0) return
    this.occupants.delete(occupant.nick)
    if (this.config.presence || statuses.length > 0) for (const to of this.#byJid.keys()) leave(to, statuses)
  }

  /** Takes all resources of an account out of the room. */
  expel(bare: string, statuses: readonly number[]): void {
    for (const [jid, occupant] of [...this.#byJid]) if (occupant.bare === bare) this.drop(jid, statuses)
  }

  /** Changes an affiliation with all that follows from it. */
  affiliate(bare: string, affiliation: Affiliation): void {
    const before = this.affiliationOf(bare)
    if (before === affiliation) return
    if (affiliation === 'none') this.affiliations.delete(bare)
    else this.affiliations.set(bare, affiliation)
    const present = [...this.#byJid.values()].find((occupant) => occupant.bare === bare)
    if (present !== undefined && affiliation === 'outcast') this.expel(bare, [301])
    else if (present !== undefined && affiliation === 'none' && this.config.membersOnly) this.expel(bare, [321])
    else if (present !== undefined) {
      for (const to of this.#byJid.keys())
        this.site.route(this.#presenceOf(present, to, present.jids.has(to) ? [110] : [], []))
    } else {
      const notice = message({ from: this.jid }, buildMucUser({ items: [{ affiliation, jid: bare }], statuses: [] }))
      for (const to of this.#byJid.keys()) this.site.route(readdress(notice, to))
    }
  }

  #message(stanza: XmlElement, nick: string | undefined): void {
    const from = stanza.attrs['from'] ?? ''
    const type = stanza.attrs['type']
    const sender = this.#byJid.get(from)
    if (type === 'error') {
      // Whoever cannot be reached any more is out.
      this.drop(from, [333])
      return
    }
    if (nick === undefined && this.#invite(stanza, from)) return
    if (sender === undefined) {
      if (mayBounce(stanza)) this.site.route(errorOf(stanza, this.site.dialect.notInRoom))
      return
    }
    const shown = withAttrs(stanza, { from: `${this.jid}/${sender.nick}` })
    if (nick !== undefined) {
      for (const jid of this.occupants.get(nick)?.jids ?? []) this.site.route(readdress(shown, jid))
      return
    }
    if (type !== 'groupchat') return
    this.#reflect(shown, sender)
  }

  #reflect(shown: XmlElement, sender: Occupant): void {
    const at = this.site.clock.now()
    const id = this.config.archive && isStored(shown) ? this.archive.newId(at) : undefined
    const stamped = stampId(shown, this.jid, id)
    if (id !== undefined) {
      this.archive.add({ id, at, message: withAttrs(stamped, { to: undefined }), with: sender.bare })
    }
    for (const jid of this.#byJid.keys()) this.site.route(readdress(stamped, jid))
  }

  #invite(stanza: XmlElement, from: string): boolean {
    const invite = mucUserIn(stanza)?.invite
    if (invite?.to === undefined) return false
    const bare = bareJid(from)
    const affiliation = this.affiliationOf(bare)
    if (affiliation === 'owner' || affiliation === 'admin') {
      const guest = bareJid(invite.to)
      if (this.config.membersOnly && this.affiliationOf(guest) === 'none') this.affiliate(guest, 'member')
      const user = buildMucUser({ items: [], statuses: [], invite: { from: bare } })
      this.site.route(message({ from: this.jid, to: guest, id: stanza.attrs['id'] }, user))
    } else this.site.route(errorOf(stanza, { type: 'auth', condition: 'forbidden' }))
    return true
  }

  #ping(stanza: XmlElement, nick: string): void {
    if (!mayBounce(stanza)) return
    const sender = this.#byJid.get(stanza.attrs['from'] ?? '')
    if (sender === undefined) this.site.route(errorOf(stanza, this.site.dialect.notInRoom))
    else if (sender.nick === nick) this.site.route(resultOf(stanza))
    else this.site.route(errorOf(stanza, { type: 'cancel', condition: 'service-unavailable' }))
  }

  #request(stanza: XmlElement): void {
    if (!mayBounce(stanza)) return
    const payload = elementsOf(stanza)[0]
    const affiliation = this.affiliationOf(bareJid(stanza.attrs['from'] ?? ''))
    if (payload?.ns === discoInfo) answerInfo(this, stanza)
    else if (payload?.ns === mucAdmin) answerAdmin(this, stanza, payload, affiliation)
    else if (payload?.ns === mucOwner) answerOwner(this, stanza, payload, affiliation)
    else if (payload?.ns === mam && this.config.archive) this.#history(stanza, affiliation)
    else this.site.route(errorOf(stanza, { type: 'cancel', condition: 'service-unavailable' }))
  }

  #history(stanza: XmlElement, affiliation: Affiliation): void {
    const outside = affiliation === 'outcast' || (this.config.membersOnly && affiliation === 'none')
    if (outside) this.site.route(errorOf(stanza, { type: 'auth', condition: 'forbidden' }))
    else
      answerArchive(this.site, stanza, this.archive, (entry) => {
        if (!this.config.nonAnonymous || entry.with === undefined) return []
        return [buildMucUser({ items: [{ jid: entry.with }], statuses: [] })]
      })
  }

  /** Closes the room for good. */
  destroy(): void {
    for (const jid of [...this.#byJid.keys()]) {
      const occupant = this.#byJid.get(jid)
      const user = buildMucUser({ items: [{ affiliation: 'none', role: 'none' }], statuses: [110], destroyed: true })
      this.site.route(presence({ from: `${this.jid}/${occupant?.nick ?? ''}`, to: jid, type: 'unavailable' }, user))
    }
    this.forgetOccupants()
    this.#destroyed()
  }

  /** Empties the room without a word: what a crash does. */
  forgetOccupants(): void {
    this.occupants.clear()
    this.#byJid.clear()
  }
}
