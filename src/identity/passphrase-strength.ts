/**
 * A gate for passphrases that seal a backup. The server that keeps the backup can try passphrases for years, so the gate is
 * about guessing offline. The estimate is low on purpose: what looks like a word counts as one of 4,096 words, whatever it is.
 */
import { fromUtf8 } from '../bytes/text.ts'

/** The least estimate that is accepted, in bits: five uncommon words, or some twelve random characters. */
export const minPassphraseBits = 55

/** What a passphrase is worth. */
export interface PassphraseStrength {
  /** Estimated, rounded down. */
  readonly bits: number
  readonly accepted: boolean
  readonly advice: 'ok' | 'add_words' | 'avoid_own_name' | 'avoid_repetition'
}

const wordBits = 12

/** Words that every list of leaked passwords begins with, and rows of keyboards. Worth almost nothing. */
const common = new Set(
  (
    'password passwort passphrase secret admin welcome login letmein master hello monkey dragon football baseball sunshine ' +
    'princess iloveyou love test user guest default change changeme qwerty qwertz azerty asdf asdfgh asdfghjkl zxcvbn ' +
    'yxcvbn qwertyuiop abc abcd abcde abcdef abcdefgh correct horse battery staple the and for you my is of to in a i xmpp jabber'
  ).split(' '),
)

/**
 * Estimates a passphrase. `account` is the bare JID, UTF-8: its parts are worth nothing.
 */
export function passphraseStrength(passphrase: string, account: Uint8Array): PassphraseStrength {
  const own = new Set(
    fromUtf8(account)
      .toLowerCase()
      .split(/[^\p{L}\p{Nd}]+/u)
      .filter((part) => part.length > 2),
  )
  const tokens = [
    ...passphrase
      .slice(0, 1024)
      .normalize('NFKC')
      .matchAll(/\p{L}[\p{L}\p{M}]*|\p{Nd}+|[^\p{L}\p{Nd}\s]+/gu),
  ].map(([token]) => token)
  const seen = new Set<string>()
  let bits = 0
  let [ownName, repeated] = [false, false]
  for (const token of tokens) {
    const word = token.toLowerCase()
    if (own.has(word)) ownName = true
    else if (seen.has(word)) repeated = true
    else bits += tokenBits(token.slice(0, period(word)), word.slice(0, period(word)))
    seen.add(word)
  }
  bits = Math.floor(bits)
  const accepted = bits >= minPassphraseBits
  const advice = accepted ? 'ok' : ownName ? 'avoid_own_name' : repeated ? 'avoid_repetition' : 'add_words'
  return { bits, accepted, advice }
}

function tokenBits(token: string, word: string): number {
  if (common.has(word)) return 2
  if (isRun(word)) return 4
  if (/^\p{Nd}/u.test(word)) return digitBits(word)
  if (!/^\p{L}/u.test(word)) return 4 * new Set(word).size
  // scripts without spaces between words: one character is about a syllable or a word
  if (!/^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{M}]*$/u.test(word))
    return Math.min(7 * new Set(word).size, 36)
  const mixed = token !== word && token.slice(1) !== word.slice(1) && token !== token.toUpperCase() ? 1 : 0
  const random = looksRandom(word)
  if (random) return Math.min(word.length * (4 + mixed), new Set(word).size * 6)
  const capital = token === word ? 0 : 1
  return Math.min(word.length * 3, wordBits + Math.max(0, word.length - 10)) + capital
}

/** Years and dates are what people append. */
function digitBits(digits: string): number {
  const plain = digits.length * 3
  return digits.length <= 4 || digits.length === 6 || digits.length === 8
    ? Math.min(plain, 8 + digits.length / 2)
    : plain
}

/** One character again and again, or neighbours in a row, up or down. */
function isRun(word: string): boolean {
  const codes = [...word].map((character) => character.codePointAt(0) ?? 0)
  if (codes.length < 3) return false
  // after 9 comes 0
  const modulus = /^[0-9]+$/.test(word) ? 10 : 0x110000
  const steps = new Set(codes.slice(1).map((code, i) => (code - (codes[i] ?? 0) + modulus) % modulus))
  const [step = 2] = steps
  return steps.size === 1 && (step <= 1 || step === modulus - 1)
}

/** The length of the part that a token repeats; its own length where it repeats none. */
function period(word: string): number {
  for (let length = 1; length <= word.length / 2; length++)
    if (
      word ===
      word
        .slice(0, length)
        .repeat(Math.ceil(word.length / length))
        .slice(0, word.length)
    )
      return length
  return word.length
}

/** No language has words with so few vowels, or so many consonants in a row. */
function looksRandom(word: string): boolean {
  const plain = word.normalize('NFD').replace(/\p{M}/gu, '')
  if (plain.length < 6 || !/^[a-z]+$/.test(plain)) return false
  const vowels = plain.replace(/[^aeiouy]/g, '').length / plain.length
  return vowels < 0.18 || /[^aeiouy]{5}/.test(plain)
}
