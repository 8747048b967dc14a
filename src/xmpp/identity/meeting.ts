/** Reads the nodes of people who come into groups. */
import type { Group } from '../../group/group.ts'
import type { ContactBook } from './contact-book.ts'

/** An account is not asked about again within this time, in milliseconds. */
const metMs = 3_600_000
/** Of those about whom nothing could be learnt, so many are asked about again each time. */
const maxAgain = 4

/** See the file. */
export class Meeting {
  readonly #book: ContactBook
  readonly #own: string
  /** Accounts of which nothing is known after they were asked about, the last ones asked at the end. */
  readonly #strangers = new WeakMap<Group, Set<string>>()

  /** @param own the own account, which is not met */
  constructor(book: ContactBook, own: string) {
    this.#book = book
    this.#own = own
  }

  /** Learns of accounts of a group, and once more of some strangers. Problems are told and not thrown. */
  async meet(group: Group, accounts: Iterable<string>): Promise<void> {
    const strangers = this.#strangers.get(group) ?? new Set<string>()
    this.#strangers.set(group, strangers)
    const asked = new Set(accounts)
    let again = 0
    for (const account of strangers)
      if (again++ < maxAgain) asked.add(account)
      else break
    for (const account of asked) {
      if (account === '' || account === this.#own) continue
      strangers.delete(account)
      await this.#book.meet(account, metMs)
      if (this.#book.pin(account).trust === 'UNKNOWN') strangers.add(account)
    }
  }
}
