import { type Bytes, concatBytes } from '../../src/bytes/bytes.ts'
import { Secret } from '../../src/bytes/secret.ts'
import { encode } from '../../src/codec/codec.ts'
import { suiteParameters } from '../../src/crypto/suites.ts'
import { sealSenderData } from '../../src/framing/sender-data.ts'
import { nobleProvider } from '../../src/providers/noble/provider.ts'
import { systemRng } from '../../src/providers/system-rng.ts'
import type { RatchetType } from '../../src/secret-tree/ratchet.ts'
import { SecretTree } from '../../src/secret-tree/secret-tree.ts'
import { signFramedContentSync } from '../../src/signed/framed-content.ts'
import { keySigner } from '../../src/signed/signer.ts'
import type { Commit } from '../../src/wire/commit.ts'
import {
  type AuthenticatedContent,
  type ContentType,
  type FramedContent,
  type FramedContentAuthData,
  type FramedWireFormat,
  framedContentAuthData,
  framedContentTbs,
  type Sender,
} from '../../src/wire/framed-content.ts'
import { GroupContext } from '../../src/wire/group-context.ts'
import type { LeafNode } from '../../src/wire/leaf-node.ts'
import { PrivateContentAad, type PrivateMessage, privateMessageContent } from '../../src/wire/private-message.ts'
import type { Proposal } from '../../src/wire/proposal.ts'
import type { PublicMessage } from '../../src/wire/public-message.ts'

/** Four leaves, leaf 2 blank, one external sender. Everything is computed here by hand, so that each rule can be broken. */
export const suite = nobleProvider.open(suiteParameters(1), systemRng)
const keys = [0, 1, 2, 3, 4].map(() => suite.generateSignatureKeyPair())
export const signers = keys.map(({ privateKey }) => keySigner(suite, privateKey))
/** The signer of the external sender. */
export const externalSigner = signers[4]!
export const groupId: Bytes = new Uint8Array(16).fill(9)
export const context = (epoch = 5n): Bytes =>
  encode(GroupContext, {
    version: 1,
    cipherSuite: 1,
    groupId,
    epoch,
    treeHash: new Uint8Array(32).fill(1),
    confirmedTranscriptHash: new Uint8Array(32).fill(2),
    extensions: [],
  })
const membershipKeyBytes = new Uint8Array(32).fill(3)
const senderDataSecret = () => new Secret<'sender_data_secret'>(new Uint8Array(32).fill(4))

export const signatureKey = (leaf: number): Bytes | undefined => (leaf === 2 ? undefined : keys[leaf]?.publicKey)
export const publicContext = {
  suite,
  encodedContext: context(),
  membershipKey: new Secret<'membership_key'>(membershipKeyBytes.slice()),
  leafCount: 4,
  senders: {
    signatureKey,
    externalKey: (index: number) => (index === 0 ? keys[4]?.publicKey : undefined),
  },
}

export const member = (leafIndex: number): Sender => ({ senderType: 'member', leafIndex })
const frame = (sender: Sender) => ({ groupId, epoch: 5n, sender, authenticatedData: new Uint8Array([7, 7]) })
export const application = (sender: Sender, data: Bytes = new Uint8Array([1, 2, 3])): FramedContent => ({
  ...frame(sender),
  contentType: 'application',
  applicationData: data,
})
export const remove: Proposal = { proposalType: 'remove', removed: 3 }
export const proposal = (sender: Sender, value: Proposal = remove): FramedContent => ({
  ...frame(sender),
  contentType: 'proposal',
  proposal: value,
})
export const commit = (sender: Sender, value: Commit = { proposals: [], path: undefined }): FramedContent => ({
  ...frame(sender),
  contentType: 'commit',
  commit: value,
})
export const leafNode = (key: Bytes): LeafNode => ({
  encryptionKey: new Uint8Array(32).fill(5),
  signatureKey: key,
  credential: { credentialType: 'basic', identity: new Uint8Array(1) },
  capabilities: { versions: [1], cipherSuites: [1], extensions: [], proposals: [], credentials: [1] },
  leafNodeSource: 'key_package',
  lifetime: { notBefore: 0n, notAfter: 1n },
  extensions: [],
  signature: new Uint8Array(64),
})
export const add = (key: Bytes): Proposal => ({
  proposalType: 'add',
  keyPackage: {
    version: 1,
    cipherSuite: 1,
    initKey: new Uint8Array(32).fill(6),
    leafNode: leafNode(key),
    extensions: [],
    signature: new Uint8Array(64),
  },
})

