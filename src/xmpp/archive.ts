import { MlsError } from '../bytes/errors.ts'
import { freshId, type XmppContext } from './port.ts'
import { bareJid } from './stanza/jid.ts'
import { iq } from './stanza/stanza.ts'
import type { PageRequest } from './xep/xep-0059.ts'
import { type ArchiveResult, archiveFinIn, archiveResultIn, buildArchiveQuery } from './xep/xep-0313.ts'

/** One page of any archive, in the archive's order. */
export interface ArchivePage {
  readonly results: readonly ArchiveResult[]
  readonly complete: boolean
  readonly stable: boolean
}

/**
 * Reads one page of an archive (XEP-0313). Only results of the asked archive with this query's id count (S02).
 * @param archive bare JID of the room, channel or own account
 * @throws XmppError, `xmpp/timeout`, `xmpp/offline`; `xmpp/archive_page` when the results are not those the answer names
 */
export async function readArchive(
  { port, random }: XmppContext,
  archive: string,
  page: PageRequest & { readonly with?: string; readonly start?: string },
): Promise<ArchivePage> {
  const queryId = freshId(random)
  const own = bareJid(port.jid)
  const results: ArchiveResult[] = []
  const stop = port.onStanza((stanza) => {
    const result = archiveResultIn(stanza, { archive, own, queryId })
    if (result !== undefined) results.push(result)
  })
  try {
    const { with: peer, start, ...wanted } = page
    const filter = { ...(peer === undefined ? {} : { with: peer }), ...(start === undefined ? {} : { start }) }
    const to = archive === own ? undefined : archive
    const answer = await port.request(iq('set', { to }, buildArchiveQuery({ queryId, page: wanted, ...filter })))
    const fin = archiveFinIn(answer)
    if (fin === undefined) throw new MlsError('xmpp/archive_page', 'archive answer without an end')
    const whole =
      (fin.first === undefined || fin.first === results[0]?.id) &&
      (fin.last === undefined || fin.last === results.at(-1)?.id)
    if (!whole) throw new MlsError('xmpp/archive_page', 'archive page with missing results')
    return { results, complete: fin.complete, stable: fin.stable }
  } finally {
    stop()
  }
}
