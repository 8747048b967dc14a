/** What is believed of people, as the facts of rooms need it, and of whom something else is believed than before. */
import { fromUtf8, utf8 } from '../../bytes/text.ts'
import { Looks } from '../../identity/confusable.ts'
import type { GroupKnowledge } from '../../identity/group-facts.ts'
import type { VerifiedManifest } from '../../identity/manifest.ts'
import type { ContactBook } from './contact-book.ts'
import { type IdentityParts, secondsOf } from './context.ts'
import type { OwnIdentity } from './own-identity.ts'

/** A moment in what is believed. */
export interface PeopleMark {
  readonly version: number
  readonly manifest: VerifiedManifest | undefined
  readonly rotations: readonly unknown[]
}

/** Whether nothing else is believed at one than at the other. */
export function sameMark(a: PeopleMark, b: PeopleMark): boolean {
  return a.version === b.version && a.manifest === b.manifest && a.rotations === b.rotations
}

/** See the file. */
export class People {
  readonly #parts: IdentityParts
  readonly #own: OwnIdentity
  readonly #book: ContactBook
  readonly #looks: Looks
  #mark: PeopleMark | undefined

  constructor(parts: IdentityParts, own: OwnIdentity, book: ContactBook) {
    this.#parts = parts
    this.#own = own
    this.#book = book
    this.#looks = new Looks([parts.accountBytes])
  }

  /** Where it stands now. */
  get mark(): PeopleMark {
    return { version: this.#book.changes.version, manifest: this.#own.manifest, rotations: this.#own.stored.rotations }
  }

  /** Accounts of which something else is believed: all, for nothing to compare with. */
  *since(mark: PeopleMark | undefined): Iterable<string> {
    const changes = mark && this.#book.changes.since(mark.version)
    yield* changes ?? this.#book.accounts
    if (mark?.manifest !== this.#own.manifest || mark?.rotations !== this.#own.stored.rotations)
      yield this.#parts.account
  }

  /** The own address and those of contacts, in the order in which they became known. */
  get looks(): Looks {
    for (const account of this.since(this.#mark))
      if (this.#book.pin(account).trust !== 'UNKNOWN') this.#looks.add(utf8(account))
    this.#mark = this.mark
    return this.#looks
  }

  /** The newest manifest of an account that is believed here. */
  manifestOf(account: string): VerifiedManifest | undefined {
    return account === this.#parts.account ? this.#own.manifest : this.#book.pin(account).head
  }

  /** What facts about leaves are found with. */
  get knowledge(): Omit<GroupKnowledge, 'contacts'> {
    const { suite, timers, accountBytes, account: self } = this.#parts
    return {
      suite,
      now: secondsOf(timers),
      own: accountBytes,
      pin: (account) => this.#book.pin(fromUtf8(account)),
      rotations: (account) =>
        fromUtf8(account) === self ? this.#own.rotations : this.#book.rotations(fromUtf8(account)),
    }
  }
}
