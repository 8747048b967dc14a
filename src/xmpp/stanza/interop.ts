import { Element } from 'ltx'
import { MlsError } from '../../bytes/errors.ts'
import { frozen, isXmlText, type XmlElement, type XmlNode } from './element.ts'
import { xmlLimits } from './parse.ts'

/** An element of ltx, of any version: what xmpp.js hands out and takes. */
export interface LtxElement {
  readonly name: string
  readonly attrs: Readonly<Record<string, unknown>>
  readonly children: readonly unknown[]
}

/** An element in the JSON form of the library stanza. */
export interface JsonElement {
  name: string
  attributes: Record<string, string | undefined>
  children: (JsonElement | string)[]
}

/** The element as an ltx element for xmpp.js. */
export function toLtx(source: XmlElement, outer = ''): LtxElement {
  return ltxElement(source, outer)
}

function ltxElement(source: XmlElement, outer: string): Element {
  const out = new Element(source.name, { ...(source.ns === outer ? {} : { xmlns: source.ns }), ...source.attrs })
  out.append(...source.children.map((node) => (typeof node === 'string' ? node : ltxElement(node, source.ns))))
  return out
}

/**
 * The element of an ltx tree.
 * @throws `xmpp/xml`, `xmpp/xml_limit`
 */
export function fromLtx(source: LtxElement, ns = 'jabber:client'): XmlElement {
  return convert(source.name, source.attrs, source.children, new Map([['', ns]]), 1)
}

/** The element in the JSON form of the library stanza. */
export function toJson(source: XmlElement, outer = ''): JsonElement {
  return {
    name: source.name,
    attributes: { ...(source.ns === outer ? {} : { xmlns: source.ns }), ...source.attrs },
    children: source.children.map((node) => (typeof node === 'string' ? node : toJson(node, source.ns))),
  }
}

/**
 * The element of the JSON form of the library stanza.
 * @throws `xmpp/xml`, `xmpp/xml_limit`
 */
export function fromJson(source: JsonElement, ns = 'jabber:client'): XmlElement {
  return convert(source.name, source.attributes, source.children, new Map([['', ns]]), 1)
}

function convert(
  rawName: string,
  rawAttrs: Readonly<Record<string, unknown>>,
  rawChildren: readonly unknown[],
  outer: ReadonlyMap<string, string>,
  depth: number,
): XmlElement {
  if (depth > xmlLimits.depth) throw new MlsError('xmpp/xml_limit', 'XML depth beyond the limit', { rule: 'R24' })
  const attrs: Record<string, string> = {}
  let own: Map<string, string> | undefined
  const keys = Object.keys(rawAttrs)
  if (keys.length > xmlLimits.attributes)
    throw new MlsError('xmpp/xml_limit', 'XML attributes beyond the limit', { rule: 'R24' })
  for (const key of keys) {
    const raw = rawAttrs[key]
    if (raw === undefined || raw === null) continue
    const value = String(raw)
    if (!isXmlText(value)) throw new MlsError('xmpp/xml', 'character outside XML')
    if (key === 'xmlns' || key.startsWith('xmlns:')) {
      own ??= new Map(outer)
      own.set(key.slice(6), value)
    } else if (!key.includes(':') || key.startsWith('xml:')) attrs[key] = value
  }
  const scope = own ?? outer
  const colon = rawName.indexOf(':')
  const ns = scope.get(colon < 0 ? '' : rawName.slice(0, colon)) ?? ''
  const children: XmlNode[] = []
  for (const node of rawChildren) {
    const done = convertNode(node, scope, depth)
    if (done !== undefined) children.push(done)
  }
  return frozen(rawName.slice(colon + 1), ns, attrs, children)
}

function convertNode(node: unknown, scope: ReadonlyMap<string, string>, depth: number): XmlNode | undefined {
  if (typeof node === 'string' || typeof node === 'number') return String(node)
  if (typeof node !== 'object' || node === null || !('name' in node) || !('children' in node)) return undefined
  const attrs = 'attrs' in node ? node.attrs : 'attributes' in node ? node.attributes : {}
  if (typeof node.name !== 'string' || !Array.isArray(node.children) || typeof attrs !== 'object' || attrs === null)
    throw new MlsError('xmpp/xml', 'not an XML element')
  return convert(node.name, attrs as Readonly<Record<string, unknown>>, node.children, scope, depth + 1)
}