export interface Forgery {
  readonly signer?: (typeof signers)[number]
  readonly signedContext?: Uint8Array
  readonly signedFormat?: FramedWireFormat
  readonly auth?: Partial<FramedContentAuthData>
}

/** Signs content for a wire format, with one thing wrong if asked for. */
export function sign(
  content: FramedContent,
  wireFormat: FramedWireFormat,
  forgery: Forgery = {},
): AuthenticatedContent {
  const { sender } = content
  const signer = forgery.signer ?? signers[sender.senderType === 'member' ? sender.leafIndex : 4] ?? externalSigner
  const signature = signFramedContentSync(
    signer,
    forgery.signedFormat ?? wireFormat,
    content,
    forgery.signedContext ?? context(),
  )
  const confirmationTag = content.contentType === 'commit' ? { confirmationTag: new Uint8Array(32).fill(8) } : {}
  return { wireFormat, content, auth: { signature, ...confirmationTag, ...forgery.auth } }
}

/** A PublicMessage with a genuine membership tag over whatever it holds. */
export function forgePublic(content: FramedContent, forgery: Forgery = {}): PublicMessage {
  const { auth } = sign(content, 'mls_public_message', forgery)
  if (content.sender.senderType !== 'member') return { content, auth }
  const tbm = concatBytes(
    framedContentTbs('mls_public_message', content, context()),
    encode(framedContentAuthData(content.contentType), auth),
  )
  return { content, auth, membershipTag: suite.hmac(membershipKeyBytes, tbm) }
}

/** The secrets of one member, fresh. */
export const secrets = () => ({
  suite,
  secretTree: new SecretTree(suite, new Secret(new Uint8Array(32).fill(10)), 4),
  senderDataSecret: senderDataSecret(),
})

export interface PrivateForgery extends Forgery {
  readonly leafIndex?: number
  readonly generation?: number
  readonly ratchet?: RatchetType
  readonly contentType?: ContentType
  readonly aadContentType?: ContentType
  readonly padding?: Uint8Array
  readonly reuseGuard?: Bytes
}

/** A PrivateMessage whose AEADs hold, made without the code under test but for the sender data. */
export function forgePrivate(content: FramedContent, forgery: PrivateForgery = {}): PrivateMessage {
  const leaf = content.sender.senderType === 'member' ? content.sender.leafIndex : 0
  const { secretTree, senderDataSecret } = secrets()
  const type = forgery.ratchet ?? (content.contentType === 'application' ? 'application' : 'handshake')
  const generation = forgery.generation ?? 0
  const { key, nonce } = secretTree.openingKey(leaf, type, generation)
  const reuseGuard = forgery.reuseGuard ?? new Uint8Array([1, 2, 3, 4])
  for (let i = 0; i < 4; i++) nonce[i] = (nonce[i] as number) ^ (reuseGuard[i] as number)
  const { auth } = sign(content, 'mls_private_message', forgery)
  const plaintext = concatBytes(
    encode(privateMessageContent(content.contentType), { ...content, auth }),
    forgery.padding ?? new Uint8Array(0),
  )
  const { authenticatedData } = content
  const outer = { groupId, epoch: 5n, contentType: forgery.contentType ?? content.contentType, authenticatedData }
  const aad = encode(PrivateContentAad, { ...outer, contentType: forgery.aadContentType ?? outer.contentType })
  const ciphertext = suite.seal(key, nonce, aad, plaintext)
  const leafIndex = forgery.leafIndex ?? leaf
  const senderData = { leafIndex, generation, reuseGuard }
  const encryptedSenderData = sealSenderData(suite, senderDataSecret, ciphertext, outer, senderData)
  return { ...outer, encryptedSenderData, ciphertext }
}
