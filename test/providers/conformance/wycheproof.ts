/**
 * Project Wycheproof against any provider, through the `CipherSuite` interface alone.
 *
 * `valid` must hold and `invalid` must not. For `acceptable`, and for what RFC 9420 does not take although it is valid
 * elsewhere, this is the policy:
 *
 * | file      | flag or property                       | policy | why                                                    |
 * |-----------|----------------------------------------|--------|--------------------------------------------------------|
 * | x25519, x448 | ZeroSharedSecret (low order)        | refuse | RFC 9180 §7.1.4, V034                                  |
 * | x25519, x448 | NonCanonicalPublic                  | refuse | one key, one encoding: V035                            |
 * | x448      | LowOrderPublic with a non-zero result  | accept | cases 67-69 set the top bit, which only X25519 masks   |
 * | x25519, x448 | Twist, SpecialPublicKey, SmallPublicKey, EdgeCase*, Ktv alone | accept | RFC 7748 takes every other u |
 * | ecdh      | CompressedPublic, CompressedPoint      | refuse | RFC 9180 §7.1.1: uncompressed, V033                    |
 * | aes_gcm   | nonce of other than 96 bits            | refuse | RFC 9420 §5.1 suites fix Nn = 12                       |
 * | aes_gcm   | 192-bit keys                           | refuse | no suite has them                                      |
 * | hmac      | tags cut to half                       | prefix | the interface returns the whole tag; nothing is cut    |
 */
import { describe, expect, test } from 'vitest'
import { concatBytes, equalBytes } from '../../../src/bytes/bytes.ts'
import { fromHex, toHex } from '../../../src/bytes/text.ts'
import type { CipherSuite, CryptoProvider } from '../../../src/crypto/cipher-suite.ts'
import { loadVectors } from '../../support/vectors.ts'
import { allIds, codeOf, expectedExport, kemPublicKey, openSuite } from './oracle.ts'

interface Case {
  readonly tcId: number
  readonly comment: string
  readonly flags: readonly string[]
  readonly result: 'valid' | 'invalid' | 'acceptable'
  readonly size?: number
  readonly okm?: string
  readonly [field: string]: unknown
}
interface Group {
  readonly tests: readonly Case[]
  readonly publicKey?: { readonly pk?: string; readonly uncompressed?: string }
  readonly keySize?: number
}
interface File {
  readonly numberOfTests: number
  readonly testGroups: readonly Group[]
}

/** Runs every case of a file; `run` says what is wrong with the outcome, or nothing. */
function wycheproof(name: string, run: (vector: Case, group: Group) => Promise<string | undefined>): void {
  test(name, { timeout: 180_000 }, async () => {
    const file = loadVectors<File>(`wycheproof/${name}_test.json`)
    if (file === undefined) return
    const wrong: string[] = []
    let cases = 0
    for (const group of file.testGroups)
      for (const vector of group.tests) {
        cases++
        const fault = await run(vector, group)
        if (fault !== undefined) wrong.push(`${vector.tcId} (${vector.comment}; ${vector.flags}): ${fault}`)
      }
    expect(wrong.join('\n')).toBe('')
    expect(cases).toBe(file.numberOfTests)
  })
}

const bytes = (vector: Case, field: string) => fromHex(vector[field] as string)
const differs = (expected: unknown, found: unknown) =>
  expected === found ? undefined : `expected ${String(expected)}, found ${String(found)}`

function signatures(name: string, suite: CipherSuite, publicKey: (group: Group) => string): void {
  wycheproof(name, async (vector, group) => {
    const request = {
      publicKey: fromHex(publicKey(group)),
      message: bytes(vector, 'msg'),
      signature: bytes(vector, 'sig'),
    }
    if (!suite.isSignaturePublicKey(request.publicKey)) return 'public key refused'
    const alone = suite.verify(request.publicKey, request.message, request.signature)
    const [batch] = await suite.verifyMany([request])
    if (alone !== batch) return `alone ${alone}, in a batch ${batch}`
    return differs(vector.result === 'valid', alone)
  })
}

const refusedXdhFlags = ['ZeroSharedSecret', 'NonCanonicalPublic']
const refusedEcdhFlags = ['CompressedPublic', 'CompressedPoint']
const info = Uint8Array.of(1, 2, 3)
const context = Uint8Array.of(4, 5)

