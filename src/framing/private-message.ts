/**
 * PrivateMessage (RFC 9420 §6.3): content, signature and padding under a key that is used once; the sender beside it.
 *
 * ```
 *   signed content --> PrivateMessageContent + zeros --AEAD(key[j], nonce[j] ^ reuse guard)--> ciphertext
 *                                                                                                  |
 *   leaf index, generation j, reuse guard -------------AEAD(from the first bytes of it)--> encrypted_sender_data
 * ```
 *
 * Invariants: unprotecting changes nothing before AEAD and signature hold and the caller accepts (V089); every AEAD failure
 * is the same error.
 */
import { type Bytes, copyBytes, wipe } from '../bytes/bytes.ts'
import { bug, check, MlsError } from '../bytes/errors.ts'
import type { Secret } from '../bytes/secret.ts'
import { decode, encode } from '../codec/codec.ts'
import { lent, type Writer } from '../codec/writer.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { tagLength } from '../crypto/suites.ts'
import type { OpeningKey } from '../secret-tree/opening-key.ts'
import type { RatchetType } from '../secret-tree/ratchet.ts'
import type { SecretTree } from '../secret-tree/secret-tree.ts'
import { type VerifiedContent, verifyFramedContent } from '../signed/framed-content.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import type { AuthenticatedContent, ContentType, FramedContent } from '../wire/framed-content.ts'
import { wireLimits } from '../wire/limits.ts'
import {
  type PrivateBody,
  PrivateContentAad,
  type PrivateMessage,
  privateMessageContent,
  type SenderData,
  writePrivateMessageContent,
} from '../wire/private-message.ts'
import { type PaddingPolicy, paddedLength } from './padding.ts'
import { openSenderData, sealSenderData } from './sender-data.ts'
import { checkContent } from './sender-rules.ts'

/** The secrets of an epoch that PrivateMessages need. */
export interface PrivateContext {
  readonly suite: CipherSuite
  readonly secretTree: SecretTree
  readonly senderDataSecret: Secret<'sender_data_secret'>
}

/** What {@link protectPrivate} needs. */
export interface ProtectPrivate extends PrivateContext {
  /** Signed for `mls_private_message`, by the leaf that it names. */
  readonly content: AuthenticatedContent
  readonly padding: PaddingPolicy
}

/** What {@link unprotectPrivate} needs. */
export interface UnprotectPrivate extends PrivateContext {
  /** Of the epoch of the secrets: the caller compares group id and epoch first (V061-V063). Nothing of it is kept. */
  readonly message: PrivateMessage
  /** Messages of this leaf are our own. */
  readonly ownLeaf: LeafIndex | undefined
  /** The signature key of a leaf; `undefined` for a blank leaf and for any index outside the tree. */
  readonly signatureKey: (leafIndex: LeafIndex) => Uint8Array | undefined
  /** The GroupContext of the epoch, encoded. */
  readonly encodedContext: Uint8Array
}

/** A message that claims our own leaf, which only the outbox can tell genuine from forged (V093). Nothing was derived. */
export interface OwnMessage {
  readonly kind: 'own'
  readonly leafIndex: LeafIndex
  /** At or above our next one: another copy of this client sends too (rollback). */
  readonly generation: number
}

/** A message that holds. Exactly one of `accept` and `reject` ends it. */
export interface OpenedMessage {
  readonly kind: 'content'
  readonly content: VerifiedContent
  readonly leafIndex: LeafIndex
  readonly generation: number
  /** Moves the ratchet: the message cannot be opened again. @throws `ratchet/generation_gone` when it was, meanwhile */
  accept(): void
  /** Leaves everything as it was. */
  reject(): void
}

/** Fields of a PrivateMessage besides ciphertext, sender data, authenticated data and group id, generously. */
const overhead = 256

/**
 * Encrypts signed content of a member; synchronous. The ratchet has moved when this returns: the result is stored before it
 * is sent, and never made twice.
 * @throws `framing/wire_format` V081, `framing/sender` V097, `framing/confirmation_tag` V083, `limit/exceeded` R01, all before
 * the ratchet moves; `ratchet/exhausted` V213, V214; `crypto/rng` V219
 */
export function protectPrivate(request: ProtectPrivate): PrivateMessage {
  const { suite, secretTree, senderDataSecret, content: signed, padding } = request
  // RFC 9420 §6.1 V081: the wire format is signed
  check(signed.wireFormat === 'mls_private_message', 'framing/wire_format', 'V081', 'content signed for another format')
  checkContent(signed)
  const { content } = signed
  const { groupId, epoch, contentType, authenticatedData, sender } = content
  if (sender.senderType !== 'member') throw bug('checkContent lets members alone send privately')
  const { leafIndex } = sender
  const sealContent = (plaintext: Uint8Array): PrivateMessage => {
    // RFC 9420 §6.3.1 V219: fresh for each message; drawn before a generation is spent
    const reuseGuard = suite.randomBytes(4)
    const { key, nonce, generation } = secretTree.seal(leafIndex, ratchetType(contentType), plaintext.length)
    applyReuseGuard(nonce, reuseGuard)
    const aad = encode(PrivateContentAad, { groupId, epoch, contentType, authenticatedData })
    const ciphertext = sealAndWipe(suite, key, nonce, aad, plaintext)
    const senderData = { leafIndex, generation, reuseGuard }
    const encryptedSenderData = sealSenderData(suite, senderDataSecret, ciphertext, content, senderData)
    return { groupId, epoch, contentType, authenticatedData, encryptedSenderData, ciphertext }
  }
  return lent((writer) => writePadded(writer, signed, padding), sealContent)
}

