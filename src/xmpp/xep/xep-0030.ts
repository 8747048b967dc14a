// XEP-0030: Service Discovery, version 2.5.0 (2024-04-30), https://xmpp.org/extensions/xep-0030.html

import { childrenOf, tag, type XmlElement } from '../stanza/element.ts'
import { buildForm, type DataForm, dataForms, parseForm } from './xep-0004.ts'

/** Namespace or form type. */
export const discoInfo = 'http://jabber.org/protocol/disco#info'
/** Namespace or form type. */
export const discoItems = 'http://jabber.org/protocol/disco#items'
const info = tag(discoInfo)
const items = tag(discoItems)

/** What an entity is. */
export interface DiscoIdentity {
  readonly category: string
  readonly type: string
  readonly name?: string
}

/** The answer to disco#info. */
export interface DiscoInfo {
  readonly node?: string
  readonly identities: readonly DiscoIdentity[]
  readonly features: readonly string[]
  readonly forms: readonly DataForm[]
}

/** One item of disco#items. */
export interface DiscoItem {
  readonly jid: string
  readonly node?: string
  readonly name?: string
}

/** The question for an entity's features. */
export function buildDiscoInfoQuery(node?: string): XmlElement {
  return info('query', { node })
}

/** The question for an entity's items. */
export function buildDiscoItemsQuery(node?: string): XmlElement {
  return items('query', { node })
}

/** The answer to disco#info as XML. */
export function buildDiscoInfo(value: DiscoInfo): XmlElement {
  return info(
    'query',
    { node: value.node },
    ...value.identities.map(({ category, type, name }) => info('identity', { category, type, name })),
    ...value.features.map((feature) => info('feature', { var: feature })),
    ...value.forms.map(buildForm),
  )
}

/** The answer to disco#info; `undefined` for any other element. */
export function parseDiscoInfo(source: XmlElement | undefined): DiscoInfo | undefined {
  if (source?.name !== 'query' || source.ns !== discoInfo) return undefined
  const node = source.attrs['node']
  const identities = childrenOf(source, 'identity').map(({ attrs }) => ({
    category: attrs['category'] ?? '',
    type: attrs['type'] ?? '',
    ...(attrs['name'] === undefined ? {} : { name: attrs['name'] }),
  }))
  const features = childrenOf(source, 'feature').flatMap(({ attrs }) => attrs['var'] ?? [])
  const forms = childrenOf(source, 'x', dataForms).flatMap((form) => parseForm(form) ?? [])
  return { ...(node === undefined ? {} : { node }), identities, features, forms }
}

/** The answer to disco#items as XML. */
export function buildDiscoItems(list: readonly DiscoItem[], node?: string): XmlElement {
  return items(
    'query',
    { node },
    ...list.map((item) => items('item', { jid: item.jid, node: item.node, name: item.name })),
  )
}

/** The answer to disco#items; `undefined` for any other element. */
export function parseDiscoItems(source: XmlElement | undefined): readonly DiscoItem[] | undefined {
  if (source?.name !== 'query' || source.ns !== discoItems) return undefined
  return childrenOf(source, 'item').flatMap(({ attrs }) => {
    const { jid, node, name } = { jid: attrs['jid'], node: attrs['node'], name: attrs['name'] }
    if (jid === undefined) return []
    return [{ jid, ...(node === undefined ? {} : { node }), ...(name === undefined ? {} : { name }) }]
  })
}
