import { child, childrenOf, type XmlElement } from '../../xmpp/stanza/element.ts'
import { xmlSize } from '../../xmpp/stanza/serialise.ts'
import type { StanzaError } from '../../xmpp/stanza/xmpp-error.ts'
import { type DataForm, formIn, submission } from '../../xmpp/xep/xep-0004.ts'
import {
  buildConfigure,
  buildItems,
  nodeConfigForm,
  type PubsubEvent,
  pubsub,
  pubsubOwner,
} from '../../xmpp/xep/xep-0060.ts'
import type { Dialect } from './dialect.ts'

/** One node: configuration, items from old to new, subscribers. */
interface Node {
  readonly config: Map<string, string>
  readonly items: Map<string, XmlElement>
  readonly subscribers: Set<string>
}

/** The answer to a request and what subscribers are told. */
export type PubsubAnswer =
  | { readonly error: StanzaError }
  | {
      readonly result: XmlElement | undefined
      readonly event?: PubsubEvent
      readonly subscribers?: ReadonlySet<string>
    }

const configurable = [
  'pubsub#access_model',
  'pubsub#persist_items',
  'pubsub#max_items',
  'pubsub#send_last_published_item',
]

/** The personal nodes of one account (XEP-0163), as the two servers behave. */
export class PepStore {
  readonly nodes = new Map<string, Node>()
  readonly #dialect: Dialect
  #serial = 0

  constructor(dialect: Dialect) {
    this.#dialect = dialect
  }

  /** Puts an item without any check: what a hostile or broken server does. */
  force(node: string, id: string, payload: XmlElement | undefined): void {
    const store = this.#create(node, undefined)
    store.items.delete(id)
    if (payload !== undefined) store.items.set(id, payload)
  }

  /** Answers one pubsub request. @param owner whether the account itself asks @param asker bare JID */
  handle(request: XmlElement, type: string | undefined, owner: boolean, asker: string): PubsubAnswer {
    if (request.ns === pubsubOwner) {
      if (!owner) return refuse('auth', 'forbidden')
      const configure = child(request, 'configure')
      if (configure !== undefined) return this.#configure(configure, type)
      const gone = child(request, 'delete')?.attrs['node']
      return gone === undefined ? refuse('cancel', 'feature-not-implemented') : this.#delete(gone)
    }
    const items = child(request, 'items', pubsub)
    if (items !== undefined && type === 'get') return this.#read(items, owner)
    const subscribe = child(request, 'subscribe', pubsub)
    if (subscribe !== undefined) return this.#subscribe(subscribe.attrs['node'] ?? '', owner, asker)
    if (!owner) return refuse('auth', 'forbidden')
    const create = child(request, 'create')?.attrs['node']
    const configure = child(request, 'configure')
    if (create !== undefined) {
      if (this.nodes.has(create)) return refuse('cancel', 'conflict')
      this.#create(create, configure === undefined ? undefined : formIn(configure))
      return { result: undefined }
    }
    const publish = child(request, 'publish')
    if (publish !== undefined) return this.#publish(publish, child(request, 'publish-options'))
    const retract = child(request, 'retract')
    return retract === undefined ? refuse('cancel', 'feature-not-implemented') : this.#retract(retract)
  }

