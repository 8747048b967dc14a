/**
 * The cipher suite registry of RFC 9420 §17.1 as data. A row names its parts; every length comes from the tables of the
 * parts, so that a row cannot contradict its own name.
 */
import { MlsError } from '../bytes/errors.ts'

/** Parts of the names, as in RFC 9420 §17.1 and RFC 9180 §7. */
export type KemName = 'DHKEMX25519' | 'DHKEMP256' | 'DHKEMX448' | 'DHKEMP521' | 'DHKEMP384'
/** AEADs, by their part of a suite name (RFC 9180 §7.3). */
export type AeadName = 'AES128GCM' | 'CHACHA20POLY1305' | 'AES256GCM'
/** Hash functions, by their part of a suite name. */
export type HashName = 'SHA256' | 'SHA384' | 'SHA512'
/** Signature schemes, by their part of a suite name. */
export type SignatureName = 'Ed25519' | 'P256' | 'Ed448' | 'P521' | 'P384'

/** A code point of the cipher suite registry, 0..0xffff. */
export type CipherSuiteId = number

/** Everything that a suite fixes; lengths in bytes. */
export interface SuiteParameters {
  readonly id: CipherSuiteId
  readonly name: string
  readonly kem: KemName
  readonly aead: AeadName
  readonly hash: HashName
  readonly signature: SignatureName
  /** RFC 9180 §7 identifiers. */
  readonly kemId: number
  readonly kdfId: number
  readonly aeadId: number
  /** Nh: output of hash, MAC and KDF.Extract. */
  readonly hashLength: number
  /** Npk and Nenc of the KEM. */
  readonly publicKeyLength: number
  /** Nsk of the KEM. */
  readonly privateKeyLength: number
  /** Nk of the AEAD. */
  readonly keyLength: number
  /** Nn of the AEAD. */
  readonly nonceLength: number
}

/** AEAD tag length of every suite, in bytes. */
export const tagLength = 16

const kems: Readonly<Record<KemName, { id: number; hash: HashName; publicKey: number; privateKey: number }>> = {
  DHKEMX25519: { id: 0x0020, hash: 'SHA256', publicKey: 32, privateKey: 32 },
  DHKEMX448: { id: 0x0021, hash: 'SHA512', publicKey: 56, privateKey: 56 },
  DHKEMP256: { id: 0x0010, hash: 'SHA256', publicKey: 65, privateKey: 32 },
  DHKEMP384: { id: 0x0011, hash: 'SHA384', publicKey: 97, privateKey: 48 },
  DHKEMP521: { id: 0x0012, hash: 'SHA512', publicKey: 133, privateKey: 66 },
}
const aeads: Readonly<Record<AeadName, { id: number; key: number; nonce: number }>> = {
  AES128GCM: { id: 0x0001, key: 16, nonce: 12 },
  AES256GCM: { id: 0x0002, key: 32, nonce: 12 },
  CHACHA20POLY1305: { id: 0x0003, key: 32, nonce: 12 },
}
const hashes: Readonly<Record<HashName, { kdfId: number; length: number }>> = {
  SHA256: { kdfId: 0x0001, length: 32 },
  SHA384: { kdfId: 0x0002, length: 48 },
  SHA512: { kdfId: 0x0003, length: 64 },
}

function suite(id: number, bits: 128 | 256, kem: KemName, aead: AeadName, hash: HashName, signature: SignatureName) {
  return {
    id,
    name: `MLS_${bits}_${kem}_${aead}_${hash}_${signature}`,
    kem,
    aead,
    hash,
    signature,
    kemId: kems[kem].id,
    kdfId: hashes[hash].kdfId,
    aeadId: aeads[aead].id,
    hashLength: hashes[hash].length,
    publicKeyLength: kems[kem].publicKey,
    privateKeyLength: kems[kem].privateKey,
    keyLength: aeads[aead].key,
    nonceLength: aeads[aead].nonce,
  } as const satisfies SuiteParameters
}

/** The suites of RFC 9420 §17.1, in the registry's order. */
export const suites: readonly SuiteParameters[] = [
  suite(0x0001, 128, 'DHKEMX25519', 'AES128GCM', 'SHA256', 'Ed25519'),
  suite(0x0002, 128, 'DHKEMP256', 'AES128GCM', 'SHA256', 'P256'),
  suite(0x0003, 128, 'DHKEMX25519', 'CHACHA20POLY1305', 'SHA256', 'Ed25519'),
  suite(0x0004, 256, 'DHKEMX448', 'AES256GCM', 'SHA512', 'Ed448'),
  suite(0x0005, 256, 'DHKEMP521', 'AES256GCM', 'SHA512', 'P521'),
  suite(0x0006, 256, 'DHKEMX448', 'CHACHA20POLY1305', 'SHA512', 'Ed448'),
  suite(0x0007, 256, 'DHKEMP384', 'AES256GCM', 'SHA384', 'P384'),
]

/** The registry names of the suites that this package computes. */
export type CipherSuiteName =
  | 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519'
  | 'MLS_128_DHKEMP256_AES128GCM_SHA256_P256'
  | 'MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519'
  | 'MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448'
  | 'MLS_256_DHKEMP521_AES256GCM_SHA512_P521'
  | 'MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448'
  | 'MLS_256_DHKEMP384_AES256GCM_SHA384_P384'

/**
 * The parameters of a suite by name or code point.
 * @throws `suite/unsupported` for a suite that the package does not know
 */
export function suiteParameters(nameOrId: CipherSuiteName | CipherSuiteId): SuiteParameters {
  const found = suites.find((row) => row.name === nameOrId || row.id === nameOrId)
  if (found === undefined) throw new MlsError('suite/unsupported', 'a cipher suite that this package does not know')
  return found
}
