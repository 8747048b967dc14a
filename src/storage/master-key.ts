/**
 * The embedder's key, which seals the key records of a sealed store and nothing else: a passphrase, 32 raw bytes, or a
 * non-extractable WebCrypto key. The embedder keeps it; the store holds only what {@link MasterKey.seal} returns.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { argon2id } from 'hash-wasm'
import { type Bytes, concatBytes, copyBytes, equalBytes, wipe } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { utf8 } from '../bytes/text.ts'
import type { RandomBytes } from './owner.ts'

/** Seals and opens key records. The first byte of what it seals names the kind of key. */
export interface MasterKey {
  /** Authenticated encryption under the master key. */
  seal(plaintext: Uint8Array, associated: Uint8Array): Promise<Bytes>
  /**
   * Opens what {@link seal} returned.
   * @throws `storage/key` when this is not the key that sealed it, `storage/damaged` when it is no sealed record
   */
  open(sealed: Uint8Array, associated: Uint8Array): Promise<Bytes>
  /** Forgets the key. */
  wipe(): void
}

/** Cost of Argon2id (RFC 9106): memory in KiB, passes, lanes. */
export interface Argon2Cost {
  readonly memory: number
  readonly passes: number
  readonly lanes: number
}

/** The cost used unless the embedder asks for another: 64 MiB, 3 passes (RFC 9106 §4, second choice). */
export const defaultArgon2Cost: Argon2Cost = { memory: 65_536, passes: 3, lanes: 4 }

/** The least cost accepted. */
export const minArgon2Cost: Argon2Cost = { memory: 19_456, passes: 2, lanes: 1 }

/** The greatest cost accepted, so that a forged header cannot stop a device: 1 GiB, 16 passes, 16 lanes. */
export const maxArgon2Cost: Argon2Cost = { memory: 1_048_576, passes: 16, lanes: 16 }

const rawKind = 1
const passphraseKind = 2
const platformKind = 3
const saltLength = 16
const nonceLength = 24
const costLength = 12

function wrongKey(cause?: unknown): MlsError {
  return new MlsError('storage/key', 'the master key does not open this store', cause === undefined ? {} : { cause })
}

function expectKind(sealed: Uint8Array, kind: number, least: number): void {
  const found = sealed[0]
  if (found === undefined || found < rawKind || sealed.length < least)
    throw new MlsError('storage/damaged', 'sealed key record')
  if (found > platformKind) throw new MlsError('storage/version', 'kind of master key')
  if (found !== kind) throw wrongKey()
}

function sealWith(
  key: Uint8Array,
  header: Uint8Array,
  plaintext: Uint8Array,
  associated: Uint8Array,
  random: RandomBytes,
) {
  const nonce = random(nonceLength)
  const cipher = xchacha20poly1305(key, nonce, concatBytes(header, associated))
  return concatBytes(header, nonce, cipher.encrypt(plaintext))
}

function openWith(key: Uint8Array, headerLength: number, sealed: Uint8Array, associated: Uint8Array): Bytes {
  const header = sealed.subarray(0, headerLength)
  const nonce = sealed.subarray(headerLength, headerLength + nonceLength)
  try {
    const cipher = xchacha20poly1305(key, nonce, concatBytes(header, associated))
    return copyBytes(cipher.decrypt(sealed.subarray(headerLength + nonceLength)))
  } catch (cause) {
    throw wrongKey(cause)
  }
}

/**
 * A master key of 32 bytes, copied.
 * @throws `storage/range` for another length
 */
export function rawMasterKey(key: Uint8Array, random: RandomBytes): MasterKey {
  if (key.length !== 32) throw new MlsError('storage/range', 'a raw master key has 32 bytes')
  const own = copyBytes(key)
  return {
    seal: async (plaintext, associated) => sealWith(own, Uint8Array.of(rawKind), plaintext, associated, random),
    open: async (sealed, associated) => {
      expectKind(sealed, rawKind, 1 + nonceLength + 16)
      return openWith(own, 1, sealed, associated)
    },
    wipe: () => wipe(own),
  }
}

function costWithin(cost: Argon2Cost): boolean {
  const fields = ['memory', 'passes', 'lanes'] as const
  return fields.every(
    (field) =>
      Number.isSafeInteger(cost[field]) && cost[field] >= minArgon2Cost[field] && cost[field] <= maxArgon2Cost[field],
  )
}

function readCost(header: Uint8Array): Argon2Cost {
  const view = new DataView(header.buffer, header.byteOffset + 1 + saltLength, costLength)
  return { memory: view.getUint32(0), passes: view.getUint32(4), lanes: view.getUint32(8) }
}