/** Feeds the Diffie-Hellman vectors through HPKE: the peer's key is the KEM output, the shared value must show up. */
function diffieHellman(name: string, suite: CipherSuite, refusedFlags: readonly string[]): void {
  const { kem, privateKeyLength } = suite.parameters
  wycheproof(name, async (vector) => {
    const encoded = bytes(vector, 'private')
    const padded = concatBytes(new Uint8Array(privateKeyLength), encoded)
    const privateKey = kem.startsWith('DHKEMP') ? padded.slice(-privateKeyLength) : encoded
    const kemOutput = bytes(vector, 'public')
    const accepted = vector.result !== 'invalid' && !vector.flags.some((flag) => refusedFlags.includes(flag))
    if (suite.isHpkePublicKey(kemOutput) !== accepted) return `as a public key: expected ${accepted}`
    const publicKey = kemPublicKey(kem, privateKey)
    const keyPair = { publicKey: new Uint8Array(publicKey), privateKey: new Uint8Array(privateKey) }
    const run = () => suite.hpkeReceiverExport(keyPair, kemOutput, info, context, 40)
    if (!accepted) return differs('crypto/decrypt', await codeOf(run))
    const shared = bytes(vector, 'shared')
    const expected = expectedExport(suite.parameters, shared, kemOutput, publicKey, info, context, 40)
    return differs(toHex(expected), toHex(await run()))
  })
}

function aead(name: string, suiteOf: (keySize: number) => CipherSuite | undefined): void {
  wycheproof(name, async (vector, group) => {
    const suite = suiteOf(group.keySize as number)
    const [key, nonce, aad, plaintext] = ['key', 'iv', 'aad', 'msg'].map((field) => bytes(vector, field)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ]
    const sealed = concatBytes(bytes(vector, 'ct'), bytes(vector, 'tag'))
    const fits = suite !== undefined && nonce.length === suite.parameters.nonceLength
    const target = suite ?? suiteOf(256)!
    if (!fits) {
      const sealing = differs('crypto/length', await codeOf(() => target.seal(key, nonce, aad, plaintext)))
      return sealing ?? differs('crypto/decrypt', await codeOf(() => target.open(key, nonce, aad, sealed)))
    }
    if (vector.result === 'invalid')
      return differs('crypto/decrypt', await codeOf(() => suite.open(key, nonce, aad, sealed)))
    const sealing = differs(toHex(sealed), toHex(suite.seal(key, nonce, aad, plaintext)))
    return sealing ?? differs(toHex(plaintext), toHex(suite.open(key, nonce, aad, sealed)))
  })
}

/** Every Wycheproof file for the primitives of suites 1 to 7, or of some of them. */
export function wycheproofConformance(provider: CryptoProvider, ids: readonly number[] = allIds): void {
  const suite = (id: number) => openSuite(provider, id)
  const has = (...needed: readonly number[]) => needed.every((id) => ids.includes(id))
  describe(`Wycheproof, ${provider.name}`, () => {
    if (has(1)) {
      signatures('ed25519', suite(1), (group) => group.publicKey!.pk!)
      diffieHellman('x25519', suite(1), refusedXdhFlags)
    }
    if (has(2)) {
      signatures('ecdsa_secp256r1_sha256', suite(2), (group) => group.publicKey!.uncompressed!)
      diffieHellman('ecdh_secp256r1_ecpoint', suite(2), refusedEcdhFlags)
    }
    if (has(3)) aead('chacha20_poly1305', () => suite(3))
    if (has(4)) {
      signatures('ed448', suite(4), (group) => group.publicKey!.pk!)
      diffieHellman('x448', suite(4), refusedXdhFlags)
    }
    if (has(5)) {
      signatures('ecdsa_secp521r1_sha512', suite(5), (group) => group.publicKey!.uncompressed!)
      diffieHellman('ecdh_secp521r1_ecpoint', suite(5), refusedEcdhFlags)
    }
    if (has(7)) {
      signatures('ecdsa_secp384r1_sha384', suite(7), (group) => group.publicKey!.uncompressed!)
      diffieHellman('ecdh_secp384r1_ecpoint', suite(7), refusedEcdhFlags)
    }
    // suite 4 has AES-256; a provider that leaves it to another is checked there
    if (has(1)) aead('aes_gcm', (keySize) => ({ 128: suite(1), 256: suite(4) })[keySize])
    for (const [hash, id] of [
      ['sha256', 1],
      ['sha384', 7],
      ['sha512', 4],
    ] as const) {
      if (!has(id)) continue
      wycheproof(`hkdf_${hash}`, async (vector) => {
        const run = () => {
          const prk = suite(id).extract(bytes(vector, 'salt'), bytes(vector, 'ikm'))
          return suite(id).expand(prk, bytes(vector, 'info'), vector.size as number)
        }
        if (vector.result === 'invalid') return differs('crypto/length', await codeOf(run))
        return differs(vector.okm, toHex(run()))
      })
      wycheproof(`hmac_${hash}`, async (vector) => {
        const expected = bytes(vector, 'tag')
        const tag = suite(id).hmac(bytes(vector, 'key'), bytes(vector, 'msg'))
        if (tag.length !== suite(id).parameters.hashLength) return 'another length'
        return differs(vector.result === 'valid', equalBytes(tag.subarray(0, expected.length), expected))
      })
    }
  })
}
