import type { XmppPort } from '../port.ts'
import { elementsOf, type XmlElement } from '../stanza/element.ts'
import { bareJid, sameBareJid } from '../stanza/jid.ts'
import { iq } from '../stanza/stanza.ts'
import { hasCondition } from '../stanza/xmpp-error.ts'
import {
  buildItemsRequest,
  buildSubscribe,
  type PubsubEvent,
  type PubsubItem,
  parseItems,
  pubsubEventIn,
} from '../xep/xep-0060.ts'

/**
 * What a node of somebody holds. `none`: no node, or one that is closed to us, which Prosody does not tell apart
 * (`auth/forbidden` where ejabberd says `item-not-found`).
 */
export type PepFetch =
  | { readonly kind: 'items'; readonly items: readonly PubsubItem[] }
  | { readonly kind: 'none'; readonly condition: string }

/**
 * Reads items of an account's node: all, the newest `max`, or some by id. Items of another node are not taken.
 * @throws XmppError of any other kind, `xmpp/timeout`, `xmpp/offline`
 */
export async function fetchPep(
  port: XmppPort,
  account: string,
  node: string,
  wanted: { readonly max?: number; readonly ids?: readonly string[] } = {},
): Promise<PepFetch> {
  const own = sameBareJid(account, port.jid)
  try {
    const to = own ? undefined : bareJid(account)
    const answer = await port.request(iq('get', { to }, buildItemsRequest(node, wanted)))
    const found = parseItems(elementsOf(answer)[0])
    return { kind: 'items', items: found?.node === node ? found.items : [] }
  } catch (error) {
    const absent = ['item-not-found', 'forbidden', 'not-allowed', 'not-authorized', 'service-unavailable']
    if (!hasCondition(error, ...absent)) throw error
    return { kind: 'none', condition: error.condition }
  }
}

/** Asks to be told of changes of an open node of somebody. Events are hints: fetch again after each reconnect. */
export async function subscribePep(port: XmppPort, account: string, node: string): Promise<void> {
  await port.request(iq('set', { to: bareJid(account) }, buildSubscribe(node, bareJid(port.jid))))
}

/**
 * Changes of nodes as they are announced. The account is the sender's bare address (S05); an event without sender is the
 * own account's.
 */
export function onPepEvent(
  port: XmppPort,
  listener: (account: string, event: PubsubEvent, message: XmlElement) => void,
): () => void {
  const own = bareJid(port.jid)
  return port.onStanza((stanza) => {
    if (stanza.name !== 'message' || stanza.attrs['type'] === 'error') return
    const event = pubsubEventIn(stanza)
    const from = stanza.attrs['from'] ?? own
    if (event !== undefined && !from.includes('/')) listener(from, event, stanza)
  })
}
