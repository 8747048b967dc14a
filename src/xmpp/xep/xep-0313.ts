// XEP-0313: Message Archive Management, version 1.1.3 (2025-04-09), https://xmpp.org/extensions/xep-0313.html

import { child, element, type XmlElement } from '../stanza/element.ts'
import { message } from '../stanza/stanza.ts'
import { buildForm, fieldValue, formIn, submission } from './xep-0004.ts'
import {
  buildPageBounds,
  buildPageRequest,
  type PageBounds,
  type PageRequest,
  pageBoundsIn,
  parsePageRequest,
  resultSets,
} from './xep-0059.ts'
import { buildForwarded, type Forwarded, forwardedIn } from './xep-0297.ts'

/** Namespace or form type. */
export const mam = 'urn:xmpp:mam:2'

/** A query of an archive. */
export interface ArchiveQuery {
  readonly queryId: string
  readonly page: PageRequest
  readonly with?: string
  readonly start?: string
  readonly end?: string
}

/** One archived message: its archive id and what was stored. */
export interface ArchiveResult extends Forwarded {
  readonly queryId: string
  readonly id: string
}

/** The end of a page. */
export interface ArchiveFin extends PageBounds {
  /** No further items lie in this direction. */
  readonly complete: boolean
  /** Results may still change: ask again. */
  readonly stable: boolean
}

/** The `query` element. */
export function buildArchiveQuery(query: ArchiveQuery): XmlElement {
  const filter: Record<string, string> = {}
  for (const key of ['with', 'start', 'end'] as const) {
    const value = query[key]
    if (value !== undefined) filter[key] = value
  }
  const form = Object.keys(filter).length === 0 ? undefined : buildForm(submission(mam, filter))
  return element('query', mam, { queryid: query.queryId }, form, buildPageRequest(query.page))
}

/** The query in an element, as a service reads it; `undefined` for any other element. */
export function parseArchiveQuery(source: XmlElement | undefined): ArchiveQuery | undefined {
  if (source?.name !== 'query' || source.ns !== mam) return undefined
  const form = formIn(source)
  const [peer, start, end] = ['with', 'start', 'end'].map((name) => fieldValue(form, name))
  return {
    queryId: source.attrs['queryid'] ?? '',
    page: parsePageRequest(child(source, 'set', resultSets)) ?? {},
    ...(peer === undefined ? {} : { with: peer }),
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
  }
}

/** A result message as a service sends it. */
export function buildArchiveResult(from: string, to: string, result: ArchiveResult): XmlElement {
  const { queryId, id } = result
  return message({ from, to }, element('result', mam, { queryid: queryId, id }, buildForwarded(result)))
}

/**
 * The result in a message, if it belongs to this query: sent by the archive that was asked, with the query's id. Anything
 * else is somebody's invention (S02). An archive of the own account may leave `from` out.
 */
export function archiveResultIn(
  stanza: XmlElement,
  expected: { readonly archive: string; readonly own: string; readonly queryId: string },
): ArchiveResult | undefined {
  const source = child(stanza, 'result', mam)
  const id = source?.attrs['id']
  const from = stanza.attrs['from'] ?? expected.own
  if (source === undefined || id === undefined || from !== expected.archive) return undefined
  if (source.attrs['queryid'] !== expected.queryId) return undefined
  const inner = forwardedIn(source)
  return inner === undefined ? undefined : { queryId: expected.queryId, id, ...inner }
}

/** Whether a message carries an archive result at all, wanted or not. */
export function isArchiveResult(stanza: XmlElement): boolean {
  return child(stanza, 'result', mam) !== undefined
}

/** The `fin` element. */
export function buildArchiveFin(fin: ArchiveFin): XmlElement {
  const attrs = { complete: fin.complete ? 'true' : undefined, stable: fin.stable ? undefined : 'false' }
  return element('fin', mam, attrs, buildPageBounds(fin))
}

/** The end of a page in an IQ result; `undefined` when it is missing. */
export function archiveFinIn(result: XmlElement): ArchiveFin | undefined {
  const source = child(result, 'fin', mam)
  if (source === undefined) return undefined
  return {
    complete: source.attrs['complete'] === 'true' || source.attrs['complete'] === '1',
    stable: source.attrs['stable'] !== 'false' && source.attrs['stable'] !== '0',
    ...pageBoundsIn(source),
  }
}
