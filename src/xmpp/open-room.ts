import { discoverInfo } from './disco.ts'
import { MixRoom } from './mix/mix-room.ts'
import { MucRoom } from './muc/muc-room.ts'
import type { XmppContext } from './port.ts'
import type { Room } from './room.ts'
import { domainOf } from './stanza/jid.ts'

/**
 * The driver for an address: MUC where its service is one (also where it is both), else MIX. Nothing is joined yet.
 * @throws XmppError, `xmpp/timeout`, `xmpp/offline`, `xmpp/jid`
 */
export async function openRoom(jid: string, context: XmppContext): Promise<Room> {
  const { identities } = await discoverInfo(context.port, domainOf(jid))
  const channel = identities.some(({ category, type }) => category === 'conference' && type === 'mix')
  const room = identities.some(({ category, type }) => category === 'conference' && type !== 'mix')
  return channel && !room ? new MixRoom(jid, context) : new MucRoom(jid, context)
}