function passphraseHeader(salt: Uint8Array, cost: Argon2Cost): Bytes {
  const header = new Uint8Array(1 + saltLength + costLength)
  header[0] = passphraseKind
  header.set(salt, 1)
  const view = new DataView(header.buffer, 1 + saltLength)
  view.setUint32(0, cost.memory)
  view.setUint32(4, cost.passes)
  view.setUint32(8, cost.lanes)
  return header
}

async function deriveKey(passphrase: Uint8Array, header: Uint8Array): Promise<Bytes> {
  const { memory, passes, lanes } = readCost(header)
  try {
    const key = await argon2id({
      password: passphrase,
      salt: header.slice(1, 1 + saltLength),
      memorySize: memory,
      iterations: passes,
      parallelism: lanes,
      hashLength: 32,
      outputType: 'binary',
    })
    return copyBytes(key)
  } catch (cause) {
    throw new MlsError('crypto/provider', 'Argon2id failed', { cause })
  }
}

/**
 * A master key from a passphrase: Argon2id over its UTF-8 bytes in Unicode form NFC. Salt and cost stand beside what is
 * sealed, authenticated; each key record is derived once, since one derivation takes a good part of a second.
 * @throws `storage/range` when the passphrase is empty or the cost is outside {@link minArgon2Cost} to {@link maxArgon2Cost}
 */
export function passphraseMasterKey(
  passphrase: string,
  random: RandomBytes,
  cost: Argon2Cost = defaultArgon2Cost,
): MasterKey {
  if (passphrase.length === 0) throw new MlsError('storage/range', 'empty passphrase')
  if (!costWithin(cost)) throw new MlsError('storage/range', 'cost of Argon2id')
  const password = utf8(passphrase.normalize('NFC'))
  let derived: { readonly header: Bytes; readonly key: Bytes } | undefined
  const keyFor = async (header: Bytes): Promise<Bytes> => {
    if (derived === undefined || !equalBytes(derived.header, header)) {
      const key = await deriveKey(password, header)
      wipe(derived?.key)
      derived = { header, key }
    }
    return derived.key
  }
  return {
    async seal(plaintext, associated) {
      const header = derived?.header ?? passphraseHeader(random(saltLength), cost)
      return sealWith(await keyFor(header), header, plaintext, associated, random)
    },
    async open(sealed, associated) {
      expectKind(sealed, passphraseKind, 1 + saltLength + costLength + nonceLength + 16)
      const header = copyBytes(sealed.subarray(0, 1 + saltLength + costLength))
      if (!costWithin(readCost(header))) throw new MlsError('storage/damaged', 'cost of Argon2id in a key record')
      return openWith(await keyFor(header), header.length, sealed, associated)
    },
    wipe: () => wipe(password, derived?.key),
  }
}

/**
 * A master key that the platform keeps: an AES-GCM `CryptoKey` with the usages `encrypt` and `decrypt`, best not
 * extractable. With WebCrypto it can be kept in IndexedDB without ever being readable by script.
 * @throws `storage/range` for a key of another algorithm or without these usages
 */
export function platformMasterKey(key: CryptoKey, random: RandomBytes): MasterKey {
  if (key.algorithm.name !== 'AES-GCM' || !key.usages.includes('encrypt') || !key.usages.includes('decrypt'))
    throw new MlsError('storage/range', 'a platform master key is an AES-GCM key to encrypt and decrypt')
  const header = Uint8Array.of(platformKind)
  const parameters = (iv: Uint8Array, associated: Uint8Array) => ({
    name: 'AES-GCM',
    iv: copyBytes(iv),
    additionalData: concatBytes(header, associated),
  })
  return {
    async seal(plaintext, associated) {
      const nonce = copyBytes(random(12))
      try {
        const sealed = await crypto.subtle.encrypt(parameters(nonce, associated), key, copyBytes(plaintext))
        return concatBytes(header, nonce, new Uint8Array(sealed))
      } catch (cause) {
        throw new MlsError('crypto/provider', 'WebCrypto failed', { cause })
      }
    },
    async open(sealed, associated) {
      expectKind(sealed, platformKind, 1 + 12 + 16)
      const nonce = sealed.subarray(1, 13)
      try {
        const plaintext = await crypto.subtle.decrypt(
          parameters(nonce, associated),
          key,
          copyBytes(sealed.subarray(13)),
        )
        return new Uint8Array(plaintext)
      } catch (cause) {
        throw wrongKey(cause)
      }
    },
    wipe: () => undefined,
  }
}
