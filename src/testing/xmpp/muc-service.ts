import { elementsOf, type XmlElement } from '../../xmpp/stanza/element.ts'
import { resourceOf, tryBareJid } from '../../xmpp/stanza/jid.ts'
import { buildDiscoInfo, buildDiscoItems, discoInfo, discoItems } from '../../xmpp/xep/xep-0030.ts'
import { muc } from '../../xmpp/xep/xep-0045.ts'
import type { Home } from './home.ts'
import { MucRoom } from './muc-room.ts'
import { errorOf, mayBounce, resultOf } from './reply.ts'

/** The room service of a server (XEP-0045). */
export class MucService {
  readonly domain: string
  readonly rooms = new Map<string, MucRoom>()
  readonly #site: Home

  constructor(domain: string, site: Home) {
    this.domain = domain
    this.#site = site
  }

  receive(stanza: XmlElement): void {
    const to = stanza.attrs['to'] ?? ''
    if (to === this.domain) {
      this.#own(stanza)
      return
    }
    const jid = tryBareJid(to)
    if (jid === undefined) return
    const room = this.rooms.get(jid)
    if (room !== undefined) room.receive(stanza)
    else if (stanza.name === 'presence' && stanza.attrs['type'] === undefined && resourceOf(to) !== undefined) {
      const fresh = new MucRoom(jid, this.#site, () => this.rooms.delete(jid))
      this.rooms.set(jid, fresh)
      fresh.receive(stanza)
    } else if (mayBounce(stanza)) this.#site.route(errorOf(stanza, { type: 'cancel', condition: 'item-not-found' }))
  }

  /** A restart: occupants are gone, rooms and archives stay. */
  restart(): void {
    for (const room of this.rooms.values()) room.forgetOccupants()
  }

  #own(stanza: XmlElement): void {
    if (stanza.name !== 'iq' || !mayBounce(stanza)) return
    const payload = elementsOf(stanza)[0]
    if (payload?.ns === discoInfo) {
      const identities = [{ category: 'conference', type: 'text' }]
      this.#site.route(resultOf(stanza, buildDiscoInfo({ identities, features: [muc], forms: [] })))
    } else if (payload?.ns === discoItems) {
      const open = [...this.rooms.values()].filter((room) => room.config.public)
      this.#site.route(resultOf(stanza, buildDiscoItems(open.map(({ jid }) => ({ jid })))))
    } else this.#site.route(errorOf(stanza, { type: 'cancel', condition: 'service-unavailable' }))
  }
}
