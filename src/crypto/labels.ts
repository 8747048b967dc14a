/**
 * The labelled operations of RFC 9420 §5.1 and §5.2. This is the only file that builds labels with the prefix "MLS 1.0 ",
 * so that no two uses of a key can be confused (V040, V041).
 */
import { ascii, type Bytes, concatBytes, empty, wipe } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { type Writer, written } from '../codec/writer.ts'
import type { CipherSuite, HpkeCiphertext, HpkeKeyPair, HpkeSealRequest } from './cipher-suite.ts'

const prefix = 'MLS 1.0 '
const labels = new Map<string, Bytes>()

function labelBytes(label: string): Bytes {
  const known = labels.get(label)
  if (known !== undefined) return known
  const bytes = ascii(prefix + label)
  if (labels.size < 64) labels.set(label, bytes)
  return bytes
}

/** KDFLabels with an empty context, by length and label; never changed. Those of a hash, a key and a nonce are all that is used. */
const kdfLabels = new Map<number, Map<string, Bytes>>()

function plainKdfLabel(label: string, length: number): Bytes {
  const known = kdfLabels.get(length)?.get(label)
  if (known !== undefined) return known
  const plain = written((writer) => {
    writer.uint16(length)
    writer.opaque(labelBytes(label))
    writer.varint(0)
  })
  const ofLength = kdfLabels.get(length) ?? new Map<string, Bytes>()
  if (kdfLabels.size < 8) kdfLabels.set(length, ofLength)
  if (ofLength.size < 32) ofLength.set(label, plain)
  return plain
}

/** KDFLabel of RFC 9420 §8. */
function kdfLabel(label: string, context: Uint8Array, length: number): Bytes {
  // RFC 9420 §8 V031: the length is a uint16
  if (length > 0xffff) throw new MlsError('crypto/length', 'more than 65535 bytes from one expansion', { rule: 'V031' })
  const plain = plainKdfLabel(label, length)
  if (context.length === 0) return plain
  if (context.length < 0x40) {
    // RFC 9420 §2.1.2: such a length is one byte, and takes the place of the zero
    const bytes = new Uint8Array(plain.length + context.length)
    bytes.set(plain)
    bytes[plain.length - 1] = context.length
    bytes.set(context, plain.length)
    return bytes
  }
  const head = plain.subarray(0, -1)
  return written((writer) => {
    writer.raw(head)
    writer.opaque(context)
  })
}

