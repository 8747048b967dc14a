import { MlsError } from '../../bytes/errors.ts'

/**
 * The one XML type of the binding: an immutable element whose namespace is resolved, so that a server that moves `xmlns`
 * between parent and child changes nothing for us. Prefixes do not exist here; of prefixed attributes only `xml:*` survive.
 */
export interface XmlElement {
  /** Local name, without prefix. */
  readonly name: string
  /** Namespace URI, inherited from the parents where it was not declared; empty when there is none. */
  readonly ns: string
  readonly attrs: Readonly<Record<string, string>>
  readonly children: readonly XmlNode[]
}

/** An element or a piece of text. */
export type XmlNode = XmlElement | string

/** Attributes as builders take them: `undefined` leaves the attribute out. */
export type AttributeInput = Readonly<Record<string, string | number | undefined>>

/** Children as builders take them: `undefined` leaves the child out. */
export type ChildInput = XmlNode | undefined

const nameForm = /^[A-Za-z_][\w.-]*$/
const attributeForm = /^(?:xml:)?[A-Za-z_][\w.-]*$/
// Characters outside XML 1.0 §2.2: one of them in a stanza ends the whole stream.
const forbidden = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u

// most texts: every character is plainly allowed, which needs no look at code points
const printable = /^[ -~]*$/

/** Whether every character of `text` may appear in XML 1.0 (§2.2). */
export function isXmlText(text: string): boolean {
  return printable.test(text) || !forbidden.test(text)
}

/**
 * Builds a frozen element.
 * @throws `xmpp/build` when a name or a character cannot be written in XML
 */
export function element(name: string, ns: string, attrs: AttributeInput = {}, ...children: ChildInput[]): XmlElement {
  if (!nameForm.test(name)) throw new MlsError('xmpp/build', 'not an XML name')
  const kept: Record<string, string> = {}
  for (const key of Object.keys(attrs)) {
    const value = attrs[key]
    if (value === undefined) continue
    if (!attributeForm.test(key) || key === 'xmlns') throw new MlsError('xmpp/build', 'not an attribute name')
    const text = String(value)
    if (!isXmlText(text)) throw new MlsError('xmpp/build', 'character outside XML')
    kept[key] = text
  }
  const nodes: XmlNode[] = []
  for (const child of children) {
    if (child === undefined || child === '') continue
    if (typeof child === 'string' && !isXmlText(child)) throw new MlsError('xmpp/build', 'character outside XML')
    nodes.push(child)
  }
  return frozen(name, ns, kept, nodes)
}

/** Freezes parts that were checked before; the caller gives its objects away. */
export function frozen(name: string, ns: string, attrs: Record<string, string>, children: XmlNode[]): XmlElement {
  return Object.freeze({ name, ns, attrs: Object.freeze(attrs), children: Object.freeze(children) })
}

/** A builder for one namespace: `const q = tag(ns); q('item', { id }, ...children)`. */
export function tag(ns: string): (name: string, attrs?: AttributeInput, ...children: ChildInput[]) => XmlElement {
  return (name, attrs = {}, ...children) => element(name, ns, attrs, ...children)
}

/** Whether the element has this namespace and, where given, this local name. */
export function is(node: XmlNode, name: string | undefined, ns: string): node is XmlElement {
  return typeof node !== 'string' && node.ns === ns && (name === undefined || node.name === name)
}

/** The first child element with this name and namespace (by default the parent's). */
export function child(parent: XmlElement, name: string | undefined, ns: string = parent.ns): XmlElement | undefined {
  // by index: what iterates over a frozen list makes an object for each item
  const { children } = parent
  for (let i = 0; i < children.length; i++) {
    const node = children[i] as XmlNode
    if (is(node, name, ns)) return node
  }
  return undefined
}

/** All child elements with this name and namespace (by default the parent's). */
export function childrenOf(
  parent: XmlElement,
  name: string | undefined,
  ns: string = parent.ns,
): readonly XmlElement[] {
  return parent.children.filter((node): node is XmlElement => is(node, name, ns))
}

/** All child elements, of any name and namespace. */
export function elementsOf(parent: XmlElement): readonly XmlElement[] {
  return parent.children.filter((node): node is XmlElement => typeof node !== 'string')
}

/** The text directly inside the element. */
export function textOf(parent: XmlElement): string {
  const { children } = parent
  let text = ''
  for (let i = 0; i < children.length; i++) if (typeof children[i] === 'string') text += children[i]
  return text
}

/** The text of the first child with this name and namespace, if there is one. */
export function childText(parent: XmlElement, name: string, ns: string = parent.ns): string | undefined {
  const found = child(parent, name, ns)
  return found === undefined ? undefined : textOf(found)
}

/** The same element with some attributes set, or removed where `undefined`. */
export function withAttrs(source: XmlElement, changes: AttributeInput): XmlElement {
  const attrs: Record<string, string> = { ...source.attrs }
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) delete attrs[key]
    else attrs[key] = String(value)
  }
  return Object.freeze({ name: source.name, ns: source.ns, attrs: Object.freeze(attrs), children: source.children })
}

/** The same element with other children. */
export function withChildren(source: XmlElement, children: readonly XmlNode[]): XmlElement {
  return Object.freeze({
    name: source.name,
    ns: source.ns,
    attrs: source.attrs,
    children: Object.freeze([...children]),
  })
}

/** Whether two elements are the same infoset: names, namespaces, attributes, children in order, adjacent text joined. */
export function sameElement(a: XmlElement, b: XmlElement): boolean {
  if (a.name !== b.name || a.ns !== b.ns) return false
  const keys = Object.keys(a.attrs)
  if (keys.length !== Object.keys(b.attrs).length || keys.some((key) => a.attrs[key] !== b.attrs[key])) return false
  const left = joined(a.children)
  const right = joined(b.children)
  return left.length === right.length && left.every((node, i) => sameNode(node, right[i]))
}

function sameNode(a: XmlNode, b: XmlNode | undefined): boolean {
  if (typeof a === 'string' || typeof b === 'string' || b === undefined) return a === b
  return sameElement(a, b)
}

function joined(nodes: readonly XmlNode[]): XmlNode[] {
  const out: XmlNode[] = []
  for (const node of nodes) {
    const last = out.at(-1)
    if (typeof node === 'string' && typeof last === 'string') out[out.length - 1] = last + node
    else out.push(node)
  }
  return out
}
