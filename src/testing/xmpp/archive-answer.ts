import { child, withChildren, type XmlElement } from '../../xmpp/stanza/element.ts'
import { buildArchiveFin, buildArchiveResult, mam, parseArchiveQuery } from '../../xmpp/xep/xep-0313.ts'
import type { Archive, ArchiveEntry } from './archive.ts'
import type { Home } from './home.ts'
import { errorOf, resultOf } from './reply.ts'

/**
 * Answers an archive query: one message for each result, then the IQ result.
 * @param extra children that the archive adds to a stored message, for example who really sent it
 */
export function answerArchive(
  site: Home,
  request: XmlElement,
  archive: Archive,
  extra: (entry: ArchiveEntry) => readonly XmlElement[] = () => [],
): void {
  const query = parseArchiveQuery(child(request, 'query', mam))
  if (query === undefined || request.attrs['type'] !== 'set') {
    site.route(errorOf(request, { type: 'modify', condition: 'bad-request' }))
    return
  }
  const answer = archive.query(query)
  if ('error' in answer) {
    site.route(errorOf(request, answer.error))
    return
  }
  const [from, to] = [request.attrs['to'] ?? '', request.attrs['from'] ?? '']
  for (const entry of answer.entries) {
    const message = withChildren(entry.message, [...entry.message.children, ...extra(entry)])
    const delay = { from, stamp: new Date(entry.at).toISOString() }
    site.route(buildArchiveResult(from, to, { queryId: query.queryId, id: entry.id, message, delay }))
  }
  site.route(resultOf(request, buildArchiveFin(answer.fin)))
}