  #create(name: string, form: DataForm | undefined): Node {
    const known = this.nodes.get(name)
    if (known !== undefined) return known
    const config = new Map([
      ['pubsub#access_model', 'presence'],
      ['pubsub#persist_items', '1'],
      ['pubsub#max_items', '1'],
    ])
    const node: Node = { config, items: new Map(), subscribers: new Set() }
    apply(node, form)
    this.nodes.set(name, node)
    return node
  }

  #publish(publish: XmlElement, options: XmlElement | undefined): PubsubAnswer {
    const name = publish.attrs['node'] ?? ''
    const item = child(publish, 'item')
    const form = options === undefined ? undefined : formIn(options)
    const unknown = form?.fields.some(({ var: key }) => this.#dialect.publishOptions?.includes(key) === false)
    if (unknown === true) return { error: { type: 'wait', condition: 'resource-constraint', text: 'Unknown field' } }
    const node = this.nodes.get(name)
    const differs = form?.fields.some(({ var: key, values }) => {
      const now = node?.config.get(key)
      return now !== undefined && normal(now) !== normal(values[0] ?? '')
    })
    if (node !== undefined && differs === true)
      return { error: { type: 'cancel', condition: 'conflict', application: 'precondition-not-met' } }
    const payload = item === undefined ? undefined : payloads(item)[0]
    if (payload !== undefined && xmlSize(payload) > this.#dialect.itemLimit)
      return { error: { type: 'modify', condition: 'not-acceptable', application: 'payload-too-big' } }
    const id = item?.attrs['id'] ?? `auto-${++this.#serial}`
    const target = node ?? this.#create(name, form)
    target.items.delete(id)
    if (payload !== undefined) target.items.set(id, payload)
    trim(target)
    const event: PubsubEvent = {
      node: name,
      items: [{ id, ...(payload === undefined ? {} : { payload }) }],
      retracted: [],
    }
    return { result: undefined, event, subscribers: target.subscribers }
  }

  #retract(retract: XmlElement): PubsubAnswer {
    const name = retract.attrs['node'] ?? ''
    const node = this.nodes.get(name)
    const ids = childrenOf(retract, 'item').flatMap(({ attrs }) => attrs['id'] ?? [])
    if (node === undefined || !ids.every((id) => node.items.has(id))) return refuse('cancel', 'item-not-found')
    for (const id of ids) node.items.delete(id)
    return { result: undefined, event: { node: name, items: [], retracted: ids }, subscribers: node.subscribers }
  }

  #read(items: XmlElement, owner: boolean): PubsubAnswer {
    const name = items.attrs['node'] ?? ''
    const node = this.nodes.get(name)
    if (node === undefined) return { error: this.#dialect.missingNode }
    if (!owner && node.config.get('pubsub#access_model') !== 'open') return { error: this.#dialect.closedNode }
    const ids = childrenOf(items, 'item').flatMap(({ attrs }) => attrs['id'] ?? [])
    const max = Number(items.attrs['max_items'] ?? Number.POSITIVE_INFINITY)
    const all = [...node.items].map(([id, payload]) => ({ id, payload }))
    const wanted = ids.length > 0 ? all.filter(({ id }) => ids.includes(id)) : all.slice(Math.max(0, all.length - max))
    return { result: buildItems({ node: name, items: wanted }) }
  }

  #subscribe(name: string, owner: boolean, asker: string): PubsubAnswer {
    const node = this.nodes.get(name)
    if (node === undefined) return { error: this.#dialect.missingNode }
    if (!owner && node.config.get('pubsub#access_model') !== 'open') return { error: this.#dialect.closedNode }
    node.subscribers.add(asker)
    return { result: undefined }
  }

  #configure(configure: XmlElement, type: string | undefined): PubsubAnswer {
    const name = configure.attrs['node'] ?? ''
    const node = this.nodes.get(name)
    if (node === undefined) return refuse('cancel', 'item-not-found')
    if (type === 'set') {
      apply(node, formIn(configure))
      trim(node)
      return { result: undefined }
    }
    const fields = submission(nodeConfigForm, Object.fromEntries(node.config)).fields
    return { result: buildConfigure(name, { type: 'form', formType: nodeConfigForm, fields }) }
  }

  #delete(name: string): PubsubAnswer {
    const node = this.nodes.get(name)
    if (!this.nodes.delete(name) || node === undefined) return refuse('cancel', 'item-not-found')
    return {
      result: undefined,
      event: { node: name, items: [], retracted: [], gone: 'delete' },
      subscribers: node.subscribers,
    }
  }
}

function payloads(item: XmlElement): readonly XmlElement[] {
  return item.children.filter((node): node is XmlElement => typeof node !== 'string')
}

function normal(value: string): string {
  if (value === 'true') return '1'
  if (value === 'max') return '1000'
  return value === 'false' ? '0' : value
}

function apply(node: Node, form: DataForm | undefined): void {
  for (const { var: key, values } of form?.fields ?? [])
    if (configurable.includes(key)) node.config.set(key, normal(values[0] ?? ''))
}

function trim(node: Node): void {
  const max = Number(node.config.get('pubsub#max_items') ?? '1')
  for (const id of node.items.keys()) {
    if (node.items.size <= max) break
    node.items.delete(id)
  }
}

function refuse(type: StanzaError['type'], condition: string): PubsubAnswer {
  return { error: { type, condition } }
}
