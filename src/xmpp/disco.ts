import type { XmppPort } from './port.ts'
import { elementsOf } from './stanza/element.ts'
import { iq } from './stanza/stanza.ts'
import {
  buildDiscoInfoQuery,
  buildDiscoItemsQuery,
  type DiscoInfo,
  type DiscoItem,
  parseDiscoInfo,
  parseDiscoItems,
} from './xep/xep-0030.ts'

/** What an entity is and can. @throws XmppError, `xmpp/timeout`, `xmpp/offline` */
export async function discoverInfo(port: XmppPort, jid: string, node?: string): Promise<DiscoInfo> {
  const answer = await port.request(iq('get', { to: jid }, buildDiscoInfoQuery(node)))
  return parseDiscoInfo(elementsOf(answer)[0]) ?? { identities: [], features: [], forms: [] }
}

/** The entities that an entity names. @throws XmppError, `xmpp/timeout`, `xmpp/offline` */
export async function discoverItems(port: XmppPort, jid: string, node?: string): Promise<readonly DiscoItem[]> {
  const answer = await port.request(iq('get', { to: jid }, buildDiscoItemsQuery(node)))
  return parseDiscoItems(elementsOf(answer)[0]) ?? []
}

/** The services of a server by kind: category and type of the identity, for example `conference/text`. */
export async function discoverService(
  port: XmppPort,
  domain: string,
  wanted: { readonly category: string; readonly type: string },
): Promise<string | undefined> {
  for (const { jid } of await discoverItems(port, domain)) {
    const info = await discoverInfo(port, jid).catch(() => undefined)
    const fits = info?.identities.some(({ category, type }) => category === wanted.category && type === wanted.type)
    if (fits === true) return jid
  }
  return undefined
}
