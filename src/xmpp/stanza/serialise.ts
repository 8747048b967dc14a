import { escapeXML, escapeXMLText } from 'ltx'
import type { XmlElement, XmlNode } from './element.ts'

/**
 * The element as XML text without prefixes: each change of namespace is an `xmlns`.
 * @param outer the namespace that is in force where the text is put; it needs no declaration
 */
export function serialise(source: XmlElement, outer = ''): string {
  let text = `<${source.name}`
  if (source.ns !== outer) text += ` xmlns="${escapeXML(source.ns)}"`
  for (const key of Object.keys(source.attrs)) text += ` ${key}="${escapeXML(source.attrs[key] ?? '')}"`
  if (source.children.length === 0) return `${text}/>`
  text += '>'
  for (const node of source.children) text += serialiseNode(node, source.ns)
  return `${text}</${source.name}>`
}

function serialiseNode(node: XmlNode, outer: string): string {
  return typeof node === 'string' ? escapeXMLText(node) : serialise(node, outer)
}

/**
 * Bytes of the element as UTF-8 XML on a stream whose namespace is `outer`, without building the text: what a server's
 * stanza limit counts.
 */
export function xmlSize(source: XmlElement, outer = 'jabber:client'): number {
  let size = 2 * source.name.length + 5
  if (source.ns !== outer) size += 9 + textSize(source.ns, true)
  for (const key of Object.keys(source.attrs)) size += key.length + 4 + textSize(source.attrs[key] ?? '', true)
  if (source.children.length === 0) return size - source.name.length - 2
  for (const node of source.children)
    size += typeof node === 'string' ? textSize(node, false) : xmlSize(node, source.ns)
  return size
}

function textSize(text: string, quotes: boolean): number {
  let size = text.length
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 128) {
      if (code === 38) size += 4
      else if (code === 60 || code === 62) size += 3
      else if (quotes && (code === 34 || code === 39)) size += 5
    } else if (code < 0x800) size += 1
    else size += code >= 0xd800 && code < 0xe000 ? 1 : 2
  }
  return size
}
