// XEP-0045: Multi-User Chat, version 1.35.5 (2026-05-03), https://xmpp.org/extensions/xep-0045.html

import { child, childrenOf, childText, tag, type XmlElement } from '../stanza/element.ts'
import { buildForm, type DataForm, formIn } from './xep-0004.ts'

/** Namespace or form type. */
export const muc = 'http://jabber.org/protocol/muc'
/** Namespace or form type. */
const mucUser = `${muc}#user`
/** Namespace or form type. */
export const mucAdmin = `${muc}#admin`
/** Namespace or form type. */
export const mucOwner = `${muc}#owner`
/** Namespace or form type. */
export const mucRoomConfig = `${muc}#roomconfig`
/** Feature of rooms that show a message under the id that it was sent with (§7.4). */
export const mucStableId = `${muc}#stable_id`
const user = tag(mucUser)
const admin = tag(mucAdmin)
const owner = tag(mucOwner)

const affiliations = ['owner', 'admin', 'member', 'outcast', 'none'] as const

/** Long-lived standing of an account in a room (§5.2). */
export type Affiliation = (typeof affiliations)[number]

/** One `item` of muc#user or muc#admin. Unknown affiliations are left out. */
export interface MucItem {
  readonly affiliation?: Affiliation
  readonly role?: string
  readonly jid?: string
  readonly nick?: string
}

/** The `x` of muc#user in presence and messages of a room. */
export interface MucUser {
  readonly items: readonly MucItem[]
  /** Status codes of §15.6: 110 own presence, 201 created, 301 banned, 307 kicked, 321, 322, 332, 333. */
  readonly statuses: readonly number[]
  readonly invite?: { readonly from?: string; readonly to?: string; readonly reason?: string }
  readonly destroyed?: boolean
}

/** The `x` of a join presence: no history, which the archive gives in order. */
export function buildMucJoin(password?: string): XmlElement {
  const x = tag(muc)
  return x('x', {}, x('history', { maxstanzas: 0 }), password === undefined ? undefined : x('password', {}, password))
}

/** The `x` of muc#user as XML. */
export function buildMucUser(value: MucUser): XmlElement {
  const invite = value.invite
  return user(
    'x',
    {},
    ...value.items.map((item) => user('item', { ...item })),
    ...value.statuses.map((code) => user('status', { code })),
    invite === undefined
      ? undefined
      : user(
          'invite',
          { from: invite.from, to: invite.to },
          invite.reason === undefined ? undefined : user('reason', {}, invite.reason),
        ),
    value.destroyed === true ? user('destroy') : undefined,
  )
}

/** The muc#user part of a stanza of a room, if it has one. */
export function mucUserIn(stanza: XmlElement): MucUser | undefined {
  return parseMucUser(child(stanza, 'x', mucUser))
}

/** The `x` of muc#user; `undefined` for any other element. */
export function parseMucUser(source: XmlElement | undefined): MucUser | undefined {
  if (source?.name !== 'x' || source.ns !== mucUser) return undefined
  const statuses = childrenOf(source, 'status').flatMap(({ attrs }) => {
    const code = Number(attrs['code'])
    return Number.isInteger(code) ? [code] : []
  })
  const invite = child(source, 'invite')
  return {
    items: childrenOf(source, 'item').map(parseItem),
    statuses,
    ...(invite === undefined ? {} : { invite: parseInvite(invite) }),
    ...(child(source, 'destroy') === undefined ? {} : { destroyed: true }),
  }
}

function parseInvite(source: XmlElement): NonNullable<MucUser['invite']> {
  const { from, to } = { from: source.attrs['from'], to: source.attrs['to'] }
  const reason = childText(source, 'reason')
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(reason === undefined ? {} : { reason }),
  }
}

function parseItem({ attrs }: XmlElement): MucItem {
  const affiliation = affiliations.find((name) => name === attrs['affiliation'])
  const { role, jid, nick } = { role: attrs['role'], jid: attrs['jid'], nick: attrs['nick'] }
  return {
    ...(affiliation === undefined ? {} : { affiliation }),
    ...(role === undefined ? {} : { role }),
    ...(jid === undefined ? {} : { jid }),
    ...(nick === undefined ? {} : { nick }),
  }
}

/** A muc#admin query: a list to read (items with an affiliation only) or changes to make (items with jid or nick). */
export function buildMucAdmin(items: readonly MucItem[]): XmlElement {
  return admin('query', {}, ...items.map((item) => admin('item', { ...item })))
}

/** The items of a muc#admin query; `undefined` for any other element. */
export function parseMucAdmin(source: XmlElement | undefined): readonly MucItem[] | undefined {
  if (source?.name !== 'query' || source.ns !== mucAdmin) return undefined
  return childrenOf(source, 'item').map(parseItem)
}

/** The question for the room's configuration form, or a submitted form. */
export function buildMucOwner(form?: DataForm): XmlElement {
  return owner('query', {}, form === undefined ? undefined : buildForm(form))
}

/** The form in a muc#owner query. */
export function parseMucOwner(source: XmlElement | undefined): DataForm | undefined {
  return source?.name === 'query' && source.ns === mucOwner ? formIn(source) : undefined
}
