/** Addresses that look alike (soft): what people read, not what computers compare. */
import { MlsError } from '../bytes/errors.ts'
import { fromUtf8, mapKey } from '../bytes/text.ts'

/** Letters of other scripts, and figures, by the Latin letter that they are taken for. */
const looksLike: Readonly<Record<string, string>> = {
  a: 'аαɑ',
  b: 'ьƅ',
  c: 'сϲᴄ',
  d: 'ԁɗ',
  e: 'еєҽ',
  g: 'ɡց',
  h: 'һհ',
  i: 'іιɩı1l|ӏ',
  j: 'јϳ',
  k: 'кκ',
  m: 'мⅿ',
  n: 'ոп',
  o: 'оοօ0ѳ',
  p: 'рρ',
  q: 'ԛգ',
  r: 'гᴦ',
  s: 'ѕꜱ5',
  t: 'тτ',
  u: 'υսц',
  v: 'ѵν',
  w: 'ԝѡш',
  x: 'хχ',
  y: 'уүγ',
  z: 'ᴢ2',
}
const letters = new Map(Object.entries(looksLike).flatMap(([latin, others]) => [...others].map((one) => [one, latin])))

/** Pairs of letters that are read as one. */
const pairs: readonly (readonly [string, string])[] = [
  ['rn', 'm'],
  ['vv', 'w'],
  ['cl', 'd'],
]

/**
 * A key that two addresses share when a person could take one for the other: compatibility forms, case, marks, invisible
 * characters and letters that look alike are dropped. Equal keys are a reason to warn and never more: the result depends on
 * the version of Unicode of the platform.
 */
export function confusableKey(account: Uint8Array): string {
  let text: string
  try {
    text = fromUtf8(account)
  } catch (error) {
    if (error instanceof MlsError && error.kind !== 'bug') return mapKey(account)
    throw error
  }
  const plain = text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\p{M}\p{Cf}]/gu, '')
  let out = ''
  for (const character of plain) out += letters.get(character) ?? character
  // pairs after letters: a pair may be made of letters of two scripts
  for (const [pair, one] of pairs) out = out.replaceAll(pair, one)
  return out
}

/** Addresses by what they look like: of those that look alike the first one counts. */
export class Looks {
  readonly #first = new Map<string, Uint8Array>()

  constructor(accounts: Iterable<Uint8Array> = []) {
    for (const account of accounts) this.add(account)
  }

  /** Takes in an address. Returns the one that it looks like: itself, where it is the first. */
  add(account: Uint8Array): Uint8Array {
    const key = confusableKey(account)
    const first = this.#first.get(key) ?? account
    this.#first.set(key, first)
    return first
  }

  /** The first address with a look. @param key of {@link confusableKey} */
  first(key: string): Uint8Array | undefined {
    return this.#first.get(key)
  }
}
