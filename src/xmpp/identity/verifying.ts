/** Verifying people: one scan for both, sixty digits, seven emoji. Messages of it travel inside encrypted rooms. */
import { type Bytes, equalBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { fromBase64, fromUtf8, toBase64, utf8 } from '../../bytes/text.ts'
import { type Invite, makeInviteLink, readInviteLink } from '../../identity/invite-link.ts'
import { sameDigits, verifyDigits } from '../../identity/verify-digits.ts'
import {
  type ShownVerifyQr,
  scanVerifyQr,
  showVerifyQr,
  type VerifiedSide,
  type VerifyOutcome,
} from '../../identity/verify-qr.ts'
import { tag, textOf, type XmlElement } from '../stanza/element.ts'
import { confirmRoot, ownSide, rootsToCompare, rootToCompare } from './compared-root.ts'
import type { ContactBook } from './contact-book.ts'
import { type IdentityParts, secondsOf } from './context.ts'
import { type EmojiDeps, EmojiSessions, type EmojiVerification, type SayTo } from './emoji-sessions.ts'
import type { OwnIdentity } from './own-identity.ts'
import { identityNamespace } from './wire.ts'

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

const build = tag(identityNamespace)

/** See the file. */
export class Verifying {
  readonly #parts: IdentityParts
  readonly #own: OwnIdentity
  readonly #book: ContactBook
  readonly #say: SayTo
  readonly #shown = new Set<ShownVerifyQr>()
  readonly #emoji: EmojiSessions

  constructor(parts: IdentityParts, deps: EmojiDeps) {
    this.#parts = parts
    this.#own = deps.own
    this.#book = deps.book
    this.#say = deps.say
    this.#emoji = new EmojiSessions(parts, deps)
  }

  get #now(): bigint {
    return secondsOf(this.#parts.timers)
  }

  get #self(): VerifiedSide {
    return ownSide(this.#parts, this.#own)
  }

  /** A code to show; `account`: for whom. @throws `identity/state`, `identity_verify/account` */
  showCode(account: string | undefined): ShownCode {
    const held = account === undefined ? undefined : rootsToCompare(this.#book, account)[0]
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
    const roots = rootsToCompare(this.#book, name)
    const held = roots.find(({ rootHash }) => equalBytes(rootHash, first.theirs.rootHash)) ?? roots[0]
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
    const peer = rootToCompare(this.#book, account)
    const digits = verifyDigits(this.#self, peer)
    return {
      digits,
      same: (typed) => sameDigits(digits, typed),
      confirm: () => confirmRoot(this.#book, account, peer.rootHash),
    }
  }

  /** Begins to compare emoji. @throws `identity/state`; `xmpp/not_joined` without an encrypted room with the account */
  emoji(account: string): Promise<EmojiVerification> {
    return this.#emoji.begin(account)
  }

  /** An element of a verification that came from an account, encrypted. Returns whether it was one. */
  async receive(account: string, element: XmlElement): Promise<boolean> {
    if (element.ns !== identityNamespace || (element.name !== 'scanned' && element.name !== 'emoji')) return false
    const bytes = bytesOf(element)
    if (bytes === undefined) return true
    if (element.name === 'scanned') await this.#scanned(account, bytes)
    else await this.#emoji.receive(account, element.attrs['step'], bytes)
    return true
  }

  async #scanned(account: string, reply: Bytes): Promise<void> {
    await this.#book.meet(account, 0)
    for (const held of rootsToCompare(this.#book, account))
      for (const code of this.#shown) {
        const outcome = tried(() => code.check(reply, held, this.#now))
        if (outcome !== 'match') continue
        this.#shown.delete(code)
        await this.#book.observe(account, { kind: 'verified', rootHash: held.rootHash })
        return
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
