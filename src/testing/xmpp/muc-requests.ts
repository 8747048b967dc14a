import { child, type XmlElement } from '../../xmpp/stanza/element.ts'
import { bareJid, tryBareJid } from '../../xmpp/stanza/jid.ts'
import type { StanzaError } from '../../xmpp/stanza/xmpp-error.ts'
import { buildDiscoInfo } from '../../xmpp/xep/xep-0030.ts'
import {
  type Affiliation,
  buildMucAdmin,
  buildMucOwner,
  type MucItem,
  muc,
  mucStableId,
  parseMucAdmin,
  parseMucOwner,
} from '../../xmpp/xep/xep-0045.ts'
import { mam } from '../../xmpp/xep/xep-0313.ts'
import { stanzaIds } from '../../xmpp/xep/xep-0359.ts'
import type { RoomParts } from './home.ts'
import { applyConfig, configForm } from './muc-config.ts'
import { errorOf, resultOf } from './reply.ts'

const refuse = (room: RoomParts, stanza: XmlElement, type: StanzaError['type'], condition: string): void =>
  room.site.route(errorOf(stanza, { type, condition }))

/** disco#info of a room: what it is says its features. */
export function answerInfo(room: RoomParts, stanza: XmlElement): void {
  const { config } = room
  const features = [
    muc,
    config.nonAnonymous ? 'muc_nonanonymous' : 'muc_semianonymous',
    config.membersOnly ? 'muc_membersonly' : 'muc_open',
    config.persistent ? 'muc_persistent' : 'muc_temporary',
    config.public ? 'muc_public' : 'muc_hidden',
    ...(config.archive ? [mam, stanzaIds] : []),
    ...(room.site.dialect.stableIds ? [mucStableId] : []),
  ]
  const identities = [{ category: 'conference', type: 'text' }]
  const forms = [{ type: 'result' as const, formType: `${muc}#roominfo`, fields: [] }]
  room.site.route(resultOf(stanza, buildDiscoInfo({ identities, features, forms })))
}

/** Lists by affiliation, and changes of affiliation and role. */
export function answerAdmin(room: RoomParts, stanza: XmlElement, query: XmlElement, asker: Affiliation): void {
  const items = parseMucAdmin(query) ?? []
  if (stanza.attrs['type'] === 'get') {
    const wanted = items[0]?.affiliation
    const inner = asker === 'member' || asker === 'admin' || asker === 'owner'
    const closed = wanted === 'outcast' && asker === 'member'
    if (wanted === undefined) refuse(room, stanza, 'modify', 'bad-request')
    else if (!inner || closed) refuse(room, stanza, 'auth', 'forbidden')
    else {
      const list = [...room.affiliations].filter(([, affiliation]) => affiliation === wanted)
      const found = list.map(([jid, affiliation]) => ({ jid, affiliation }))
      room.site.route(resultOf(stanza, buildMucAdmin(found)))
    }
    return
  }
  if (asker !== 'owner' && asker !== 'admin') refuse(room, stanza, 'auth', 'forbidden')
  else if (items.some((item) => !allowed(room, item, asker))) refuse(room, stanza, 'cancel', 'not-allowed')
  else {
    room.site.route(resultOf(stanza))
    for (const item of items) change(room, item)
  }
}

function allowed(room: RoomParts, item: MucItem, asker: Affiliation): boolean {
  const bare = tryBareJid(item.jid)
  if (bare === undefined || item.affiliation === undefined) return item.nick !== undefined && item.role === 'none'
  const target = room.affiliationOf(bare)
  const high = (affiliation: Affiliation): boolean => affiliation === 'owner' || affiliation === 'admin'
  if (asker !== 'owner' && (high(target) || high(item.affiliation))) return false
  const owners = [...room.affiliations.values()].filter((affiliation) => affiliation === 'owner').length
  return !(target === 'owner' && item.affiliation !== 'owner' && owners === 1)
}

function change(room: RoomParts, item: MucItem): void {
  if (item.jid !== undefined && item.affiliation !== undefined) room.affiliate(bareJid(item.jid), item.affiliation)
  else if (item.nick !== undefined) {
    const occupant = room.occupants.get(item.nick)
    for (const jid of [...(occupant?.jids ?? [])]) room.drop(jid, [307])
  }
}

/** The configuration form, its submission, and the end of the room. */
export function answerOwner(room: RoomParts, stanza: XmlElement, query: XmlElement, asker: Affiliation): void {
  if (asker !== 'owner') {
    refuse(room, stanza, 'auth', 'forbidden')
    return
  }
  if (stanza.attrs['type'] === 'get') {
    room.site.route(resultOf(stanza, buildMucOwner(configForm(room.config, room.site.dialect))))
    return
  }
  if (child(query, 'destroy') !== undefined) {
    room.site.route(resultOf(stanza))
    room.destroy()
    return
  }
  const form = parseMucOwner(query)
  if (form?.type === 'submit') applyConfig(room.config, form, room.site.dialect)
  room.locked = false
  room.site.route(resultOf(stanza))
}
