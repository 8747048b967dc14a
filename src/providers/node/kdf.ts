import { type Bytes, empty } from '../../bytes/bytes.ts'
import type { Kdf } from '../noble/kdf.ts'
import type { NodeCrypto } from './crypto.ts'

/** The same as no key (RFC 2104 §2: keys are filled up with zeros), which OpenSSL does not take. */
const zeroKey = new Uint8Array(32)

/** SHA-512 of parts in a row. */
export function nodeSha512({ createHash }: NodeCrypto): (...parts: readonly Uint8Array[]) => Bytes {
  return (...parts) => {
    const hash = createHash('sha512')
    for (const part of parts) hash.update(part)
    return new Uint8Array(hash.digest())
  }
}

/** Messages from which OpenSSL computes. */
export interface HashThresholds {
  readonly hash: number
  readonly hashMany: number
  readonly hmac: number
}

/** `kdf` for short messages, OpenSSL for long ones. */
export function nodeKdf(crypto: NodeCrypto, kdf: Kdf, thresholds: HashThresholds): Kdf {
  const { createHash, createHmac, createSecretKey } = crypto
  // in one call where the platform has it: Node does, others that give this module may not
  const digest: (data: Uint8Array) => Uint8Array =
    typeof crypto.hash === 'function'
      ? (data) => crypto.hash('sha256', data, 'buffer')
      : (data) => createHash('sha256').update(data).digest()
  const sha256 = (data: Uint8Array): Bytes => new Uint8Array(digest(data))

  function hmac(key: Uint8Array, data: Uint8Array, rest = empty): Bytes {
    if (data.length + rest.length < thresholds.hmac)
      return rest === empty ? kdf.hmac(key, data) : kdf.extract(key, data, rest)
    const secret = createSecretKey(key.length === 0 ? zeroKey : key)
    return new Uint8Array(createHmac('sha256', secret).update(data).update(rest).digest())
  }

  return {
    ...kdf,
    hash: (data) => (data.length < thresholds.hash ? kdf.hash(data) : sha256(data)),
    hmac,
    extract: hmac,
    hashMany(data) {
      if (data.length < 2) return data.map((item) => (item.length < thresholds.hash ? kdf.hash(item) : sha256(item)))
      const isShort = ({ length }: Uint8Array) => length < thresholds.hashMany
      if (data.every(isShort)) return kdf.hashMany(data)
      const short = kdf.hashMany(data.filter(isShort)).values()
      return data.map((item) => (isShort(item) ? (short.next().value as Bytes) : sha256(item)))
    },
  }
}
