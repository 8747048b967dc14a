/** Comparisons of seven emoji: commitment, answer and reveal travel inside encrypted rooms, one session for each account. */
import type { Bytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { toBase64 } from '../../bytes/text.ts'
import {
  answerEmoji,
  type EmojiAnswerer,
  type EmojiStarter,
  type SevenEmoji,
  startEmoji,
} from '../../identity/verify-emoji.ts'
import { tag, type XmlElement } from '../stanza/element.ts'
import { confirmRoot, ownSide, rootToCompare } from './compared-root.ts'
import type { ContactBook } from './contact-book.ts'
import { type IdentityParts, secondsOf } from './context.ts'
import type { OwnIdentity } from './own-identity.ts'
import { identityNamespace } from './wire.ts'

/** Says an element to an account inside an encrypted room; resolves whether there is one, and otherwise keeps it for later. */
export type SayTo = (account: string, element: XmlElement) => Promise<boolean>

/** A comparison of emoji that is under way. */
export interface EmojiVerification {
  /** Bare JID. */
  readonly account: string
  /** Whether the other side began. */
  readonly incoming: boolean
  /** What to show on both sides; rejects when it fails. */
  readonly emoji: Promise<SevenEmoji>
  /** They are the same: the contact is verified. */
  confirm(): Promise<void>
  /** They are not, or nobody is there. */
  cancel(): void
}

interface EmojiSession {
  readonly account: string
  readonly rootHash: Bytes
  readonly starter?: EmojiStarter
  readonly answerer?: EmojiAnswerer
  readonly resolve: (emoji: SevenEmoji) => void
  readonly reject: (error: unknown) => void
}

/** What comparisons work with. */
export interface EmojiDeps {
  readonly own: OwnIdentity
  readonly book: ContactBook
  readonly say: SayTo
  readonly onIncoming: (verification: EmojiVerification) => void
}

const build = tag(identityNamespace)
const emojiElement = (step: string, bytes: Uint8Array): XmlElement => build('emoji', { step }, toBase64(bytes))

/** See the file. */
export class EmojiSessions {
  readonly #parts: IdentityParts
  readonly #own: OwnIdentity
  readonly #book: ContactBook
  readonly #say: SayTo
  readonly #onIncoming: (verification: EmojiVerification) => void
  readonly #open = new Map<string, EmojiSession>()

  constructor(parts: IdentityParts, deps: EmojiDeps) {
    this.#parts = parts
    this.#own = deps.own
    this.#book = deps.book
    this.#say = deps.say
    this.#onIncoming = deps.onIncoming
  }

  get #now(): bigint {
    return secondsOf(this.#parts.timers)
  }

  /** Begins to compare emoji. @throws `identity/state`; `xmpp/not_joined` without an encrypted room with the account */
  async begin(account: string): Promise<EmojiVerification> {
    await this.#book.meet(account, 0)
    const peer = rootToCompare(this.#book, account)
    const starter = startEmoji(this.#parts.suite, { own: ownSide(this.#parts, this.#own), peer }, this.#now)
    const verification = this.#session(account, peer.rootHash, { starter }, false)
    if (!(await this.#say(account, emojiElement('start', starter.start))))
      throw new MlsError('xmpp/not_joined', 'there is no encrypted room with this account')
    return verification
  }

  #session(
    account: string,
    rootHash: Bytes,
    side: { readonly starter?: EmojiStarter; readonly answerer?: EmojiAnswerer },
    incoming: boolean,
  ): EmojiVerification {
    this.#open.get(account)?.reject(new MlsError('identity_verify/session', 'another comparison was begun'))
    let settle: Pick<EmojiSession, 'resolve' | 'reject'> = { resolve: () => undefined, reject: () => undefined }
    const emoji = new Promise<SevenEmoji>((resolve, reject) => {
      settle = { resolve, reject }
    })
    emoji.catch(() => undefined)
    this.#open.set(account, { account, rootHash, ...side, ...settle })
    return {
      account,
      incoming,
      emoji,
      confirm: async () => {
        await emoji
        await confirmRoot(this.#book, account, rootHash)
      },
      cancel: () => {
        side.starter?.close()
        settle.reject(new MlsError('identity_verify/session', 'the comparison was given up'))
        this.#open.delete(account)
      },
    }
  }

  /** A step that came from an account, encrypted. @throws codes of kind `malformed`, `identity_verify/…` */
  async receive(account: string, step: string | undefined, bytes: Bytes): Promise<void> {
    const session = this.#open.get(account)
    if (step === 'start') {
      await this.#book.meet(account, 0)
      const { suite } = this.#parts
      const peer = rootToCompare(this.#book, account)
      const answerer = answerEmoji(suite, bytes, { own: ownSide(this.#parts, this.#own), peer }, this.#now)
      const verification = this.#session(account, peer.rootHash, { answerer }, true)
      await this.#say(account, emojiElement('answer', answerer.answer))
      this.#onIncoming(verification)
    } else if (step === 'answer' && session?.starter !== undefined) {
      const { reveal, emoji } = session.starter.reveal(bytes, this.#now)
      await this.#say(account, emojiElement('reveal', reveal))
      session.resolve(emoji)
    } else if (step === 'reveal' && session?.answerer !== undefined) {
      try {
        session.resolve(session.answerer.open(bytes, this.#now))
      } catch (error) {
        session.reject(error)
      }
    }
  }
}
