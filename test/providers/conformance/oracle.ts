/** Independent computations for the conformance checks: everything here is done by `node:crypto`. */
import { createECDH, createHmac, createPrivateKey, createPublicKey } from 'node:crypto'
import { concatBytes } from '../../../src/bytes/bytes.ts'
import { fromHex } from '../../../src/bytes/text.ts'
import type { CipherSuite, CryptoProvider, Rng } from '../../../src/crypto/cipher-suite.ts'
import { type KemName, type SuiteParameters, suites } from '../../../src/crypto/suites.ts'

const text = (value: string) => new TextEncoder().encode(value)
const uint16 = (value: number) => Uint8Array.of(value >> 8, value & 255)
const nodeHash = { SHA256: 'sha256', SHA384: 'sha384', SHA512: 'sha512' } as const

export const allIds: readonly number[] = suites.map(({ id }) => id)

/** A generator with known output: a counter. Tests that need no secrecy use it. */
export function countingRng(start = 1): Rng {
  let next = start
  return {
    randomBytes(length) {
      const out = new Uint8Array(length)
      for (let i = 0; i < length; i++) {
        next = (next * 31 + 7) & 0xffff
        out[i] = (next >> 8) ^ next ^ (i * 13)
      }
      return out
    },
  }
}

export function openSuite(provider: CryptoProvider, id: number, rng: Rng = countingRng()): CipherSuite {
  return provider.open(suites[id - 1]!, rng)
}

/** HKDF-Extract and HKDF-Expand of RFC 5869. */
function hkdf(hash: string) {
  const hmac = (key: Uint8Array, ...data: Uint8Array[]) => {
    const mac = createHmac(hash, key)
    for (const item of data) mac.update(item)
    return new Uint8Array(mac.digest())
  }
  return {
    extract: (salt: Uint8Array, ikm: Uint8Array) => hmac(salt, ikm),
    expand(prk: Uint8Array, info: Uint8Array, length: number) {
      let out = new Uint8Array(0)
      let block = new Uint8Array(0)
      for (let i = 1; out.length < length; i++) {
        block = hmac(prk, block, info, Uint8Array.of(i))
        out = concatBytes(out, block)
      }
      return out.slice(0, length)
    },
  }
}

function labeled(hash: string, suiteId: Uint8Array) {
  const { extract, expand } = hkdf(hash)
  return {
    extract: (salt: Uint8Array, label: string, ikm: Uint8Array) =>
      extract(salt, concatBytes(text('HPKE-v1'), suiteId, text(label), ikm)),
    expand: (prk: Uint8Array, label: string, info: Uint8Array, length: number) =>
      expand(prk, concatBytes(uint16(length), text('HPKE-v1'), suiteId, text(label), info), length),
  }
}

/** What HPKE exports (RFC 9180 §5.3) when the Diffie-Hellman value of the KEM is `dh`. */
export function expectedExport(
  suite: SuiteParameters,
  dh: Uint8Array,
  kemOutput: Uint8Array,
  publicKey: Uint8Array,
  info: Uint8Array,
  context: Uint8Array,
  length: number,
): Uint8Array {
  const hash = nodeHash[suite.hash]
  const none = new Uint8Array(0)
  const kem = labeled(hash, concatBytes(text('KEM'), uint16(suite.kemId)))
  const eaePrk = kem.extract(none, 'eae_prk', dh)
  const shared = kem.expand(eaePrk, 'shared_secret', concatBytes(kemOutput, publicKey), suite.hashLength)
  const ids = concatBytes(text('HPKE'), uint16(suite.kemId), uint16(suite.kdfId), uint16(suite.aeadId))
  const schedule = labeled(hash, ids)
  const pskIdHash = schedule.extract(none, 'psk_id_hash', none)
  const infoHash = schedule.extract(none, 'info_hash', info)
  const secret = schedule.extract(shared, 'secret', none)
  const keyScheduleContext = concatBytes(Uint8Array.of(0), pskIdHash, infoHash)
  const exporter = schedule.expand(secret, 'exp', keyScheduleContext, suite.hashLength)
  return schedule.expand(exporter, 'sec', context, length)
}

const nistCurves = { DHKEMP256: 'prime256v1', DHKEMP384: 'secp384r1', DHKEMP521: 'secp521r1' } as const
const okpPrefixes = {
  DHKEMX25519: '302e020100300506032b656e04220420',
  DHKEMX448: '3046020100300506032b656f043a0438',
} as const

/** The public half of a KEM private key. */
export function kemPublicKey(kem: KemName, privateKey: Uint8Array): Uint8Array {
  if (kem !== 'DHKEMX25519' && kem !== 'DHKEMX448') {
    const ecdh = createECDH(nistCurves[kem])
    ecdh.setPrivateKey(privateKey)
    return new Uint8Array(ecdh.getPublicKey())
  }
  const der = Buffer.from(concatBytes(fromHex(okpPrefixes[kem]), privateKey))
  const jwk = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({ format: 'jwk' })
  return new Uint8Array(Buffer.from(jwk.x as string, 'base64url'))
}

/** The code of the error that `run` ends with, `returned` when it ends with none. */
export async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run()
    return 'returned'
  } catch (error) {
    return (error as { code?: string }).code ?? `untyped: ${String(error)}`
  }
}

/** A copy with one bit changed. */
export function flipped(bytes: Uint8Array, index: number): Uint8Array {
  const out = Uint8Array.from(bytes)
  out[index]! ^= 1
  return out
}

/** The bytes inside a larger buffer, as decoders hand them out. */
export function inside(bytes: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(9, 9, 9), bytes, Uint8Array.of(9, 9)).subarray(3, 3 + bytes.length)
}
