import { MlsError } from '../../bytes/errors.ts'
import type { XmppPort } from '../port.ts'
import { elementsOf } from '../stanza/element.ts'
import { iq } from '../stanza/stanza.ts'
import { submission } from '../xep/xep-0004.ts'
import type { DiscoInfo } from '../xep/xep-0030.ts'
import { buildMucOwner, mucRoomConfig, parseMucOwner } from '../xep/xep-0045.ts'
import { mam } from '../xep/xep-0313.ts'
import { stanzaIds } from '../xep/xep-0359.ts'

/** What an encrypted room must be; only the fields that a server offers are sent. */
const wanted: Readonly<Record<string, string>> = {
  'muc#roomconfig_persistentroom': '1',
  'muc#roomconfig_membersonly': '1',
  'muc#roomconfig_whois': 'anyone',
  'muc#roomconfig_publicroom': '0',
  'muc#roomconfig_changesubject': '0',
  // ejabberd 23.01 gives whoever was in a moderated room the old role again: the banned could come back in.
  'muc#roomconfig_moderatedroom': '0',
  // The archive: Prosody's name, then ejabberd's. Without the field every room has one, or none can.
  'muc#roomconfig_enablearchiving': '1',
  mam: '1',
}

/** Configures a room that we own: members only, non-anonymous, persistent, hidden, archived. @throws XmppError */
export async function configureRoom(port: XmppPort, room: string): Promise<void> {
  const answer = await port.request(iq('get', { to: room }, buildMucOwner()))
  const offered = parseMucOwner(elementsOf(answer)[0])
  const fields = Object.entries(wanted).filter(([name]) => offered?.fields.some((field) => field.var === name))
  await port.request(iq('set', { to: room }, buildMucOwner(submission(mucRoomConfig, Object.fromEntries(fields)))))
}

/**
 * Refuses a room that cannot carry an encrypted group.
 * @throws `xmpp/room_archive` when it has no archive with stable ids: no order, no catch-up; `xmpp/room_anonymous` when it
 * hides real addresses: credentials could be bound to nobody
 */
export function checkRoom(info: DiscoInfo): void {
  const has = (feature: string): boolean => info.features.includes(feature)
  if (!has(mam) || !has(stanzaIds)) throw new MlsError('xmpp/room_archive', 'the room keeps no archive')
  if (!has('muc_nonanonymous')) throw new MlsError('xmpp/room_anonymous', 'the room hides the addresses of its members')
}
