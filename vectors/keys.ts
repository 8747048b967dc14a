import type { Bytes } from '../src/bytes/bytes.ts'
import type { CipherSuite, HpkeKeyPair } from '../src/crypto/cipher-suite.ts'
import { decryptWithLabel, encryptWithLabel } from '../src/crypto/labels.ts'
import { expectBytes } from './expect.ts'

/**
 * A private key of one of the NIST curves at its full length. Some published vectors lack the leading zeros of the
 * big-endian integer, which the format does not mean to allow.
 */
export function fullPrivateKey(suite: CipherSuite, privateKey: Bytes): Bytes {
  const { signature, privateKeyLength } = suite.parameters
  const isNist = signature === 'P256' || signature === 'P384' || signature === 'P521'
  if (!isNist || privateKey.length >= privateKeyLength) return privateKey
  const full = new Uint8Array(privateKeyLength)
  full.set(privateKey, privateKeyLength - privateKey.length)
  return full
}

/** Checks that the halves of an HPKE key pair belong together: what is sealed to the one opens with the other. */
export async function expectKeyPair(what: string, suite: CipherSuite, keyPair: HpkeKeyPair): Promise<void> {
  const plaintext = suite.randomBytes(16)
  const context = new Uint8Array(0)
  const sealed = await encryptWithLabel(suite, keyPair.publicKey, 'test', context, plaintext)
  expectBytes(`${what}: opened`, await decryptWithLabel(suite, keyPair, 'test', context, sealed), plaintext)
}