/** `ExpandWithLabel(Secret, Label, Context, Length)`, RFC 9420 §8. @throws `crypto/length` */
export function expandWithLabel(
  suite: CipherSuite,
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Bytes {
  return suite.expand(secret, kdfLabel(label, context, length), length)
}

/** `DeriveSecret(Secret, Label)`, RFC 9420 §8: Nh bytes. */
export function deriveSecret(suite: CipherSuite, secret: Uint8Array, label: string): Bytes {
  return expandWithLabel(suite, secret, label, empty, suite.parameters.hashLength)
}

/** {@link deriveSecret} along a chain of one label: each output is the secret of the next. @returns `count` outputs, back to back */
export function deriveSecretChain(suite: CipherSuite, secret: Uint8Array, label: string, count: number): Bytes {
  const info = kdfLabel(label, empty, suite.parameters.hashLength)
  const infos = new Uint8Array(count * info.length)
  for (let i = 0; i < count; i++) infos.set(info, i * info.length)
  return suite.expandChain(secret, infos, count)
}

/** {@link deriveSecret} of many secrets, in one batch. */
export function deriveSecrets(suite: CipherSuite, secrets: readonly Uint8Array[], label: string): Bytes[] {
  const { hashLength } = suite.parameters
  const info = kdfLabel(label, empty, hashLength)
  return suite.expandMany(
    secrets,
    secrets.map(() => info),
    hashLength,
  )
}

/** One output of {@link expandWithLabels}; `length` is at most Nh. */
export interface LabelledOutput {
  readonly label: string
  readonly length: number
}

/** `ExpandWithLabel` of one secret and context for several labels (RFC 9420 §8), in one batch. */
export function expandWithLabels(
  suite: CipherSuite,
  secret: Uint8Array,
  outputs: readonly LabelledOutput[],
  context: Uint8Array,
): Bytes[] {
  const { hashLength } = suite.parameters
  const secrets: Uint8Array[] = []
  const infos: Uint8Array[] = []
  for (const { label, length } of outputs) {
    secrets.push(secret)
    infos.push(kdfLabel(label, context, length))
  }
  // the length is part of the label: a shorter output is the beginning of a whole block
  const blocks = suite.expandMany(secrets, infos, hashLength)
  for (let i = 0; i < blocks.length; i++) {
    const block = blocks[i] as Bytes
    const { length } = outputs[i] as LabelledOutput
    if (length === hashLength) continue
    const output = new Uint8Array(length)
    for (let j = 0; j < length; j++) output[j] = block[j] as number
    blocks[i] = output
    block.fill(0)
  }
  return blocks
}

function generationContext(generation: number): Bytes {
  const context = new Uint8Array(4)
  for (let i = 0; i < 4; i++) context[i] = generation >>> (24 - 8 * i)
  return context
}

/** `DeriveTreeSecret(Secret, Label, Generation, Length)`, RFC 9420 §9. */
export function deriveTreeSecret(
  suite: CipherSuite,
  secret: Uint8Array,
  label: string,
  generation: number,
  length: number,
): Bytes {
  return expandWithLabel(suite, secret, label, generationContext(generation), length)
}

/**
 * {@link deriveTreeSecret} of Nh bytes along a chain: each output is the secret of the generation after.
 * @returns `count` outputs, back to back
 */
export function deriveTreeSecretChain(
  suite: CipherSuite,
  secret: Uint8Array,
  label: string,
  generation: number,
  count: number,
): Bytes {
  const info = kdfLabel(label, generationContext(generation), suite.parameters.hashLength)
  const infos = new Uint8Array(count * info.length)
  for (let i = 0, end = 0; i < count; i++) {
    infos.set(info, end)
    end += info.length
    // the context is what an info ends with
    const context = generation + i
    infos[end - 4] = context >>> 24
    infos[end - 3] = context >>> 16
    infos[end - 2] = context >>> 8
    infos[end - 1] = context
  }
  return suite.expandChain(secret, infos, count)
}

/** {@link deriveTreeSecret} for several labels, in one batch. */
export function deriveTreeSecrets(
  suite: CipherSuite,
  secret: Uint8Array,
  outputs: readonly LabelledOutput[],
  generation: number,
): Bytes[] {
  return expandWithLabels(suite, secret, outputs, generationContext(generation))
}

/** SignContent of RFC 9420 §5.1.2: what is signed for `label` and `content`. */
export function signContent(label: string, content: Uint8Array): Bytes {
  // long contents are copied once
  const head = written((writer) => {
    writer.opaque(labelBytes(label))
    writer.varint(content.length)
  })
  return concatBytes(head, content)
}

/** {@link signContent} of what `write` writes. */
export function signContentOf(label: string, write: (writer: Writer) => void): Bytes {
  return written((writer) => writeSignContent(writer, label, write))
}

/** Writes {@link signContentOf}. */
export function writeSignContent(writer: Writer, label: string, write: (writer: Writer) => void): void {
  writer.opaque(labelBytes(label))
  writer.vector(() => write(writer))
}

/** `SignWithLabel(SignatureKey, Label, Content)`, RFC 9420 §5.1.2. */
export function signWithLabel(suite: CipherSuite, privateKey: Uint8Array, label: string, content: Uint8Array): Bytes {
  return suite.sign(privateKey, signContent(label, content))
}

/** `VerifyWithLabel(VerificationKey, Label, Content, SignatureValue)`, RFC 9420 §5.1.2. */
export function verifyWithLabel(
  suite: CipherSuite,
  publicKey: Uint8Array,
  label: string,
  content: Uint8Array,
  signature: Uint8Array,
): boolean {
  return suite.verify(publicKey, signContent(label, content), signature)
}

/** EncryptContext of RFC 9420 §5.1.3: the HPKE `info`. */
function encryptContext(label: string, context: Uint8Array): Bytes {
  return signContent(label, context)
}

const noAad = new Uint8Array(0)

/** The request for `EncryptWithLabel`; for batches. */
export function sealRequest(
  publicKey: Uint8Array,
  label: string,
  context: Uint8Array,
  plaintext: Uint8Array,
): HpkeSealRequest {
  return { publicKey, info: encryptContext(label, context), aad: noAad, plaintext }
}

/** The requests for `EncryptWithLabel` with one label and context to many, which share their HPKE `info`: it may be long. */
export function sealRequests(
  label: string,
  context: Uint8Array,
  recipients: readonly Pick<HpkeSealRequest, 'publicKey' | 'plaintext'>[],
): HpkeSealRequest[] {
  const info = encryptContext(label, context)
  return recipients.map(({ publicKey, plaintext }) => ({ publicKey, info, aad: noAad, plaintext }))
}

/** `EncryptWithLabel(PublicKey, Label, Context, Plaintext)`, RFC 9420 §5.1.3. @throws `crypto/key` */
export function encryptWithLabel(
  suite: CipherSuite,
  publicKey: Uint8Array,
  label: string,
  context: Uint8Array,
  plaintext: Uint8Array,
): Promise<HpkeCiphertext> {
  return suite.hpkeSeal(sealRequest(publicKey, label, context, plaintext))
}

/** `DecryptWithLabel(PrivateKey, Label, Context, KEMOutput, Ciphertext)`, RFC 9420 §5.1.3. @throws `crypto/decrypt` */
export function decryptWithLabel(
  suite: CipherSuite,
  keyPair: HpkeKeyPair,
  label: string,
  context: Uint8Array,
  sealed: HpkeCiphertext,
): Promise<Bytes> {
  return suite.hpkeOpen(keyPair, sealed.kemOutput, encryptContext(label, context), noAad, sealed.ciphertext)
}

/** The exporter context of external initialisation (RFC 9420 §8.3). */
export const externalInitContext: Bytes = ascii(`${prefix}external init secret`)

/** `RefHash(label, value)`, RFC 9420 §5.2: Nh bytes. */
export function refHash(
  suite: CipherSuite,
  label: 'KeyPackage Reference' | 'Proposal Reference',
  value: Uint8Array,
): Bytes {
  const bytes = written((writer) => {
    writer.opaque(labelBytes(label))
    writer.opaque(value)
  })
  return suite.hash(bytes)
}

/** Key and nonce of a Welcome (RFC 9420 §12.4.3): AEAD of the GroupInfo. Consumes and wipes `welcomeSecret`. */
export function welcomeKeyAndNonce(
  suite: CipherSuite,
  welcomeSecret: Bytes,
): { readonly key: Bytes; readonly nonce: Bytes } {
  const { keyLength, nonceLength } = suite.parameters
  const key = expandWithLabel(suite, welcomeSecret, 'key', empty, keyLength)
  const nonce = expandWithLabel(suite, welcomeSecret, 'nonce', empty, nonceLength)
  wipe(welcomeSecret)
  return { key, nonce }
}
