import { type Bytes, copyBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { signContent } from '../crypto/labels.ts'

/** Holds a signature key. A platform key that never leaves its place answers with a promise. */
export interface Signer {
  /** In the encoding of RFC 9420 §5.1.1. */
  readonly publicKey: Bytes
  /** A signature over exactly `message`, in the encoding of RFC 9420 §5.1.1. */
  sign(message: Uint8Array): Bytes | Promise<Bytes>
}

/** A signer that answers at once. */
export interface SyncSigner extends Signer {
  sign(message: Uint8Array): Bytes
}

/** A signer for a private key in memory; it keeps a copy of the bytes. @throws `crypto/key` */
export function keySigner(suite: CipherSuite, privateKey: Uint8Array): SyncSigner {
  const key = copyBytes(privateKey)
  return { publicKey: suite.signaturePublicKey(key), sign: (message) => suite.sign(key, message) }
}

/** `SignWithLabel` of RFC 9420 §5.1.2. */
export async function signLabelled(signer: Signer, label: string, content: Uint8Array): Promise<Bytes> {
  return signer.sign(signContent(label, content))
}

/**
 * A signature at once over exactly `message`.
 * @throws `misuse`-kind `group/blocked` when the signer can only answer later
 */
export function signSync(signer: Signer, message: Uint8Array): Bytes {
  const signature = signer.sign(message)
  if (signature instanceof Uint8Array) return signature
  signature.catch(() => undefined)
  throw new MlsError('group/blocked', 'this signer answers asynchronously: use the asynchronous call')
}
