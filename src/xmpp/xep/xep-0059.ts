// XEP-0059: Result Set Management, version 1.0 (2006-09-20), https://xmpp.org/extensions/xep-0059.html

import { child, childText, tag, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
export const resultSets = 'http://jabber.org/protocol/rsm'
const rsm = tag(resultSets)

/** Which page is wanted. `before: ''` is the last page. */
export interface PageRequest {
  readonly max?: number
  readonly after?: string
  readonly before?: string
}

/** Which page was given. */
export interface PageBounds {
  readonly first?: string
  readonly last?: string
  readonly count?: number
}

/** The `set` of a request. */
export function buildPageRequest(page: PageRequest): XmlElement {
  return rsm(
    'set',
    {},
    page.max === undefined ? undefined : rsm('max', {}, String(page.max)),
    page.after === undefined ? undefined : rsm('after', {}, page.after),
    page.before === undefined ? undefined : rsm('before', {}, page.before),
  )
}

/** The `set` of a request; `undefined` for any other element. */
export function parsePageRequest(source: XmlElement | undefined): PageRequest | undefined {
  if (source?.name !== 'set' || source.ns !== resultSets) return undefined
  const [max, after, before] = ['max', 'after', 'before'].map((name) => childText(source, name))
  return {
    ...(max === undefined || !/^\d+$/.test(max) ? {} : { max: Number(max) }),
    ...(after === undefined ? {} : { after }),
    ...(before === undefined ? {} : { before }),
  }
}

/** The `set` of an answer. */
export function buildPageBounds(bounds: PageBounds): XmlElement {
  return rsm(
    'set',
    {},
    bounds.first === undefined ? undefined : rsm('first', {}, bounds.first),
    bounds.last === undefined ? undefined : rsm('last', {}, bounds.last),
    bounds.count === undefined ? undefined : rsm('count', {}, String(bounds.count)),
  )
}

/** The bounds in the `set` inside `parent`; empty when there is none. */
export function pageBoundsIn(parent: XmlElement): PageBounds {
  const source = child(parent, 'set', resultSets)
  if (source === undefined) return {}
  const [first, last, count] = ['first', 'last', 'count'].map((name) => childText(source, name))
  return {
    ...(first === undefined ? {} : { first }),
    ...(last === undefined ? {} : { last }),
    ...(count === undefined || !/^\d+$/.test(count) ? {} : { count: Number(count) }),
  }
}
