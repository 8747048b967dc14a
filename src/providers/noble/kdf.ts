import { expand, extract } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import { type Bytes, concatBytes, wipe } from '../../bytes/bytes.ts'
import { at, MlsError } from '../../bytes/errors.ts'
import type { HashName } from '../../crypto/suites.ts'
import { chainedLength } from '../chained-length.ts'

/** Hash, HMAC (RFC 2104) and HKDF (RFC 5869) over one hash function. */
export interface Kdf {
  readonly hashLength: number
  hash(data: Uint8Array): Bytes
  /** `hash` of each input. */
  hashMany(data: readonly Uint8Array[]): Bytes[]
  hmac(key: Uint8Array, data: Uint8Array): Bytes
  /** Of `ikm` with `rest` behind it, which may be long. */
  extract(salt: Uint8Array, ikm: Uint8Array, rest?: Uint8Array): Bytes
  /** @throws `crypto/length` above 255 * Nh (V031) and for a key shorter than Nh */
  expand(prk: Uint8Array, info: Uint8Array, length: number): Bytes
  /** `expand` of each pair; fastest when all have the same shape. @throws `crypto/length` */
  expandMany(prks: readonly Uint8Array[], infos: readonly Uint8Array[], length: number): Bytes[]
  /** See `CipherSuite.expandChain`. @throws `crypto/length` */
  expandChain(prk: Uint8Array, infos: Uint8Array, count: number): Bytes
}

const functions = { SHA256: sha256, SHA384: sha384, SHA512: sha512 } as const

/** The functions of one hash name. */
export function nobleKdf(name: HashName): Kdf {
  const sha = functions[name]
  const hashLength = sha.outputLen
  return {
    hashLength,
    hash: (data) => sha(data),
    hashMany: (data) => data.map((item) => sha(item)),
    hmac: (key, data) => hmac(sha, key, data),
    extract: (salt, ikm, rest) => extract(sha, rest === undefined ? ikm : concatBytes(ikm, rest), salt),
    expand(prk, info, length) {
      // RFC 9420 §8 V031: no more than 255 blocks can be counted
      if (!Number.isSafeInteger(length) || length < 0 || length > 255 * hashLength)
        throw new MlsError('crypto/length', 'length outside what one expansion yields', { rule: 'V031' })
      // RFC 5869 §2.3: the key is the output of an extraction, at least one block
      if (prk.length < hashLength)
        throw new MlsError('crypto/length', 'the key of an expansion is shorter than the hash')
      return expand(sha, prk, info, length)
    },
    expandMany(prks, infos, length) {
      if (prks.length !== infos.length) throw new MlsError('crypto/length', 'keys and infos differ in number')
      return prks.map((prk, i) => this.expand(prk, at(infos, i), length))
    },
    expandChain(prk, infos, count) {
      const length = chainedLength(infos, count)
      const out = new Uint8Array(count * hashLength)
      let key = prk
      for (let i = 0; i < count; i++) {
        const block = this.expand(key, infos.subarray(i * length, (i + 1) * length), hashLength)
        out.set(block, i * hashLength)
        wipe(block)
        key = out.subarray(i * hashLength, (i + 1) * hashLength)
      }
      return out
    },
  }
}
