/** Verifying people: one scan for both, sixty digits, seven emoji. Messages of it travel inside encrypted rooms. */
import { type Bytes, equalBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { fromBase64, fromUtf8, toBase64, utf8 } from '../../bytes/text.ts'
import { type Invite, makeInviteLink, readInviteLink } from '../../identity/invite-link.ts'
import { type RootOfAccount, sameDigits, verifyDigits } from '../../identity/verify-digits.ts'
import {
  answerEmoji,
  type EmojiAnswerer,
  type EmojiStarter,
  type SevenEmoji,
  startEmoji,
} from '../../identity/verify-emoji.ts'
import {
  type ShownVerifyQr,
  scanVerifyQr,
  showVerifyQr,
  type VerifiedSide,
  type VerifyOutcome,
} from '../../identity/verify-qr.ts'
import { tag, textOf, type XmlElement } from '../stanza/element.ts'
import type { ContactBook } from './contact-book.ts'
import { type IdentityParts, secondsOf } from './context.ts'
import type { OwnIdentity } from './own-identity.ts'
import { notNow } from './secrets.ts'
import { identityNamespace } from './wire.ts'

/** Says an element to an account inside an encrypted room; resolves whether there is one, and otherwise keeps it for later. */
export type SayTo = (account: string, element: XmlElement) => Promise<boolean>

/** What a scan came to. */
export interface ScanResult {
  /** Bare JID of who showed the code. */
  readonly account: string
  readonly outcome: VerifyOutcome
  /** Whether the answer went out; it goes as soon as there is a room with the account. */
  readonly answered: boolean
}

/** A code on the screen. */
export interface ShownCode {
  readonly text: string
  /** It is not on the screen any more. */
  close(): void
}

/** Digits to compare, by telephone for instance. */
export interface DigitsToCompare {
  /** Twelve groups of five. */
  readonly digits: string
  /** Whether what the other person reads is the same. */
  same(typed: string): boolean
  /** They are the same: the contact is verified. @throws `identity/state` when the contact's root has changed meanwhile */
  confirm(): Promise<void>
}

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

const build = tag(identityNamespace)

/** See the file. */
export class Verifying {
  readonly #parts: IdentityParts
  readonly #own: OwnIdentity
  readonly #book: ContactBook
  readonly #say: SayTo
  readonly #onIncoming: (verification: EmojiVerification) => void
  readonly #shown = new Set<ShownVerifyQr>()
  readonly #emoji = new Map<string, EmojiSession>()

  constructor(
    parts: IdentityParts,
    deps: {
      readonly own: OwnIdentity
      readonly book: ContactBook
      readonly say: SayTo
      readonly onIncoming: (verification: EmojiVerification) => void
    },
  ) {
    this.#parts = parts
    this.#own = deps.own
    this.#book = deps.book
    this.#say = deps.say
    this.#onIncoming = deps.onIncoming
  }

  get #now(): bigint {
    return secondsOf(this.#parts.timers)
  }

  get #self(): VerifiedSide {
    const { manifest } = this.#own
    if (manifest === undefined) throw notNow('this device belongs to no identity')
    const { rootHash, generation, seq } = manifest
    return { account: this.#parts.accountBytes, rootHash, generation, seq }
  }

  #held(account: string): VerifiedSide | undefined {
    const { rootHash, head } = this.#book.pin(account)
    if (rootHash === undefined) return undefined
    return { account: utf8(account), rootHash, generation: head?.generation ?? 0, seq: head?.seq ?? 0n }
  }

  /** A code to show; `account`: for whom. @throws `identity/state`, `identity_verify/account` */
  showCode(account: string | undefined): ShownCode {
    const held = account === undefined ? undefined : this.#held(account)
    const peer = held && { account: held.account, rootHash: held.rootHash, generation: held.generation }
    const code = showVerifyQr(
      this.#parts.suite,
      { own: this.#self, ...(peer === undefined ? {} : { peer }) },
      this.#now,
    )
    this.#shown.add(code)
    return {
      text: code.text,
      close: () => {
        code.close()
        this.#shown.delete(code)
      },
    }
  }

  /** Takes a scanned code. @throws `identity_qr/…`, `identity_verify/account`, `identity/state` */
  async scan(text: string, account: string | undefined): Promise<ScanResult> {
    const { suite } = this.#parts
    const own = this.#self
    const first = scanVerifyQr(suite, text, {
      own,
      ...(account === undefined ? {} : { peer: { account: utf8(account) } }),
    })
    const name = fromUtf8(first.theirs.account)
    await this.#book.meet(name, 0)
    const held = this.#held(name)
    const peer = { account: first.theirs.account, ...(held === undefined ? {} : { held }) }
    const found = scanVerifyQr(suite, text, { own, peer })
    if (found.outcome !== 'match') return { account: name, outcome: found.outcome, answered: false }
    await this.#book.observe(name, { kind: 'verified', rootHash: found.theirs.rootHash })
    const answered = await this.#say(name, build('scanned', {}, toBase64(found.reply)))
    return { account: name, outcome: 'match', answered }
  }

  /** Digits to compare with an account. @throws `identity/state` when nothing is known of it */
  async digits(account: string): Promise<DigitsToCompare> {
    await this.#book.meet(account, 0)
    const peer = this.#known(account)
    const digits = verifyDigits(this.#self, peer)
    return {
      digits,
      same: (typed) => sameDigits(digits, typed),
      confirm: () => this.#confirm(account, peer),
    }
  }

  #known(account: string): RootOfAccount & { readonly rootHash: Bytes } {
    const { rootHash } = this.#book.pin(account)
    if (rootHash === undefined) throw notNow('nothing is known of this account')
    return { account: utf8(account), rootHash }
  }

  async #confirm(account: string, { rootHash }: RootOfAccount): Promise<void> {
    const pinned = this.#book.pin(account).rootHash
    // what was compared is what counts, not what came since
    if (pinned === undefined || !equalBytes(pinned, rootHash)) throw notNow('this account has another root by now')
    await this.#book.observe(account, { kind: 'verified', rootHash })
  }

  /** Begins to compare emoji. @throws `identity/state`; `xmpp/not_joined` without an encrypted room with the account */
  async emoji(account: string): Promise<EmojiVerification> {
    await this.#book.meet(account, 0)
    const peer = this.#known(account)
    const starter = startEmoji(this.#parts.suite, { own: this.#self, peer }, this.#now)
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
    this.#emoji.get(account)?.reject(new MlsError('identity_verify/session', 'another comparison was begun'))
    let settle: Pick<EmojiSession, 'resolve' | 'reject'> = { resolve: () => undefined, reject: () => undefined }
    const emoji = new Promise<SevenEmoji>((resolve, reject) => {
      settle = { resolve, reject }
    })
    emoji.catch(() => undefined)
    this.#emoji.set(account, { account, rootHash, ...side, ...settle })
    return {
      account,
      incoming,
      emoji,
      confirm: async () => {
        await emoji
        await this.#confirm(account, { account: utf8(account), rootHash })
      },
      cancel: () => {
        side.starter?.close()
        settle.reject(new MlsError('identity_verify/session', 'the comparison was given up'))
        this.#emoji.delete(account)
      },
    }
  }

  /** An element of a verification that came from an account, encrypted. Returns whether it was one. */
  async receive(account: string, element: XmlElement): Promise<boolean> {
    if (element.ns !== identityNamespace || (element.name !== 'scanned' && element.name !== 'emoji')) return false
    const bytes = bytesOf(element)
    if (bytes === undefined) return true
    if (element.name === 'scanned') await this.#scanned(account, bytes)
    else await this.#emojiStep(account, element.attrs['step'], bytes)
    return true
  }

  async #scanned(account: string, reply: Bytes): Promise<void> {
    await this.#book.meet(account, 0)
    const held = this.#held(account)
    if (held === undefined) return
    for (const code of this.#shown) {
      const outcome = tried(() => code.check(reply, held, this.#now))
      if (outcome !== 'match') continue
      this.#shown.delete(code)
      await this.#book.observe(account, { kind: 'verified', rootHash: held.rootHash })
      return
    }
  }

  async #emojiStep(account: string, step: string | undefined, bytes: Bytes): Promise<void> {
    const session = this.#emoji.get(account)
    if (step === 'start') {
      await this.#book.meet(account, 0)
      const { suite } = this.#parts
      const peer = this.#known(account)
      const answerer = answerEmoji(suite, bytes, { own: this.#self, peer }, this.#now)
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

  /** A link that lets who follows it know this identity. @throws `identity/state` */
  inviteLink(): string {
    const { account, rootHash, generation } = this.#self
    const invite = {
      account: Uint8Array.from(account),
      rootHash: Uint8Array.from(rootHash),
      generation,
      parameters: [],
    }
    return makeInviteLink(this.#parts.suite, invite)
  }

  /** Follows an invite link: its root is believed from the first contact on. Returns the account. @throws `identity_invite/…` */
  async follow(link: string): Promise<string | undefined> {
    const invite: Invite | undefined = readInviteLink(this.#parts.suite, link)
    if (invite === undefined) return undefined
    const account = fromUtf8(invite.account)
    await this.#book.observe(account, { kind: 'invited', rootHash: invite.rootHash })
    await this.#book.meet(account, 0)
    return account
  }
}

const emojiElement = (step: string, bytes: Uint8Array): XmlElement => build('emoji', { step }, toBase64(bytes))

function bytesOf(element: XmlElement): Bytes | undefined {
  const text = textOf(element)
  return text.length > 4_096 ? undefined : tried(() => fromBase64(text))
}

function tried<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof MlsError && error.kind !== 'bug') return undefined
    throw error
  }
}