/**
 * Decrypts a PrivateMessage and checks its signature. State moves only in `accept()` of the result.
 * @throws `crypto/decrypt` for every AEAD failure (V028, V086-V089, V094); `limit/exceeded` V091; `framing/sender` V092;
 * `framing/padding` V090; `crypto/signature` V080; codes of kind `malformed`; codes of `ratchet/` (V209, V211, R05)
 */
export function unprotectPrivate(request: UnprotectPrivate): OwnMessage | OpenedMessage {
  const { suite, message, secretTree, senderDataSecret, ownLeaf } = request
  // RFC 9420 §6.3.1 V091, R01, R22: padding is refused by its length, before anything is decrypted
  check(message.ciphertext.length <= wireLimits.messageBytes, 'limit/exceeded', 'V091', 'a message of too many bytes')
  const senderData = openSenderData(suite, senderDataSecret, message)
  const { leafIndex, generation } = senderData
  // RFC 9420 §6.3.2 V093: our own message comes back; its key is gone, and nothing is spent on it
  if (leafIndex === ownLeaf) return { kind: 'own', leafIndex, generation }
  // RFC 9420 §6.3.2 V092: before any walk
  const signatureKey = leafIndex < secretTree.leafCount ? request.signatureKey(leafIndex) : undefined
  if (signatureKey === undefined) throw new MlsError('framing/sender', 'a sender that is no member', { rule: 'V092' })
  const opening = secretTree.openingKey(leafIndex, ratchetType(message.contentType), generation)
  try {
    const opened = openContent(suite, message, opening, senderData)
    // RFC 9420 §6.1 V080
    const content = verifyFramedContent(suite, opened, signatureKey, request.encodedContext)
    return {
      kind: 'content',
      content,
      leafIndex,
      generation,
      accept: () => opening.accept(),
      // R05: what holds is no failure of its sender, whatever the group thinks of it
      reject: () => opening.release(),
    }
  } catch (error) {
    // RFC 9420 §6.3.1 V089: a message that fails burns nothing
    opening.reject()
    throw error
  }
}

/** RFC 9420 §9: commits and proposals have a ratchet, application data another (V094). */
function ratchetType(contentType: ContentType): RatchetType {
  return contentType === 'application' ? 'application' : 'handshake'
}

/** PrivateMessageContent and its padding. @throws `limit/exceeded` R01 */
function writePadded(writer: Writer, { content, auth }: AuthenticatedContent, padding: PaddingPolicy): void {
  writePrivateMessageContent(writer, content, auth)
  const room =
    wireLimits.messageBytes - tagLength - overhead - content.groupId.length - content.authenticatedData.length
  // R01: what our peers would refuse is not sent
  check(writer.length <= room, 'limit/exceeded', 'R01', 'a message of too many bytes')
  // RFC 9420 §15.1: padding does not push a message over a limit
  const length = Math.min(paddedLength(padding, writer.length), room)
  writer.zeros(length - writer.length)
}

/** RFC 9420 §6.3.1: the first four bytes of the nonce, XOR the guard. */
function applyReuseGuard(nonce: Bytes, reuseGuard: Uint8Array): void {
  for (let i = 0; i < reuseGuard.length; i++) nonce[i] = (nonce[i] as number) ^ (reuseGuard[i] as number)
}

function sealAndWipe(suite: CipherSuite, key: Bytes, nonce: Bytes, aad: Uint8Array, plaintext: Uint8Array): Bytes {
  try {
    return suite.seal(key, nonce, aad, plaintext)
  } finally {
    wipe(key, nonce)
  }
}

/** What was signed: the fields that were sent in the clear, which the message may lend, the sender, and what was encrypted. */
function framedContent(message: PrivateMessage, leafIndex: LeafIndex, body: PrivateBody): FramedContent {
  const { epoch } = message
  const groupId = copyBytes(message.groupId)
  const authenticatedData = copyBytes(message.authenticatedData)
  const sender = { senderType: 'member', leafIndex } as const
  const { contentType } = body
  // no object is spread into another: every message comes here
  if (contentType === 'application')
    return { groupId, epoch, sender, authenticatedData, contentType, applicationData: body.applicationData }
  if (contentType === 'proposal')
    return { groupId, epoch, sender, authenticatedData, contentType, proposal: body.proposal }
  return { groupId, epoch, sender, authenticatedData, contentType, commit: body.commit }
}

function openContent(
  suite: CipherSuite,
  message: PrivateMessage,
  { key, nonce }: OpeningKey,
  { leafIndex, reuseGuard }: SenderData,
): AuthenticatedContent {
  applyReuseGuard(nonce, reuseGuard)
  // RFC 9420 §6.3.1 V086, V087: content type and authenticated data are bound
  const plaintext = suite.open(key, nonce, encode(PrivateContentAad, message), message.ciphertext)
  try {
    const body = decode(privateMessageContent(message.contentType), plaintext)
    return { wireFormat: 'mls_private_message', content: framedContent(message, leafIndex, body), auth: body.auth }
  } finally {
    wipe(plaintext)
  }
}
