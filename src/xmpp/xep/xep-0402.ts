// XEP-0402: PEP Native Bookmarks, version 1.2.0 (2024-08-15), https://xmpp.org/extensions/xep-0402.html

import { child, childText, elementsOf, tag, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
export const bookmarks = 'urn:xmpp:bookmarks:1'

/** A bookmarked room; the item id of the node is the room's address. */
export interface Bookmark {
  readonly name?: string
  readonly autojoin: boolean
  readonly nick?: string
  /** Elements of other namespaces that travel with the bookmark and must survive an update by others. */
  readonly extensions: readonly XmlElement[]
}

/** The `conference` element. */
export function buildBookmark(value: Bookmark): XmlElement {
  const build = tag(bookmarks)
  return build(
    'conference',
    { name: value.name, autojoin: value.autojoin ? 'true' : undefined },
    value.nick === undefined ? undefined : build('nick', {}, value.nick),
    value.extensions.length === 0 ? undefined : build('extensions', {}, ...value.extensions),
  )
}

/** The bookmark; `undefined` for any other element. */
export function parseBookmark(source: XmlElement | undefined): Bookmark | undefined {
  if (source?.name !== 'conference' || source.ns !== bookmarks) return undefined
  const name = source.attrs['name']
  const nick = childText(source, 'nick')
  const extensions = child(source, 'extensions')
  return {
    ...(name === undefined ? {} : { name }),
    autojoin: source.attrs['autojoin'] === 'true' || source.attrs['autojoin'] === '1',
    ...(nick === undefined ? {} : { nick }),
    extensions: extensions === undefined ? [] : elementsOf(extensions),
  }
}
