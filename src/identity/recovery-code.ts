/**
 * The recovery code: 160 random bits as 32 base-32 characters in eight groups of four, and a ninth group that checks them.
 *
 * The ninth group is the remainder of a polynomial code over GF(32) (x^5 + x^2 + 1) with the generator
 * x^4 + 2x^3 + 2x^2 + 1. Its distance is 4 at length 36 (a test counts): any three wrong characters are noticed, and one
 * wrong character or two that changed places are located, so that the user is told which group to look at. Nothing is ever
 * corrected silently: a wrong guess would be another account.
 */
import { type Bytes, equalBytes, wipe } from '../bytes/bytes.ts'
import { at, MlsError } from '../bytes/errors.ts'
import { base32Alphabet, fromBase32, toBase32 } from './base32.ts'
import { recoverySecretLength } from './root-keys.ts'

const groupLength = 4
const dataLength = 32
const codeLength = 36

/** Coefficients of the generator, from x^3 to x^0; the one of x^4 is 1. */
const generator = [2, 2, 0, 1] as const

/** Added to the checksum, so that a row of zeros is no code; another version of the code would add something else. */
const versionMark = [0, 0, 0, 1] as const

/** Why a text is no recovery code. `group` counts from 1 to 9; it is missing where it cannot be known. */
export interface RecoveryCodeProblem {
  readonly problem: 'character' | 'length' | 'checksum'
  readonly group?: number
}

/**
 * The code of a secret: nine groups of four characters with hyphens between them.
 * @throws `crypto/length` unless `secret` has 20 bytes
 */
export function encodeRecoveryCode(secret: Uint8Array): string {
  if (secret.length !== recoverySecretLength) throw new MlsError('crypto/length', 'a recovery secret has 20 bytes')
  const data = toBase32(secret)
  const symbols = [...data].map((character) => base32Alphabet.indexOf(character))
  const text =
    data +
    remainder(symbols)
      .map((symbol) => base32Alphabet.charAt(symbol))
      .join('')
  return groupsOf(text).join('-')
}

/**
 * The secret of a code, however it is typed: case, spaces, hyphens and other separators do not matter, and characters that
 * look like others (O and 0, I, L and 1, U and V, Cyrillic and Greek capitals, full-width forms) are read as those.
 * @throws `identity_recovery/character`, `identity_recovery/length`, `identity_recovery/checksum`; the message names the
 * group, and {@link findRecoveryCodeProblem} gives it as a number
 */
export function decodeRecoveryCode(text: string): Bytes {
  const read = readSymbols(text)
  const found = 'problem' in read ? read : checkSymbols(read)
  if (found !== undefined)
    throw new MlsError(
      `identity_recovery/${found.problem}`,
      found.group === undefined ? 'recovery code' : `recovery code, group ${found.group}`,
    )
  return fromBase32(
    (read as readonly number[])
      .slice(0, dataLength)
      .map((symbol) => base32Alphabet.charAt(symbol))
      .join(''),
  )
}

/** What is wrong with a text as a recovery code, for a form that helps while the user types; `undefined` when it is one. */
export function findRecoveryCodeProblem(text: string): RecoveryCodeProblem | undefined {
  const read = readSymbols(text)
  return 'problem' in read ? read : checkSymbols(read)
}

/** Whether two codes hold the same secret: for the step where the user types the code after saving it. @throws as {@link decodeRecoveryCode} */
export function sameRecoveryCode(text: string, secret: Uint8Array): boolean {
  const typed = decodeRecoveryCode(text)
  const same = equalBytes(typed, secret)
  wipe(typed)
  return same
}

/** Capitals of other alphabets that look like characters of ours, and the letters that ours leaves out. */
const confusables: ReadonlyMap<string, string> = new Map([
  ...pairs('OILU', '011V'),
  ...pairs('АВЕЗКМНОРСТУХЅІЈ', 'ABE3KMH0PCTYXS1J'),
  ...pairs('ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ', 'ABEZH1KMN0PTYX'),
])

function pairs(from: string, to: string): [string, string][] {
  return [...from].map((character, i) => [character, to.charAt(i)])
}

