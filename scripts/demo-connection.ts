// A device's connection in the demos: tapped, so that what the server sees is told.
import { decodeManifest } from '../src/identity/manifest.ts'
import { identityNamespace, parseBytes } from '../src/xmpp/identity/wire.ts'
import { elementsOf, textOf, type XmlElement } from '../src/xmpp/stanza/element.ts'
import { bareJid } from '../src/xmpp/stanza/jid.ts'
import { serialise } from '../src/xmpp/stanza/serialise.ts'
import type { Stage, StageClient } from './demo-stage.ts'
import { type ServerView, serverView, type Tapped, tap } from './demo-tap.ts'

/** Connects a device under the name that people call it; `seen` hears of what it sends of rooms and identities. */
export async function connect(
  stage: Stage,
  user: string,
  resource: string,
  seen: { server(view: ServerView): void },
): Promise<{ readonly name: string; readonly connection: StageClient; readonly tapped: Tapped }> {
  const connection = await stage.connect(user, resource)
  const name = `${user}/${resource}`
  const tapped = tap(connection.port, (stanza) => {
    const view = serverView(stanza, name) ?? identityView(stanza, name)
    if (view !== undefined) seen.server(view)
  })
  return { name, connection, tapped }
}

/** What the server sees of an element of identities: lists are public and signed, the rest is sealed. */
function identityView(stanza: XmlElement, from: string): ServerView | undefined {
  const found = identityElement(stanza)
  if (found === undefined || (stanza.name !== 'message' && stanza.name !== 'iq')) return undefined
  const text = textOf(found)
  const to = stanza.attrs['to']
  return {
    stanza: stanza.name,
    from,
    to: to === undefined ? undefined : bareJid(to),
    element: found.name,
    detail: detailOf(found),
    bytes: Buffer.byteLength(serialise(stanza)),
    head: found.name === 'manifest' ? '' : text.slice(0, 8),
    tail: text.slice(-8),
  }
}

function detailOf(found: XmlElement): string {
  if (found.name === 'certificates') return `${elementsOf(found).length} for a device`
  if (found.name === 'backup' || found.name === 'link') return 'sealed'
  const bytes = parseBytes('manifest', found)
  if (bytes === undefined) return ''
  const { seq, devices, generation } = decodeManifest(bytes)
  return `list ${seq}${generation > 0 ? ` of root ${generation}` : ''}, ${devices.length} devices, signed`
}

function identityElement(node: XmlElement): XmlElement | undefined {
  if (node.ns === identityNamespace) return node
  for (const inner of elementsOf(node)) {
    const found = identityElement(inner)
    if (found !== undefined) return found
  }
  return undefined
}
