/**
 * A server that lies: it shows other items of personal nodes than were published, per reader if need be, holds back events,
 * swaps KeyPackages, says that others are in a room than are. For tests of what clients do about it.
 *
 * ```ts
 * const evil = new MaliciousServer(service)
 * evil.rollBack('bob@a.test', node)                        // everybody sees bob's node as it was at its first publication
 * evil.show('bob@a.test', node, { to: 'alice@a.test', item: { id: 'current', payload } })   // alice alone sees another item
 * ```
 */

import { child, childrenOf, elementsOf, withAttrs, withChildren, type XmlElement } from '../../xmpp/stanza/element.ts'
import { bareJid } from '../../xmpp/stanza/jid.ts'
import { buildItems, type PubsubItem, pubsub, pubsubEvent } from '../../xmpp/xep/xep-0060.ts'
import type { XmppService } from './xmpp-service.ts'

/** What a reader of a node is shown instead of what is there; `undefined` shows the truth. */
export type NodeLie = (
  /** What is there. */
  items: readonly PubsubItem[],
  /** Bare JID of who asks; `undefined` for an event that goes to all. */
  reader: string | undefined,
) => readonly PubsubItem[] | undefined

/** One publication, as the server has seen it. */
export interface SeenPublication {
  readonly account: string
  readonly node: string
  readonly item: PubsubItem
}

/** See the file. */
export class MaliciousServer {
  /** All publications to personal nodes since the server turned bad, oldest first: what it can show again. */
  readonly seen: SeenPublication[] = []
  readonly #service: XmppService
  readonly #lies = new Map<string, NodeLie[]>()
  readonly #silent = new Set<string>()
  readonly #stop: () => void

  constructor(service: XmppService) {
    this.#service = service
    for (const site of service.sites.values()) site.watch = (account, stanza) => this.#note(account, stanza)
    this.#stop = service.intercept((stanza, to) => this.#pass(to, stanza))
  }