/** Everything that people or programs put between groups, and what copying leaves behind. */
const separator = /[\s\p{Pd}\p{Cf}._,:;/|*'"`]+/u

/** Longer texts are no codes, and are not looked at. */
const maxTyped = 512

function readSymbols(text: string): readonly number[] | RecoveryCodeProblem {
  if (text.length > maxTyped) return { problem: 'length' }
  const groups = text
    .normalize('NFKC')
    .toUpperCase()
    .split(separator)
    .filter((group) => group !== '')
    .map((group) => [...group])
  const symbols: number[] = []
  let badAt: number | undefined
  for (const [i, group] of groups.entries())
    for (const character of group) {
      const value = base32Alphabet.indexOf(confusables.get(character) ?? character)
      // with separators the group is the one on the paper, else every four characters make one
      if (value < 0) badAt ??= groups.length === codeLength / groupLength ? i + 1 : groupAt(symbols.length)
      symbols.push(value)
    }
  if (symbols.length !== codeLength) return lengthProblem(groups)
  return badAt === undefined ? symbols : { problem: 'character', group: badAt }
}

function lengthProblem(groups: readonly (readonly string[])[]): RecoveryCodeProblem {
  // the groups are known only where the user kept all of the separators, and the one that is wrong only if it is alone
  const odd = groups.flatMap((group, i) => (group.length === groupLength ? [] : [i + 1]))
  const [group] = odd
  const known = groups.length === codeLength / groupLength && odd.length === 1 && group !== undefined
  return known ? { problem: 'length', group } : { problem: 'length' }
}

function checkSymbols(symbols: readonly number[]): RecoveryCodeProblem | undefined {
  const expected = remainder(symbols.slice(0, dataLength))
  const syndrome = expected.map((symbol, i) => symbol ^ at(symbols, dataLength + i))
  if (syndrome.every((symbol) => symbol === 0)) return undefined
  const group = locate(symbols, syndrome)
  return group === undefined ? { problem: 'checksum' } : { problem: 'checksum', group }
}

/** The group that one wrong character, or two neighbours in each other's place, would explain. */
function locate(symbols: readonly number[], syndrome: readonly number[]): number | undefined {
  const columns = columnsOfCode()
  for (let i = 0; i < codeLength; i++)
    for (let error = 1; error < 32; error++)
      if (at(columns, i).every((symbol, k) => multiply(symbol, error) === syndrome[k])) return groupAt(i)
  const swapped = new Set<number>()
  for (let i = 0; i + 1 < codeLength; i++) {
    const difference = at(symbols, i) ^ at(symbols, i + 1)
    const next = at(columns, i + 1)
    const explains = at(columns, i).every((symbol, k) => multiply(symbol ^ at(next, k), difference) === syndrome[k])
    if (explains && groupAt(i) === groupAt(i + 1)) swapped.add(groupAt(i))
  }
  return swapped.size === 1 ? [...swapped][0] : undefined
}

function groupAt(index: number): number {
  return Math.min(Math.floor(index / groupLength), codeLength / groupLength - 1) + 1
}

/** What one wrong character at each place does to the remainder: x^(35 - i) modulo the generator. */
function columnsOfCode(): readonly (readonly number[])[] {
  const columns: number[][] = [[0, 0, 0, 1]]
  while (columns.length < codeLength) columns.push(shift(at(columns, columns.length - 1), 0))
  return columns.reverse()
}

/** The remainder of the data times x^4, with the mark of the version. */
function remainder(data: readonly number[]): number[] {
  let state: readonly number[] = [0, 0, 0, 0]
  for (const symbol of [...data, 0, 0, 0, 0]) state = shift(state, symbol)
  return state.map((symbol, i) => symbol ^ at(versionMark, i))
}

/** `state` times x plus `symbol`, modulo the generator. */
function shift(state: readonly number[], symbol: number): number[] {
  const top = at(state, 0)
  return [at(state, 1), at(state, 2), at(state, 3), symbol].map((one, i) => one ^ multiply(top, at(generator, i)))
}

/** The product in GF(32) modulo x^5 + x^2 + 1. */
function multiply(a: number, b: number): number {
  let product = 0
  for (let bit = 0; bit < 5; bit++) {
    if ((b >> bit) & 1) product ^= a << bit
  }
  for (let bit = 8; bit >= 5; bit--) if ((product >> bit) & 1) product ^= 0x25 << (bit - 5)
  return product
}

function groupsOf(text: string): string[] {
  const groups: string[] = []
  for (let i = 0; i < text.length; i += groupLength) groups.push(text.slice(i, i + groupLength))
  return groups
}
