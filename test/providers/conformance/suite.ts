/** Behaviour that every provider owes for every suite: round trips, refusals (V031-V044), ownership of memory. */
import { CipherSuite as HpkeJs } from 'hpke-js'
import { describe, expect, test } from 'vitest'
import { concatBytes } from '../../../src/bytes/bytes.ts'
import { fromHex, toHex, utf8 } from '../../../src/bytes/text.ts'
import type { CryptoProvider, Rng } from '../../../src/crypto/cipher-suite.ts'
import { suites } from '../../../src/crypto/suites.ts'
import { allIds, codeOf, flipped, inside, kemPublicKey, openSuite } from './oracle.ts'

const message = utf8('attack at dawn')
const none = new Uint8Array(0)

/** Runs all checks against one provider, for all suites or for some. */
export function suiteConformance(provider: CryptoProvider, ids: readonly number[] = allIds): void {
  describe.each(
    suites.filter(({ id }) => ids.includes(id)).map((parameters) => [parameters.name, parameters] as const),
  )(`${provider.name} %s`, (_, parameters) => {
    const suite = openSuite(provider, parameters.id)
    const { hashLength, keyLength, nonceLength, publicKeyLength, privateKeyLength } = parameters

    test('hash, MAC and HKDF', () => {
      expect(suite.hash(message)).toHaveLength(hashLength)
      expect(suite.hashMany([message, none])).toEqual([suite.hash(message), suite.hash(none)])
      const prk = suite.extract(none, message)
      expect(prk).toEqual(suite.hmac(none, message))
      const most = suite.expand(prk, message, 255 * hashLength)
      expect(most).toHaveLength(255 * hashLength)
      expect(suite.expand(prk, message, 10)).toEqual(most.slice(0, 10))
      expect(suite.expand(prk, message, 0)).toEqual(none)
      expect(suite.expandMany([prk, prk], [message, none], 40)).toEqual([
        suite.expand(prk, message, 40),
        suite.expand(prk, none, 40),
      ])
      const infos = Uint8Array.of(1, 2, 3, 4, 5, 6)
      for (const key of [prk, suite.expand(prk, none, 200)]) {
        const first = suite.expand(key, infos.subarray(0, 2), hashLength)
        const second = suite.expand(first, infos.subarray(2, 4), hashLength)
        const third = suite.expand(second, infos.subarray(4), hashLength)
        expect(suite.expandChain(key, infos, 3)).toEqual(Uint8Array.of(...first, ...second, ...third))
      }
      expect(suite.expandChain(prk, none, 1)).toEqual(suite.expand(prk, none, hashLength))
    })

    test('V031 an expansion yields 255 blocks at most', async () => {
      const prk = suite.extract(none, message)
      for (const length of [255 * hashLength + 1, -1, 1.5, Number.NaN])
        expect(await codeOf(() => suite.expand(prk, none, length))).toBe('crypto/length')
      expect(await codeOf(() => suite.expandMany([prk], [none, none], 4))).toBe('crypto/length')
      for (const count of [0, -1, 2, 1.5, Number.NaN])
        expect(await codeOf(() => suite.expandChain(prk, Uint8Array.of(1, 2, 3), count))).toBe('crypto/length')
      expect(await codeOf(() => suite.expandChain(prk.subarray(1), none, 1))).toBe('crypto/length')
      const pair = await suite.deriveKeyPair(message)
      const tooLong = 255 * hashLength + 1
      expect(await codeOf(() => suite.hpkeSenderExport(pair.publicKey, none, none, tooLong))).toBe('crypto/length')
      expect(await codeOf(() => suite.hpkeReceiverExport(pair, pair.publicKey, none, none, tooLong))).toBe(
        'crypto/length',
      )
    })

    test('V043 AEAD: round trip, every other input is one error', async () => {
      const [key, nonce] = [suite.randomBytes(keyLength), suite.randomBytes(nonceLength)]
      const sealed = suite.seal(key, nonce, none, message)
      expect(sealed).toHaveLength(message.length + 16)
      expect(suite.open(key, nonce, none, inside(sealed))).toEqual(message)
      expect(suite.open(key, nonce, message, suite.seal(key, nonce, message, none))).toEqual(none)
      const attempts: [Uint8Array, Uint8Array, Uint8Array, Uint8Array][] = [
        [flipped(key, 0), nonce, none, sealed],
        [key, flipped(nonce, 3), none, sealed],
        [key, nonce, message, sealed],
        [key, nonce, none, flipped(sealed, 0)],
        [key, nonce, none, none],
        [key.subarray(1), nonce, none, sealed],
        [key, nonce.subarray(1), none, sealed],
      ]
      for (let cut = 1; cut <= 16; cut++) attempts.push([key, nonce, none, sealed.subarray(0, -cut)])
      const messages = new Set<string>()
      for (const attempt of attempts) {
        expect(await codeOf(() => suite.open(...attempt))).toBe('crypto/decrypt')
        try {
          suite.open(...attempt)
        } catch (error) {
          messages.add(String(error))
        }
      }
      expect(messages.size).toBe(1)
      expect(await codeOf(() => suite.seal(key.subarray(1), nonce, none, message))).toBe('crypto/length')
      expect(await codeOf(() => suite.seal(key, concatBytes(nonce, none, Uint8Array.of(0)), none, message))).toBe(
        'crypto/length',
      )
    })

    test('signatures: round trip, refusals, keys', async () => {
      const { publicKey, privateKey } = suite.generateSignatureKeyPair()
      const other = suite.generateSignatureKeyPair()
      expect(other.publicKey).not.toEqual(publicKey)
      expect(suite.signaturePublicKey(privateKey)).toEqual(publicKey)
      expect(suite.isSignaturePublicKey(inside(publicKey))).toBe(true)
      const signature = suite.sign(privateKey, message)
      expect(suite.sign(Uint8Array.from(privateKey), message)).toEqual(signature)
      expect(suite.verify(inside(publicKey), inside(message), inside(signature))).toBe(true)
      expect(suite.verify(publicKey, none, signature)).toBe(false)
      expect(suite.verify(other.publicKey, message, signature)).toBe(false)
      expect(suite.verify(none, message, signature)).toBe(false)
      expect(suite.verify(publicKey, message, none)).toBe(false)
      expect(suite.verify(publicKey, message, signature.subarray(1))).toBe(false)
      expect(suite.verify(publicKey, message, concatBytes(signature, Uint8Array.of(0)))).toBe(false)
      for (let i = 0; i < signature.length; i += 7)
        expect(suite.verify(publicKey, message, flipped(signature, i))).toBe(false)
      const good = { publicKey, message, signature }
      const bad = { publicKey, message: none, signature }
      expect(await suite.verifyMany([good, bad, good])).toEqual([true, false, true])
      expect(await suite.verifyMany([good, good, good, good])).toEqual([true, true, true, true])
      expect(await suite.verifyMany([])).toEqual([])
      for (const key of [none, privateKey.subarray(1), concatBytes(privateKey, Uint8Array.of(0))]) {
        expect(await codeOf(() => suite.sign(key, message))).toBe('crypto/key')
        expect(await codeOf(() => suite.signaturePublicKey(key))).toBe('crypto/key')
      }
    })

    test('V038 batches of every size agree with single checks', async () => {
      const keys = Array.from({ length: 3 }, () => suite.generateSignatureKeyPair())
      const requests = Array.from({ length: 40 }, (_, i) => {
        const { publicKey, privateKey } = keys[i % 3]!
        const text = Uint8Array.of(i)
        return { publicKey, message: text, signature: suite.sign(privateKey, text) }
      })
      for (const size of [1, 17, 40])
        expect(await suite.verifyMany(requests.slice(0, size))).toEqual(Array(size).fill(true))
      const false33 = requests.map((request, i) => (i === 33 ? { ...request, message: none } : request))
      expect(await suite.verifyMany(false33)).toEqual(requests.map((_, i) => i !== 33))
      const unreadable = requests.map((request, i) => (i === 2 ? { ...request, publicKey: none } : request))
      expect(await suite.verifyMany(unreadable)).toEqual(requests.map((_, i) => i !== 2))
      // one byte up in one signature and down in another: their sum is right, neither of them is
      const up = requests.findIndex(({ signature }) => signature.at(-20)! < 255)
      const down = requests.findIndex(({ signature }, i) => i !== up && signature.at(-20)! > 0)
      const shifted = requests.map((request, i) => {
        const signature = Uint8Array.from(request.signature)
        signature[signature.length - 20]! += i === up ? 1 : i === down ? -1 : 0
        return { ...request, signature }
      })
      expect(await suite.verifyMany(shifted)).toEqual(requests.map((_, i) => i !== up && i !== down))
    })

    test('a signature key that changes in place is never mistaken for the old one', () => {
      const { privateKey, publicKey } = suite.generateSignatureKeyPair()
      const second = suite.generateSignatureKeyPair()
      suite.sign(privateKey, message)
      privateKey.set(second.privateKey)
      expect(suite.verify(second.publicKey, message, suite.sign(privateKey, message))).toBe(true)
      expect(suite.verify(publicKey, message, suite.sign(privateKey, message))).toBe(false)
    })

    test('V036 signature keys: length and encoding', () => {
      const { publicKey, privateKey } = suite.generateSignatureKeyPair()
      const signature = suite.sign(privateKey, message)
      const refused: Uint8Array[] = [
        none,
        publicKey.subarray(1),
        concatBytes(publicKey, Uint8Array.of(0)),
        new Uint8Array(publicKey.length).fill(0xff),
      ]
      if (parameters.signature.startsWith('P')) {
        const half = (publicKey.length - 1) / 2
        const odd = publicKey.at(-1)! & 1
        refused.push(
          concatBytes(Uint8Array.of(2 + odd), publicKey.subarray(1, 1 + half)),
          concatBytes(Uint8Array.of(6 + odd), publicKey.subarray(1)),
          flipped(publicKey, 9),
        )
      }
      for (const key of refused) {
        expect(suite.isSignaturePublicKey(key), toHex(key)).toBe(false)
        expect(suite.verify(key, message, signature), toHex(key)).toBe(false)
      }
    })

    test('V044 keys of other schemes are refused', () => {
      for (const foreign of suites) {
        if (foreign.signature === parameters.signature) continue
        const { publicKey } = openSuite(provider, foreign.id).generateSignatureKeyPair()
        expect(suite.isSignaturePublicKey(publicKey), foreign.name).toBe(false)
      }
    })

    test('HPKE: round trip, one error for every failure', async () => {
      const pair = await suite.deriveKeyPair(utf8('a key with enough entropy for tests'))
      expect(pair.publicKey).toHaveLength(publicKeyLength)
      expect(pair.privateKey).toHaveLength(privateKeyLength)
      expect(toHex(kemPublicKey(parameters.kem, pair.privateKey))).toBe(toHex(pair.publicKey))
      const info = new Uint8Array(70_000).fill(5)
      const request = { publicKey: inside(pair.publicKey), info, aad: message, plaintext: message }
      const [first, second] = await suite.hpkeSealMany([request, request])
      expect(first!.kemOutput).toHaveLength(publicKeyLength)
      expect(first!.kemOutput).not.toEqual(second!.kemOutput)
      const { kemOutput, ciphertext } = first!
      const open = (...changed: Partial<[typeof pair, Uint8Array, Uint8Array, Uint8Array, Uint8Array]>) => {
        const [keys = pair, output = kemOutput, i = info, aad = message, text = ciphertext] = changed
        return suite.hpkeOpen(keys, output, i, aad, text)
      }
      expect(await open(undefined, inside(kemOutput), undefined, undefined, inside(ciphertext))).toEqual(message)
      const wrong = await suite.deriveKeyPair(utf8('another key with enough entropy for tests'))
      const failures = [
        () => open(wrong),
        () => open(undefined, second!.kemOutput),
        () => open(undefined, undefined, none),
        () => open(undefined, undefined, undefined, none),
        () => open(undefined, undefined, undefined, undefined, flipped(ciphertext, 2)),
        () => open(undefined, undefined, undefined, undefined, ciphertext.subarray(1)),
        // RFC 9420 §7.6 V042
        () => open(undefined, kemOutput.subarray(1)),
        () => open(undefined, concatBytes(kemOutput, Uint8Array.of(0))),
        () => open(undefined, none),
        () => open({ publicKey: pair.publicKey, privateKey: pair.privateKey.slice(1) }),
        () => open({ publicKey: pair.publicKey.slice(1), privateKey: pair.privateKey }),
      ]
      for (const failure of failures) expect(await codeOf(failure)).toBe('crypto/decrypt')
      expect(await codeOf(() => suite.hpkeSeal({ ...request, publicKey: pair.publicKey.subarray(1) }))).toBe(
        'crypto/key',
      )
      expect(await codeOf(() => suite.hpkeSenderExport(none, info, none, 5))).toBe('crypto/key')
    })

    test('HPKE: same bytes as hpke-js, the random port is the only source', async () => {
      const seed = new Uint8Array(privateKeyLength).fill(42)
      const fixed: Rng = { randomBytes: (length) => new Uint8Array(length).fill(42) }
      const seeded = openSuite(provider, parameters.id, fixed)
      const pair = await suite.deriveKeyPair(seed)
      const other = new HpkeJs({ kem: parameters.kemId, kdf: parameters.kdfId, aead: parameters.aeadId } as never)
      const derived = await other.kem.deriveKeyPair(seed)
      expect(toHex(pair.publicKey)).toBe(toHex(new Uint8Array(await other.kem.serializePublicKey(derived.publicKey))))
      const recipientPublicKey = await other.kem.deserializePublicKey(pair.publicKey)
      const expected = await other.seal({ recipientPublicKey, info: message, ekm: seed }, message, message)
      const { publicKey } = pair
      const sealed = await seeded.hpkeSeal({ publicKey, info: message, aad: message, plaintext: message })
      expect(toHex(sealed.kemOutput)).toBe(toHex(new Uint8Array(expected.enc)))
      expect(toHex(sealed.ciphertext)).toBe(toHex(new Uint8Array(expected.ct)))
    })

    test('HPKE export: both sides agree', async () => {
      const [pair] = await suite.deriveKeyPairs([utf8('a key with enough entropy for tests'), message])
      const { kemOutput, exported } = await suite.hpkeSenderExport(pair!.publicKey, message, utf8('context'), 77)
      expect(exported).toHaveLength(77)
      expect(await suite.hpkeReceiverExport(pair!, kemOutput, message, utf8('context'), 77)).toEqual(exported)
      expect(await suite.hpkeReceiverExport(pair!, kemOutput, message, none, 77)).not.toEqual(exported)
      expect(await codeOf(() => suite.hpkeReceiverExport(pair!, none, message, none, 77))).toBe('crypto/decrypt')
    })

    test('V032 V033 V034 V035 public keys of the KEM', async () => {
      const { publicKey } = await suite.deriveKeyPair(message)
      expect(suite.isHpkePublicKey(inside(publicKey))).toBe(true)
      const refused: Uint8Array[] = [none, publicKey.subarray(1), concatBytes(publicKey, Uint8Array.of(0))]
      if (parameters.kem.startsWith('DHKEMP')) {
        const half = (publicKeyLength - 1) / 2
        const odd = publicKey.at(-1)! & 1
        refused.push(
          Uint8Array.of(0),
          new Uint8Array(publicKeyLength),
          concatBytes(Uint8Array.of(2 + odd), publicKey.subarray(1, 1 + half)),
          concatBytes(Uint8Array.of(6 + odd), publicKey.subarray(1)),
          flipped(publicKey, 9),
          concatBytes(Uint8Array.of(4), new Uint8Array(2 * half).fill(0xff)),
        )
      } else {
        const p = parameters.kem === 'DHKEMX25519' ? 2n ** 255n - 19n : 2n ** 448n - 2n ** 224n - 1n
        const encode = (u: bigint) => fromHex(u.toString(16).padStart(2 * publicKeyLength, '0')).reverse()
        refused.push(encode(0n), encode(1n), encode(p - 1n), encode(p), encode(p + 1n), encode(p + 2n))
        if (parameters.kem === 'DHKEMX25519') {
          const unmasked = Uint8Array.from(publicKey)
          unmasked[31]! |= 0x80
          refused.push(unmasked)
        }
        expect(suite.isHpkePublicKey(encode(p - 2n))).toBe(true)
      }
      for (const key of refused) {
        expect(suite.isHpkePublicKey(key), toHex(key)).toBe(false)
        const request = { publicKey: key, info: none, aad: none, plaintext: message }
        expect(await codeOf(() => suite.hpkeSeal(request))).toBe('crypto/key')
      }
    })

    test('inputs are left alone and outputs own their memory', async () => {
      const pair = await suite.deriveKeyPair(message)
      const signer = suite.generateSignatureKeyPair()
      const inputs = [pair.publicKey, pair.privateKey, signer.privateKey, signer.publicKey, message]
      const before = inputs.map(toHex)
      const sealed = await suite.hpkeSeal({ publicKey: pair.publicKey, info: message, aad: none, plaintext: message })
      const opened = await suite.hpkeOpen(pair, sealed.kemOutput, message, none, sealed.ciphertext)
      opened.fill(0)
      suite.verify(signer.publicKey, message, suite.sign(signer.privateKey, message))
      suite.signaturePublicKey(signer.privateKey).fill(0)
      suite.hash(message).fill(0)
      expect(inputs.map(toHex)).toEqual(before)
      expect(suite.signaturePublicKey(signer.privateKey)).toEqual(signer.publicKey)
      for (const bytes of [sealed.kemOutput, sealed.ciphertext, pair.publicKey, pair.privateKey])
        expect(bytes.buffer.byteLength).toBe(bytes.length)
    })

    test('randomness: a source that fails or runs short stops everything', async () => {
      const broken = openSuite(provider, parameters.id, { randomBytes: () => new Uint8Array(3) })
      const { publicKey } = await suite.deriveKeyPair(message)
      expect(await codeOf(() => broken.randomBytes(4))).toBe('crypto/rng')
      expect(await codeOf(() => broken.generateSignatureKeyPair())).toBe('crypto/rng')
      const request = { publicKey, info: none, aad: none, plaintext: message }
      expect(await codeOf(() => broken.hpkeSeal(request))).toBe('crypto/rng')
      expect(await codeOf(() => broken.hpkeSealMany([request, request]))).toBe('crypto/rng')
    })
  })
}
