/** Certificates for tests, made on the spot. */
import { webcrypto } from 'node:crypto'
import { derElements } from '../../src/authentication/der.ts'
import { loadX509Library } from '../../src/authentication/x509-library.ts'
import { type Bytes, concatBytes } from '../../src/bytes/bytes.ts'

export const library = await loadX509Library()
const { BasicConstraintsExtension, KeyUsageFlags, KeyUsagesExtension, X509CertificateGenerator } = library
type KeyPair = webcrypto.CryptoKeyPair
type Extension = InstanceType<typeof library.Extension>

export const now = Date.UTC(2030, 5, 15)
const day = 86_400_000

export const ed25519 = { name: 'Ed25519' }
export const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

export function generateKeys(algorithm: { name: string } = ed25519): Promise<KeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<KeyPair>
}

/** The public key as a leaf holds it. */
export async function rawKey(keys: KeyPair): Promise<Bytes> {
  return new Uint8Array(await webcrypto.subtle.exportKey('raw', keys.publicKey))
}

export interface Party {
  readonly name: string
  readonly keys: KeyPair
  readonly algorithm: { name: string }
}

export async function party(name: string, algorithm: { name: string } = ed25519): Promise<Party> {
  return { name, keys: await generateKeys(algorithm), algorithm }
}

export interface Variation {
  readonly notBefore?: number
  readonly notAfter?: number
  /** `undefined` leaves basicConstraints out. */
  readonly authority?: boolean | undefined
  readonly pathLength?: number
  /** `undefined` leaves keyUsage out. */
  readonly keyUsage?: number | undefined
  readonly extensions?: readonly Extension[]
  readonly hash?: string
  /** Who signs, when it is not who the certificate says. */
  readonly signer?: Party
}

async function certificate(subject: Party, issuer: Party, variation: Variation): Promise<Bytes> {
  const { notBefore = now - day, notAfter = now + day, authority, pathLength, keyUsage, signer = issuer } = variation
  const extensions: Extension[] = [...(variation.extensions ?? [])]
  if (authority !== undefined) extensions.push(new BasicConstraintsExtension(authority, pathLength, true))
  if (keyUsage !== undefined) extensions.push(new KeyUsagesExtension(keyUsage, true))
  const signingAlgorithm =
    variation.hash === undefined ? signer.algorithm : { ...signer.algorithm, hash: variation.hash }
  const made = await X509CertificateGenerator.create({
    subject: subject.name,
    issuer: issuer.name,
    publicKey: subject.keys.publicKey as CryptoKey,
    signingKey: signer.keys.privateKey as CryptoKey,
    signingAlgorithm,
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
    extensions,
  })
  return new Uint8Array(made.rawData)
}

/** A certificate of an authority. */
export function authority(subject: Party, issuer: Party, variation: Variation = {}): Promise<Bytes> {
  return certificate(subject, issuer, { authority: true, keyUsage: KeyUsageFlags.keyCertSign, ...variation })
}

/** A certificate of an end entity. */
export function entity(subject: Party, issuer: Party, variation: Variation = {}): Promise<Bytes> {
  return certificate(subject, issuer, { authority: false, keyUsage: KeyUsageFlags.digitalSignature, ...variation })
}

/** A tag, a definite length in as few bytes as possible or one more, and the content. */
export function tlv(tag: number, content: Uint8Array, length: 'short' | 'long' = 'short'): Bytes {
  const digits: number[] = []
  for (let rest = content.length; rest > 0; rest >>= 8) digits.unshift(rest & 0xff)
  if (content.length < 0x80 && length === 'short') return concatBytes(Uint8Array.of(tag, content.length), content)
  if (content.length >= 0x80 && length === 'long') digits.unshift(0)
  return concatBytes(Uint8Array.of(tag, 0x80 | digits.length, ...digits), content)
}

/** The encoding with the element at `path` (positions from the outside) replaced; lengths around it follow. */
export function replaceAt(
  der: Uint8Array,
  path: readonly number[],
  edit: (encoded: Uint8Array, tag: number, content: Uint8Array) => Uint8Array,
): Bytes {
  const [position, ...rest] = path
  const parts = derElements(der).map(({ tag, content, encoded }, i) => {
    if (i !== position) return encoded
    return rest.length === 0 ? edit(encoded, tag, content) : tlv(tag, replaceAt(content, rest, edit))
  })
  return concatBytes(...parts)
}
