/**
 * Verification by seven emoji that two people compare while they talk. The one who starts commits to a random value before
 * the other one chooses theirs, so nobody between the two can try values until the emoji look alike: 42 bits, one try.
 *
 *     starter                                        answerer
 *     startEmoji ───────── start (commitment) ─────> answerEmoji
 *     EmojiStarter.reveal <─────── answer (nonce) ──
 *       emoji are shown ────────── reveal (nonce) ─> EmojiAnswerer.open
 *                                                      emoji are shown
 *
 * The messages go through the conversation. Each side puts in the root that it has and the one that it holds for the other.
 */
import { type Bytes, equalBytes, wipe } from '../bytes/bytes.ts'
import { at, MlsError } from '../bytes/errors.ts'
import { decode, encode, struct } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { checkAccount } from './bounded.ts'
import { ceremonyVersion, fixed16, fixed32, versionByte } from './ceremony-fields.ts'
import { ceremonyInput } from './ceremony-input.ts'
import type { RootOfAccount } from './verify-digits.ts'
import { type VerifyEmoji, verifyEmojiList } from './verify-emoji-list.ts'

/** How long a verification may take, in seconds. */
export const verifyEmojiLifetime = 600n

const EmojiStart = struct({ version: versionByte, session: fixed16, commitment: fixed32 })
const EmojiAnswer = struct({ version: versionByte, session: fixed16, nonce: fixed32 })
const EmojiReveal = struct({ version: versionByte, session: fixed16, nonce: fixed32 })

/** Seven emoji in the order in which they are compared. */
export type SevenEmoji = readonly VerifyEmoji[]

/** This account with its root, and the other one with the root held for it. */
export interface EmojiParties {
  readonly own: RootOfAccount
  readonly peer: RootOfAccount
}

interface Session {
  readonly suite: CipherSuite
  readonly starter: RootOfAccount
  readonly answerer: RootOfAccount
  readonly id: Bytes
  readonly begunAt: bigint
}

/** The side that started and waits for an answer; good for one answer. */
export class EmojiStarter {
  /** To be sent. */
  readonly start: Bytes
  readonly #session: Session
  #nonce: Bytes | undefined

  constructor(suite: CipherSuite, { own, peer }: EmojiParties, now: bigint) {
    checkSides(own, peer)
    this.#session = { suite, starter: own, answerer: peer, id: suite.randomBytes(16), begunAt: now }
    this.#nonce = suite.randomBytes(32)
    const commitment = commit(this.#session, this.#nonce)
    this.start = encode(EmojiStart, { version: ceremonyVersion, session: this.#session.id, commitment })
  }

  /**
   * Takes the answer: the message to send, and what to show. A second answer is refused, since it could have been chosen
   * after the first one was seen.
   * @throws `identity_verify/used`, `identity_verify/expired`, `identity_verify/session`, codes of kind `malformed`
   */
  reveal(answer: Uint8Array, now: bigint): { readonly reveal: Bytes; readonly emoji: SevenEmoji } {
    const own = this.#nonce
    if (own === undefined) throw used()
    checkTime(this.#session, now)
    const { session, nonce } = decode(EmojiAnswer, answer)
    checkSession(this.#session, session)
    this.#nonce = undefined
    const emoji = emojiOf(this.#session, own, nonce)
    return { reveal: encode(EmojiReveal, { version: ceremonyVersion, session, nonce: own }), emoji }
  }

  /** Gives up. */
  close(): void {
    wipe(this.#nonce)
    this.#nonce = undefined
  }
}

/** The side that answered and waits for the reveal; good for one. */
export class EmojiAnswerer {
  /** To be sent. */
  readonly answer: Bytes
  readonly #session: Session
  readonly #nonce: Bytes
  #commitment: Bytes | undefined

  constructor(suite: CipherSuite, start: Uint8Array, { own, peer }: EmojiParties, now: bigint) {
    checkSides(own, peer)
    const { session, commitment } = decode(EmojiStart, start)
    this.#session = { suite, starter: peer, answerer: own, id: session, begunAt: now }
    this.#commitment = commitment
    this.#nonce = suite.randomBytes(32)
    this.answer = encode(EmojiAnswer, { version: ceremonyVersion, session, nonce: this.#nonce })
  }

  /**
   * Takes the reveal: what to show. One that does not fit the commitment ends the verification.
   * @throws `identity_verify/used`, `identity_verify/expired`, `identity_verify/session`, `identity_verify/commitment`,
   * codes of kind `malformed`
   */
  open(reveal: Uint8Array, now: bigint): SevenEmoji {
    const commitment = this.#commitment
    if (commitment === undefined) throw used()
    checkTime(this.#session, now)
    const { session, nonce } = decode(EmojiReveal, reveal)
    checkSession(this.#session, session)
    this.#commitment = undefined
    if (!equalBytes(commitment, commit(this.#session, nonce)))
      throw new MlsError('identity_verify/commitment', 'a value that was not committed to')
    return emojiOf(this.#session, nonce, this.#nonce)
  }
}

/** Starts. @throws `identity_verify/account`, `identity/account` */
export function startEmoji(suite: CipherSuite, parties: EmojiParties, now: bigint): EmojiStarter {
  return new EmojiStarter(suite, parties, now)
}

/** Answers a start that came from the peer. @throws as {@link startEmoji}, and codes of kind `malformed` */
export function answerEmoji(suite: CipherSuite, start: Uint8Array, parties: EmojiParties, now: bigint): EmojiAnswerer {
  return new EmojiAnswerer(suite, start, parties, now)
}

/** Of the accounts too: a start that is passed on to somebody else does not open there. */
function commit({ suite, id, starter, answerer }: Session, nonce: Uint8Array): Bytes {
  return suite.hash(ceremonyInput('Emoji Commitment', id, starter.account, answerer.account, nonce))
}

function emojiOf(session: Session, startNonce: Uint8Array, answerNonce: Uint8Array): SevenEmoji {
  const { suite, id, starter, answerer } = session
  const sides = [starter.account, starter.rootHash, answerer.account, answerer.rootHash]
  const hash = suite.hash(ceremonyInput('Emoji', id, ...sides, startNonce, answerNonce))
  return Array.from({ length: 7 }, (_, i) => at(verifyEmojiList, sixBits(hash, i)))
}

/** The `index`-th group of six bits, most significant first. */
function sixBits(bytes: Uint8Array, index: number): number {
  const bit = index * 6
  const pair = (at(bytes, bit >> 3) << 8) | at(bytes, (bit >> 3) + 1)
  return (pair >> (10 - (bit & 7))) & 63
}

function checkSides(own: RootOfAccount, peer: RootOfAccount): void {
  for (const { account, rootHash } of [own, peer]) {
    checkAccount(account)
    if (rootHash.length !== 32) throw new MlsError('codec/range', 'a root hash has 32 bytes')
  }
  if (equalBytes(own.account, peer.account))
    throw new MlsError('identity_verify/account', 'a verification with the own account')
}

function checkTime({ begunAt }: Session, now: bigint): void {
  if (now < begunAt || now - begunAt > verifyEmojiLifetime)
    throw new MlsError('identity_verify/expired', 'this verification is too old')
}

function checkSession({ id }: Session, session: Uint8Array): void {
  if (!equalBytes(id, session)) throw new MlsError('identity_verify/session', 'a message of another verification')
}

function used(): MlsError {
  return new MlsError('identity_verify/used', 'this verification is over')
}
