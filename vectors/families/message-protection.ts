import type { Bytes } from '../../src/bytes/bytes.ts'
import { Secret } from '../../src/bytes/secret.ts'
import { decode, encode } from '../../src/codec/codec.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { protectPrivate, unprotectPrivate } from '../../src/framing/private-message.ts'
import { type PublicVerifyContext, protectPublic, unprotectPublic } from '../../src/framing/public-message.ts'
import { SecretTree } from '../../src/secret-tree/secret-tree.ts'
import { signFramedContentSync } from '../../src/signed/framed-content.ts'
import { keySigner, type SyncSigner } from '../../src/signed/signer.ts'
import { Commit } from '../../src/wire/commit.ts'
import type { AuthenticatedContent, FramedContent, FramedWireFormat } from '../../src/wire/framed-content.ts'
import { GroupContext } from '../../src/wire/group-context.ts'
import type { PrivateMessage } from '../../src/wire/private-message.ts'
import { Proposal } from '../../src/wire/proposal.ts'
import { mls10 } from '../../src/wire/registries.ts'
import type { VectorEngine } from '../engine.ts'
import { expectBytes, expectEqual, expectFailure, expectTrue } from '../expect.ts'
import { type Fields, VectorError } from '../fields.ts'
import { fullPrivateKey } from '../keys.ts'
import { decodeMessage } from '../messages.ts'

/** The sender of all messages of this family, in a group of two. */
const sender = 1

interface Group {
  readonly suite: CipherSuite
  readonly vector: Fields
  readonly encodedContext: Bytes
  readonly signer: SyncSigner
  readonly signatureKey: Bytes
}

/** Family `message-protection`: one proposal, commit and application message, RFC 9420 §6. */
export async function checkMessageProtection(vector: Fields, engine: VectorEngine): Promise<void> {
  const suite = engine.suite(vector.number('cipher_suite'))
  const encodedContext = encode(GroupContext, {
    version: mls10,
    cipherSuite: suite.parameters.id,
    groupId: vector.hex('group_id'),
    epoch: BigInt(vector.number('epoch')),
    treeHash: vector.hex('tree_hash'),
    confirmedTranscriptHash: vector.hex('confirmed_transcript_hash'),
    extensions: [],
  })
  const signer = keySigner(suite, fullPrivateKey(suite, vector.hex('signature_priv')))
  const signatureKey = vector.hex('signature_pub')
  expectBytes('signature_pub', signer.publicKey, signatureKey)
  const group = { suite, vector, encodedContext, signer, signatureKey }

  for (const name of ['proposal', 'commit'] as const) {
    const message = decodeMessage(`${name}_pub`, vector.hex(`${name}_pub`), 'mls_public_message').publicMessage
    expectContent(group, `${name}_pub`, unprotectPublic(publicContext(group), message))
    const own = signContent(group, name, 'mls_public_message')
    const again = unprotectPublic(publicContext(group), protectPublic(publicContext(group), own))
    expectContent(group, `${name}_pub, ours`, again)
  }
  const application = signContent(group, 'application', 'mls_public_message')
  await expectFailure('application data in a PublicMessage', () => protectPublic(publicContext(group), application))

  for (const name of ['proposal', 'commit', 'application'] as const) {
    const message = decodeMessage(`${name}_priv`, vector.hex(`${name}_priv`), 'mls_private_message').privateMessage
    expectContent(group, `${name}_priv`, open(group, message))
    const own = protectPrivate({
      ...privateContext(group),
      content: signContent(group, name, 'mls_private_message'),
      padding: { kind: 'padme' },
    })
    expectContent(group, `${name}_priv, ours`, open(group, own))
  }
}

function publicContext({ suite, vector, encodedContext, signatureKey }: Group): PublicVerifyContext {
  return {
    suite,
    encodedContext,
    membershipKey: new Secret(vector.hex('membership_key')),
    leafCount: 2,
    senders: { signatureKey: (leaf) => (leaf === sender ? signatureKey : undefined) },
  }
}

/** Fresh ratchets: every message of the family is the first of its sender. */
function privateContext({ suite, vector }: Group) {
  return {
    suite,
    secretTree: new SecretTree(suite, new Secret(vector.hex('encryption_secret')), 2),
    senderDataSecret: new Secret<'sender_data_secret'>(vector.hex('sender_data_secret')),
  }
}

function open(group: Group, message: PrivateMessage): AuthenticatedContent {
  const opened = unprotectPrivate({
    ...privateContext(group),
    message,
    ownLeaf: undefined,
    signatureKey: (leaf) => (leaf === sender ? group.signatureKey : undefined),
    encodedContext: group.encodedContext,
  })
  if (opened.kind !== 'content') throw new VectorError('a message of another leaf was taken for our own')
  opened.accept()
  return opened.content
}

type Name = 'proposal' | 'commit' | 'application'

/** The raw content of the vector, signed by us. */
function signContent(group: Group, name: Name, wireFormat: FramedWireFormat): AuthenticatedContent {
  const { suite, vector, signer, encodedContext } = group
  const head = {
    groupId: vector.hex('group_id'),
    epoch: BigInt(vector.number('epoch')),
    sender: { senderType: 'member' as const, leafIndex: sender },
    authenticatedData: new Uint8Array(0),
  }
  const raw = vector.hex(name)
  const content: FramedContent =
    name === 'application'
      ? { ...head, contentType: name, applicationData: raw }
      : name === 'proposal'
        ? { ...head, contentType: name, proposal: decode(Proposal, raw) }
        : { ...head, contentType: name, commit: decode(Commit, raw) }
  const signature = signFramedContentSync(signer, wireFormat, content, encodedContext)
  // the family gives no confirmation key: any tag will do
  const auth = name === 'commit' ? { signature, confirmationTag: suite.hash(raw) } : { signature }
  return { wireFormat, content, auth }
}

/** The content is the raw value of the vector, from the sender in its epoch. */
function expectContent({ vector }: Group, what: string, { content }: AuthenticatedContent): void {
  expectBytes(`${what}: group id`, content.groupId, vector.hex('group_id'))
  expectEqual(`${what}: epoch`, content.epoch, BigInt(vector.number('epoch')))
  expectTrue(`${what}: another sender`, content.sender.senderType === 'member' && content.sender.leafIndex === sender)
  const { contentType } = content
  const raw =
    contentType === 'application'
      ? content.applicationData
      : contentType === 'proposal'
        ? encode(Proposal, content.proposal)
        : encode(Commit, content.commit)
  expectBytes(`${what}: ${contentType}`, raw, vector.hex(contentType))
}