  /** Lies about a node from now on. Returns how to stop. */
  lie(account: string, node: string, what: NodeLie): () => void {
    const name = key(account, node)
    const lies = [...(this.#lies.get(name) ?? []), what]
    this.#lies.set(name, lies)
    return () => {
      const others = (this.#lies.get(name) ?? []).filter((one) => one !== what)
      this.#lies.set(name, others)
    }
  }

  /** Shows an item beside, or in place of, those with its id; to one reader, or to all but the account itself. */
  show(account: string, node: string, { to, item }: { readonly to?: string; readonly item: PubsubItem }): () => void {
    return this.lie(account, node, (items, reader) =>
      this.#concerns(account, reader, to) ? [...items.filter(({ id }) => id !== item.id), item] : undefined,
    )
  }

  /** Shows a node as it was after its first `count` publications: to one reader, or to all but the account itself. */
  rollBack(account: string, node: string, options: { readonly to?: string; readonly count?: number } = {}): () => void {
    const { to, count = 1 } = options
    const first = this.seen.filter((one) => one.account === account && one.node === node).slice(0, count)
    const old = [...new Map(first.map(({ item }) => [item.id, item])).values()]
    return this.lie(account, node, (_, reader) => (this.#concerns(account, reader, to) ? old : undefined))
  }

  /** Shows a node as it is now for ever, and tells nobody of changes: to one reader, or to all but the account itself. */
  freeze(account: string, node: string, options: { readonly to?: string } = {}): () => void {
    const there = this.#service.site(account).account(account).pep.nodes.get(node)?.items ?? []
    const now = [...there].map(([id, payload]) => ({ id, payload }))
    const silence = this.silence(account, node)
    const stop = this.lie(account, node, (_, reader) => (this.#concerns(account, reader, options.to) ? now : undefined))
    return () => {
      silence()
      stop()
    }
  }

  /** Shows an empty node: to one reader, or to all but the account itself. */
  withhold(account: string, node: string, options: { readonly to?: string } = {}): () => void {
    return this.lie(account, node, (_, reader) => (this.#concerns(account, reader, options.to) ? [] : undefined))
  }

  /** Drops events about a node. */
  silence(account: string, node: string): () => void {
    this.#silent.add(key(account, node))
    return () => void this.#silent.delete(key(account, node))
  }

  /** Really changes an item of a node, for everybody, as if the account had published it; without payload it is gone. */
  forge(account: string, node: string, id: string, payload: XmlElement | undefined): void {
    this.#service.forgeItem(account, node, id, payload)
  }

  /** Says in a room that somebody else is behind a nick, to one account or to all. */
  impersonate(room: string, nick: string, asJid: string, to?: string): () => void {
    return this.#service.intercept((stanza, receiver) => {
      if (stanza.attrs['from'] !== `${room}/${nick}` || (to !== undefined && bareJid(receiver) !== to)) return [stanza]
      return [rename(stanza, asJid)]
    })
  }

  /** Tells the truth again. */
  stop(): void {
    this.#stop()
    this.#lies.clear()
    this.#silent.clear()
    for (const site of this.#service.sites.values()) site.watch = undefined
  }

  #concerns(account: string, reader: string | undefined, to: string | undefined): boolean {
    return to === undefined ? reader !== account : reader === to
  }

  #note(account: string, stanza: XmlElement): void {
    const request = elementsOf(stanza)[0]
    const publish = request?.ns === pubsub ? child(request, 'publish') : undefined
    const item = publish && child(publish, 'item')
    if (publish === undefined || item === undefined) return
    const { id } = item.attrs
    const payload = elementsOf(item)[0]
    this.seen.push({
      account,
      node: publish.attrs['node'] ?? '',
      item: { ...(id === undefined ? {} : { id }), ...(payload === undefined ? {} : { payload }) },
    })
  }

  #pass(to: string, stanza: XmlElement): readonly XmlElement[] {
    const reader = bareJid(to)
    const from = stanza.attrs['from'] === undefined ? reader : bareJid(stanza.attrs['from'])
    if (stanza.name === 'iq') return [this.#answer(stanza, from, reader)]
    const event = stanza.name === 'message' ? child(stanza, 'event', pubsubEvent) : undefined
    const items = event && child(event, 'items')
    if (items === undefined) return [stanza]
    const name = key(from, items.attrs['node'] ?? '')
    if (this.#silent.has(name)) return []
    const known = itemsIn(items)
    const shown = this.#told(name, known, reader)
    return shown === undefined ? [stanza] : []
  }

  #answer(stanza: XmlElement, account: string, reader: string): XmlElement {
    const [answer] = elementsOf(stanza)
    const items = answer?.ns === pubsub ? child(answer, 'items') : undefined
    if (items === undefined || stanza.attrs['type'] !== 'result') return stanza
    const node = items.attrs['node'] ?? ''
    const shown = this.#told(key(account, node), itemsIn(items), reader)
    return shown === undefined ? stanza : withChildren(stanza, [buildItems({ node, items: shown })])
  }

  #told(name: string, items: readonly PubsubItem[], reader: string | undefined): readonly PubsubItem[] | undefined {
    let shown: readonly PubsubItem[] | undefined
    for (const lie of this.#lies.get(name) ?? []) shown = lie(shown ?? items, reader) ?? shown
    return shown
  }
}

function key(account: string, node: string): string {
  return `${node} ${account}`
}

function itemsIn(items: XmlElement): readonly PubsubItem[] {
  return childrenOf(items, 'item').map(({ attrs, children }) => {
    const payload = children.find((node): node is XmlElement => typeof node !== 'string')
    const { id } = attrs
    return { ...(id === undefined ? {} : { id }), ...(payload === undefined ? {} : { payload }) }
  })
}

/** The same stanza with another real address in what the room adds. */
function rename(stanza: XmlElement, jid: string): XmlElement {
  const change = (node: XmlElement): XmlElement =>
    node.name === 'item' && node.attrs['jid'] !== undefined
      ? withAttrs(node, { jid })
      : node.children.length === 0
        ? node
        : withChildren(
            node,
            node.children.map((one) => (typeof one === 'string' ? one : change(one))),
          )
  return withChildren(
    stanza,
    stanza.children.map((one) =>
      typeof one !== 'string' && one.ns === 'http://jabber.org/protocol/muc#user' ? change(one) : one,
    ),
  )
}
