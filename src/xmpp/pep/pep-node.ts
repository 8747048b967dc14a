import { MlsError } from '../../bytes/errors.ts'
import type { XmppPort } from '../port.ts'
import { elementsOf } from '../stanza/element.ts'
import { iq } from '../stanza/stanza.ts'
import { hasCondition } from '../stanza/xmpp-error.ts'
import { type DataForm, fieldValue, submission } from '../xep/xep-0004.ts'
import { buildConfigure, buildCreate, nodeConfigForm, parseConfigure } from '../xep/xep-0060.ts'
import { publicNode } from '../xep/xep-0222.ts'
import { privateNode } from '../xep/xep-0223.ts'

/** Who may read a node: everybody, or the account alone. */
export type NodeAccess = 'open' | 'whitelist'

/** Wanted configuration of a node. */
export function nodeOptions(access: NodeAccess): Readonly<Record<string, string>> {
  return access === 'open' ? publicNode : privateNode
}

/** The configuration of an own node; `undefined` when it does not exist. @throws XmppError, `xmpp/timeout` */
export async function readNodeConfig(port: XmppPort, node: string): Promise<DataForm | undefined> {
  try {
    return parseConfigure(elementsOf(await port.request(iq('get', {}, buildConfigure(node))))[0])
  } catch (error) {
    if (hasCondition(error, 'item-not-found')) return undefined
    throw error
  }
}

/** Whether a configuration keeps all items and lets exactly the wanted people read (S06, S07). */
export function isConfigured(form: DataForm | undefined, access: NodeAccess): boolean {
  const max = fieldValue(form, 'pubsub#max_items')
  const persist = fieldValue(form, 'pubsub#persist_items')
  const enough = max === 'max' || max === undefined || Number(max) >= 20
  return fieldValue(form, 'pubsub#access_model') === access && enough && (persist === '1' || persist === 'true')
}

/** Changes the configuration of an own node; fields that are not named stay. @throws XmppError */
export async function configureNode(port: XmppPort, node: string, access: NodeAccess): Promise<void> {
  const attempt = async (max: string): Promise<void> => {
    const values = { ...nodeOptions(access), 'pubsub#max_items': max }
    await port.request(iq('set', {}, buildConfigure(node, submission(nodeConfigForm, values))))
  }
  try {
    await attempt('max')
  } catch (error) {
    // A server that does not know `max` takes a number; all known ones allow this many.
    if (!hasCondition(error, 'bad-request', 'not-acceptable', 'resource-constraint')) throw error
    await attempt('255')
  }
}

/** Makes an own node; nothing happens when it exists. @throws XmppError */
export async function createNode(port: XmppPort, node: string, access: NodeAccess): Promise<void> {
  try {
    await port.request(iq('set', {}, buildCreate(node, submission(nodeConfigForm, nodeOptions(access)))))
  } catch (error) {
    if (!hasCondition(error, 'conflict')) throw error
  }
}

/**
 * Sees to it that an own node exists with the wanted configuration, and reads it back: what was asked for proves nothing.
 * @returns whether something had to be mended
 * @throws `xmpp/access_model` when the server does not do it; XmppError
 */
export async function ensureNode(port: XmppPort, node: string, access: NodeAccess): Promise<boolean> {
  const before = await readNodeConfig(port, node)
  if (isConfigured(before, access)) return false
  if (before === undefined) await createNode(port, node, access)
  if (!isConfigured(await readNodeConfig(port, node), access)) await configureNode(port, node, access)
  if (!isConfigured(await readNodeConfig(port, node), access))
    throw new MlsError('xmpp/access_model', 'the server does not give a node the wanted access', { rule: 'S06' })
  return before !== undefined
}
