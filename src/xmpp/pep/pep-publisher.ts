import { MlsError } from '../../bytes/errors.ts'
import type { XmppPort } from '../port.ts'
import type { XmlElement } from '../stanza/element.ts'
import { iq } from '../stanza/stanza.ts'
import { hasCondition, XmppError } from '../stanza/xmpp-error.ts'
import { submission } from '../xep/xep-0004.ts'
import { buildDelete, buildPublish, buildRetract, publishOptionsForm } from '../xep/xep-0060.ts'
import { ensureNode, type NodeAccess, nodeOptions } from './pep-node.ts'

/** An item for an own node. */
export interface PepItem {
  readonly node: string
  readonly id: string
  readonly payload: XmlElement
  readonly access: NodeAccess
}

type Step = 'all' | 'basic' | 'none'

/**
 * Publishes to the account's own nodes on servers that differ: first with all options as preconditions; where the node is
 * configured otherwise, or the options are not understood (ejabberd), the node is created or configured by its owner, read
 * back, and the item published with the options that every server knows. The first time a node is used its configuration is read back.
 */
export class PepPublisher {
  readonly #port: XmppPort
  readonly #verified = new Map<string, NodeAccess>()

  constructor(port: XmppPort) {
    this.#port = port
  }

  /**
   * Publishes one item; an item with the same id is replaced.
   * @throws `xmpp/access_model`, `xmpp/too_large`, XmppError, `xmpp/timeout`, `xmpp/offline`
   */
  async publish(item: PepItem): Promise<void> {
    const known = this.#verified.get(item.node) === item.access
    // Private data goes out only when nobody else can read it: verified before, not after.
    if (!known && item.access === 'whitelist') await this.#verify(item)
    try {
      await this.#attempt(item, known || item.access === 'whitelist' ? 'basic' : 'all')
    } catch (error) {
      await this.#mend(item, error)
    }
    if (this.#verified.get(item.node) !== item.access) await this.#verify(item)
  }

  async #verify({ node, access }: PepItem): Promise<void> {
    await ensureNode(this.#port, node, access)
    this.#verified.set(node, access)
  }

  async #mend(item: PepItem, error: unknown): Promise<void> {
    if (!(error instanceof XmppError)) throw error
    if (error.application === 'payload-too-big' || error.condition === 'policy-violation')
      throw new MlsError('xmpp/too_large', 'the server refuses an item of this size', { cause: error })
    const mendable = ['conflict', 'resource-constraint', 'not-acceptable', 'bad-request', 'feature-not-implemented']
    if (!mendable.includes(error.condition)) throw error
    this.#verified.delete(item.node)
    await this.#verify(item)
    await this.#last(item, 'basic')
  }

  /** After mending: with the options that every server knows, then with none. */
  async #last(item: PepItem, step: Step): Promise<void> {
    try {
      await this.#attempt(item, step)
    } catch (error) {
      if (step === 'none' || !hasCondition(error, 'conflict', 'resource-constraint', 'bad-request', 'not-acceptable'))
        throw error
      if (error.application === 'payload-too-big')
        throw new MlsError('xmpp/too_large', 'the server refuses an item of this size', { cause: error })
      await this.#last(item, 'none')
    }
  }

  async #attempt({ node, id, payload, access }: PepItem, step: Step): Promise<void> {
    const all = nodeOptions(access)
    const basic = { 'pubsub#access_model': access, 'pubsub#persist_items': 'true' }
    const options = step === 'none' ? undefined : submission(publishOptionsForm, step === 'all' ? all : basic)
    await this.#port.request(iq('set', {}, buildPublish(node, { id, payload }, options)))
  }

  /** Takes items back; those that are not there count as taken back. @throws XmppError */
  async retract(node: string, ...ids: readonly string[]): Promise<void> {
    for (const id of ids)
      try {
        await this.#port.request(iq('set', {}, buildRetract(node, [id])))
      } catch (error) {
        if (!hasCondition(error, 'item-not-found')) throw error
      }
  }

  /** Deletes a node with all its items. @throws XmppError */
  async delete(node: string): Promise<void> {
    this.#verified.delete(node)
    try {
      await this.#port.request(iq('set', {}, buildDelete(node)))
    } catch (error) {
      if (!hasCondition(error, 'item-not-found')) throw error
    }
  }
}
