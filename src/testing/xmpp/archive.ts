import type { XmlElement } from '../../xmpp/stanza/element.ts'
import { bareJid } from '../../xmpp/stanza/jid.ts'
import type { StanzaError } from '../../xmpp/stanza/xmpp-error.ts'
import type { ArchiveFin, ArchiveQuery } from '../../xmpp/xep/xep-0313.ts'
import type { Dialect } from './dialect.ts'
import type { SeededRandom } from './seeded-random.ts'

/** One stored message. */
export interface ArchiveEntry {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly message: XmlElement
  /** Bare JID of the other side, in the archive of an account. */
  readonly with?: string
}

/** A page of an archive, or why there is none. */
export type ArchiveAnswer =
  | { readonly error: StanzaError }
  | { readonly entries: readonly ArchiveEntry[]; readonly fin: ArchiveFin }

/** The stored messages of an account, room or channel, in order. */
export class Archive {
  readonly entries: ArchiveEntry[] = []
  readonly #index = new Map<string, ArchiveEntry>()
  readonly #dialect: Dialect
  readonly #random: SeededRandom
  #last = 0

  constructor(dialect: Dialect, random: SeededRandom) {
    this.#dialect = dialect
    this.#random = random
  }

  /** A fresh id; ids of the kind `time` only grow. @param now milliseconds since the epoch */
  newId(now: number): string {
    if (this.#dialect.archiveIds === 'random')
      return [...this.#random.randomBytes(9)].map((b) => b.toString(36)).join('-')
    this.#last = Math.max(this.#last + 1, Math.floor(now * 1000))
    return String(this.#last)
  }

  /** Stores a message; ids of the kind `time` keep their order even when stored late. */
  add(entry: ArchiveEntry): void {
    this.#index.set(entry.id, entry)
    let at = this.entries.length
    if (this.#dialect.archiveIds === 'time') while (at > 0 && Number(this.entries[at - 1]?.id) > Number(entry.id)) at--
    this.entries.splice(at, 0, entry)
  }

  /** Forgets all but the newest `keep` messages: what a retention time does. */
  truncate(keep: number): void {
    for (const gone of this.entries.splice(0, Math.max(0, this.entries.length - keep))) this.#index.delete(gone.id)
  }

  /** Removes one message: what moderation does, or a hostile server. */
  remove(id: string): void {
    const at = this.entries.findIndex((entry) => entry.id === id)
    if (at >= 0) this.entries.splice(at, 1)
    this.#index.delete(id)
  }

  /** One page of XEP-0313 and XEP-0059. */
  query(query: ArchiveQuery): ArchiveAnswer {
    let list: readonly ArchiveEntry[] = this.entries
    const peer = query.with === undefined ? undefined : bareJid(query.with)
    if (peer !== undefined) list = list.filter((entry) => entry.with === peer)
    const start = Date.parse(query.start ?? '')
    const end = Date.parse(query.end ?? '')
    if (!Number.isNaN(start)) list = list.filter((entry) => entry.at >= start)
    if (!Number.isNaN(end)) list = list.filter((entry) => entry.at <= end)
    const { after, before } = query.page
    const max = Math.min(query.page.max ?? this.#dialect.pageSize, this.#dialect.maxPageSize)
    const low = after === undefined ? 0 : this.#cut(list, after, 1)
    const high = before === undefined || before === '' ? list.length : this.#cut(list, before, 0)
    if (low === undefined || high === undefined) return { error: { type: 'cancel', condition: 'item-not-found' } }
    const backward = before !== undefined
    const from = backward ? Math.max(low, high - max) : low
    const to = backward ? high : Math.min(high, low + max)
    const entries = list.slice(from, Math.max(from, to))
    const complete = backward ? from <= low : to >= high
    const [first, last] = [entries[0]?.id, entries.at(-1)?.id]
    const bounds = first === undefined || last === undefined ? {} : { first, last }
    return { entries, fin: { complete, stable: true, count: list.length, ...bounds } }
  }

  /** Index before (`side` 0) or behind (`side` 1) the entry with an id. */
  #cut(list: readonly ArchiveEntry[], id: string, side: 0 | 1): number | undefined {
    const known = this.#index.get(id)
    if (this.#dialect.archiveIds === 'time') {
      if (known === undefined && this.#dialect.unknownCursor === 'error') return undefined
      const wanted = Number(id)
      let [low, high] = [0, list.length]
      while (low < high) {
        const middle = (low + high) >> 1
        const value = Number(list[middle]?.id)
        if (value < wanted || (side === 1 && value === wanted)) low = middle + 1
        else high = middle
      }
      return Number.isNaN(wanted) ? 0 : low
    }
    const at = known === undefined ? -1 : list.lastIndexOf(known)
    return at < 0 ? undefined : at + side
  }
}
