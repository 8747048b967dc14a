// XEP-0444: Message Reactions, version 0.2.1 (2024-04-15), https://xmpp.org/extensions/xep-0444.html

import { child, childrenOf, tag, textOf, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
export const reactions = 'urn:xmpp:reactions:0'

/** All reactions of the sender to one message; an empty list takes them back. */
export interface Reactions {
  readonly id: string
  readonly emojis: readonly string[]
}

/** The `reactions` element. */
export function buildReactions({ id, emojis }: Reactions): XmlElement {
  const build = tag(reactions)
  return build('reactions', { id }, ...emojis.map((emoji) => build('reaction', {}, emoji)))
}

/** The reactions in a message, each once. */
export function reactionsIn(message: XmlElement): Reactions | undefined {
  const source = child(message, 'reactions', reactions)
  const id = source?.attrs['id']
  if (source === undefined || id === undefined) return undefined
  return { id, emojis: [...new Set(childrenOf(source, 'reaction').map((node) => textOf(node).trim()))] }
}
