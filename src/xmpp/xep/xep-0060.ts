// XEP-0060: Publish-Subscribe, version 1.30.0 (2025-11-11), https://xmpp.org/extensions/xep-0060.html

import { child, childrenOf, elementsOf, tag, type XmlElement } from '../stanza/element.ts'
import { buildForm, type DataForm, formIn } from './xep-0004.ts'

/** Namespace or form type. */
export const pubsub = 'http://jabber.org/protocol/pubsub'
/** Namespace or form type. */
export const pubsubEvent = `${pubsub}#event`
/** Namespace or form type. */
export const pubsubOwner = `${pubsub}#owner`
/** Namespace or form type. */
export const pubsubErrors = `${pubsub}#errors`
/** Namespace or form type. */
export const publishOptionsForm = `${pubsub}#publish-options`
/** Namespace or form type. */
export const nodeConfigForm = `${pubsub}#node_config`
const q = tag(pubsub)
const own = tag(pubsubOwner)
const ev = tag(pubsubEvent)

/** An item of a node; `payload` is missing in notifications without payload and in requests by id. */
export interface PubsubItem {
  readonly id?: string
  readonly publisher?: string
  readonly payload?: XmlElement
}

/** Items of one node. */
export interface PubsubItems {
  readonly node: string
  readonly items: readonly PubsubItem[]
}

/** A notification: published items and ids of retracted ones, or the end of the node. */
export interface PubsubEvent extends PubsubItems {
  readonly retracted: readonly string[]
  readonly gone?: 'delete' | 'purge'
}

/** Publish one item, with preconditions (§7.1.5) where `options` is given. */
export function buildPublish(node: string, item: PubsubItem, options?: DataForm): XmlElement {
  return q(
    'pubsub',
    {},
    q('publish', { node }, q('item', { id: item.id }, item.payload)),
    options === undefined ? undefined : q('publish-options', {}, buildForm(options)),
  )
}

/** Read items: all, the newest `max`, or those with the given ids. */
export function buildItemsRequest(node: string, wanted: { max?: number; ids?: readonly string[] } = {}): XmlElement {
  const ids = (wanted.ids ?? []).map((id) => q('item', { id }))
  return q('pubsub', {}, q('items', { node, max_items: wanted.max }, ...ids))
}

/** The answer with items, as a service writes it. */
export function buildItems(value: PubsubItems): XmlElement {
  const items = value.items.map((item) => q('item', { id: item.id, publisher: item.publisher }, item.payload))
  return q('pubsub', {}, q('items', { node: value.node }, ...items))
}

/** The items of an answer; `undefined` for any other element. */
export function parseItems(source: XmlElement | undefined): PubsubItems | undefined {
  const items = source?.name === 'pubsub' && source.ns === pubsub ? child(source, 'items') : undefined
  const node = items?.attrs['node']
  return items === undefined || node === undefined
    ? undefined
    : { node, items: childrenOf(items, 'item').map(parseItem) }
}

function parseItem(source: XmlElement): PubsubItem {
  const { id, publisher } = { id: source.attrs['id'], publisher: source.attrs['publisher'] }
  const payload = elementsOf(source)[0]
  return {
    ...(id === undefined ? {} : { id }),
    ...(publisher === undefined ? {} : { publisher }),
    ...(payload === undefined ? {} : { payload }),
  }
}

/** Retract items of an own node; `notify` tells subscribers. */
export function buildRetract(node: string, ids: readonly string[], notify = true): XmlElement {
  return q('pubsub', {}, q('retract', { node, notify: String(notify) }, ...ids.map((id) => q('item', { id }))))
}

/** Create a node, with its first configuration where given. */
export function buildCreate(node: string, configuration?: DataForm): XmlElement {
  return q(
    'pubsub',
    {},
    q('create', { node }),
    configuration === undefined ? undefined : q('configure', {}, buildForm(configuration)),
  )
}

/** Ask for the configuration of an own node, or submit a changed one. */
export function buildConfigure(node: string, form?: DataForm): XmlElement {
  return own('pubsub', {}, own('configure', { node }, form === undefined ? undefined : buildForm(form)))
}

/** The configuration form of an own node; `undefined` for any other element. */
export function parseConfigure(source: XmlElement | undefined): DataForm | undefined {
  const configure = source?.name === 'pubsub' && source.ns === pubsubOwner ? child(source, 'configure') : undefined
  return configure === undefined ? undefined : formIn(configure)
}

/** Delete an own node. */
export function buildDelete(node: string): XmlElement {
  return own('pubsub', {}, own('delete', { node }))
}

/** Subscribe an address to a node. */
export function buildSubscribe(node: string, jid: string): XmlElement {
  return q('pubsub', {}, q('subscribe', { node, jid }))
}

/** A notification as a service sends it. */
export function buildEvent(value: PubsubEvent): XmlElement {
  if (value.gone !== undefined) return ev('event', {}, ev(value.gone, { node: value.node }))
  return ev(
    'event',
    {},
    ev(
      'items',
      { node: value.node },
      ...value.items.map((item) => ev('item', { id: item.id, publisher: item.publisher }, item.payload)),
      ...value.retracted.map((id) => ev('retract', { id })),
    ),
  )
}

/** The notification in a message, if there is one. The caller checks who sent it (S05). */
export function pubsubEventIn(message: XmlElement): PubsubEvent | undefined {
  const event = child(message, 'event', pubsubEvent)
  const first = event === undefined ? undefined : elementsOf(event)[0]
  const node = first?.attrs['node']
  if (first === undefined || node === undefined) return undefined
  if (first.name === 'delete' || first.name === 'purge') return { node, items: [], retracted: [], gone: first.name }
  if (first.name !== 'items') return undefined
  const retracted = childrenOf(first, 'retract').flatMap(({ attrs }) => attrs['id'] ?? [])
  return { node, items: childrenOf(first, 'item').map(parseItem), retracted }
}
