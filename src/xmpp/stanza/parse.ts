import { escapeXMLText } from 'ltx'
import SaxLtx from 'ltx/src/parsers/ltx.js'
import { MlsError } from '../../bytes/errors.ts'
import { frozen, isXmlText, type XmlElement, type XmlNode } from './element.ts'

/** Bounds of {@link parseXml} and of the adapters: R24. */
export interface XmlLimits {
  /** UTF-16 code units of the text. */
  readonly length: number
  readonly depth: number
  /** Attributes of one element, namespace declarations included. */
  readonly attributes: number
  /** Elements of the whole text. */
  readonly elements: number
}

/** R24: 1 MiB, 32 levels, 256 attributes; 65,536 elements. */
export const xmlLimits: XmlLimits = { length: 1 << 20, depth: 32, attributes: 256, elements: 1 << 16 }

interface Open {
  readonly rawName: string
  readonly name: string
  readonly ns: string
  readonly attrs: Record<string, string>
  readonly children: XmlNode[]
  readonly scope: Scope
}

/** Namespace declarations in scope, by prefix; '' is the default namespace. */
type Scope = ReadonlyMap<string, string>

const xmlNamespace = 'http://www.w3.org/XML/1998/namespace'
const section = /<!\[CDATA\[([\s\S]*?)\]\]>/g
const rawForm = /^(?:[A-Za-z_][\w.-]*:)?[A-Za-z_][\w.-]*$/

/**
 * Reads one XML element. RFC 6120 §11.1: comments, processing instructions, document types and any entity but the five
 * predefined ones are refused.
 * @param ns the namespace that the surrounding stream would give to the element
 * @throws `xmpp/xml` when the text is not one well-formed element, `xmpp/xml_limit` past a bound of R24
 */
export function parseXml(text: string, ns = '', limits: XmlLimits = xmlLimits): XmlElement {
  if (text.length > limits.length) throw tooLarge('XML text')
  // the parser loses what follows a CDATA section; its text is the same without one
  const plain = text.includes('<![CDATA[') ? text.replace(section, (_all, inner: string) => escapeXMLText(inner)) : text
  if (/<[!?]/.test(plain)) throw malformed('comment, instruction or document type')
  if (!isXmlText(text)) throw malformed('character outside XML')
  return read(plain, ns, limits)
}

function read(text: string, ns: string, limits: XmlLimits): XmlElement {
  const stack: Open[] = []
  const sax = new SaxLtx()
  let root: XmlElement | undefined
  let count = 0
  sax.on('startElement', (rawName, rawAttrs) => {
    if (root !== undefined) throw malformed('more than one element')
    if (stack.length >= limits.depth) throw tooLarge('XML depth')
    if (++count > limits.elements) throw tooLarge('XML elements')
    const scope = stack.at(-1)?.scope ?? new Map([['', ns]])
    stack.push(open(rawName, rawAttrs, scope, limits))
  })
  sax.on('endElement', (rawName) => {
    const top = stack.pop()
    if (top === undefined || top.rawName !== rawName) throw malformed('unbalanced tags')
    const done = frozen(top.name, top.ns, top.attrs, top.children)
    const parent = stack.at(-1)
    if (parent === undefined) root = done
    else parent.children.push(done)
  })
  sax.on('text', (chunk) => {
    const top = stack.at(-1)
    if (top === undefined) {
      if (chunk.trim() !== '') throw malformed('text outside the element')
      return
    }
    const last = top.children.length - 1
    const before = top.children[last]
    if (typeof before === 'string') top.children[last] = before + chunk
    else top.children.push(chunk)
  })
  try {
    sax.write(text)
  } catch (cause) {
    throw cause instanceof MlsError ? cause : new MlsError('xmpp/xml', 'not well-formed XML', { cause })
  }
  if (root === undefined || stack.length > 0 || !text.trimEnd().endsWith('>')) throw malformed('incomplete element')
  return root
}

function open(rawName: string, rawAttrs: Record<string, string>, outer: Scope, limits: XmlLimits): Open {
  if (!rawForm.test(rawName)) throw malformed('element name')
  const keys = Object.keys(rawAttrs)
  if (keys.length > limits.attributes) throw tooLarge('XML attributes')
  let scope: Map<string, string> | undefined
  const attrs: Record<string, string> = {}
  for (const key of keys) {
    const value = rawAttrs[key]
    if (value === undefined || !rawForm.test(key)) throw malformed('attribute')
    if (key === 'xmlns' || key.startsWith('xmlns:')) {
      scope ??= new Map(outer)
      scope.set(key.slice(6), value)
    } else if (!key.includes(':') || key.startsWith('xml:')) attrs[key] = value
  }
  const inScope = scope ?? outer
  const colon = rawName.indexOf(':')
  const prefix = colon < 0 ? '' : rawName.slice(0, colon)
  const ns = prefix === 'xml' ? xmlNamespace : inScope.get(prefix)
  if (ns === undefined) throw malformed('undeclared prefix')
  return { rawName, name: rawName.slice(colon + 1), ns, attrs, children: [], scope: inScope }
}

function malformed(what: string): MlsError {
  return new MlsError('xmpp/xml', `not well-formed XML: ${what}`)
}

function tooLarge(what: string): MlsError {
  return new MlsError('xmpp/xml_limit', `${what} beyond the limit`, { rule: 'R24' })
}
