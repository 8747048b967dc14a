import { Secret } from '../../src/bytes/secret.ts'
import { toHex } from '../../src/bytes/text.ts'
import { encode } from '../../src/codec/codec.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { protectPrivate } from '../../src/framing/private-message.ts'
import { protectPublic } from '../../src/framing/public-message.ts'
import { SecretTree } from '../../src/secret-tree/secret-tree.ts'
import { signFramedContentSync } from '../../src/signed/framed-content.ts'
import { keySigner } from '../../src/signed/signer.ts'
import { Commit } from '../../src/wire/commit.ts'
import type { AuthenticatedContent, FramedContent, FramedWireFormat } from '../../src/wire/framed-content.ts'
import { GroupContext } from '../../src/wire/group-context.ts'
import { encodeMlsMessage } from '../../src/wire/mls-message.ts'
import { Proposal } from '../../src/wire/proposal.ts'
import { mls10 } from '../../src/wire/registries.ts'
import { randomUint32 } from './random.ts'

/** The sender of the family's messages. */
const sender = 1

/** A proposal, a commit and an application message of the second member of a group of two. */
export function generateMessageProtection(suite: CipherSuite): unknown[] {
  const { hashLength, id } = suite.parameters
  const random = () => suite.randomBytes(hashLength)
  const groupId = suite.randomBytes(16)
  const epoch = randomUint32(suite)
  const [treeHash, confirmedTranscriptHash] = [random(), random()]
  const [encryptionSecret, senderDataSecret, membershipKey] = [random(), random(), random()]
  const { privateKey, publicKey } = suite.generateSignatureKeyPair()
  const signer = keySigner(suite, privateKey)
  const context = { version: mls10, cipherSuite: id, groupId, epoch: BigInt(epoch) }
  const encodedContext = encode(GroupContext, { ...context, treeHash, confirmedTranscriptHash, extensions: [] })

  const head = {
    groupId,
    epoch: BigInt(epoch),
    sender: { senderType: 'member' as const, leafIndex: sender },
    authenticatedData: suite.randomBytes(5),
  }
  const removal = { proposalType: 'remove' as const, removed: 0 }
  const application = suite.randomBytes(42)
  const commit: Commit = { proposals: [{ type: 'proposal', proposal: removal }], path: undefined }
  const contents = {
    proposal: { ...head, contentType: 'proposal', proposal: removal },
    commit: { ...head, contentType: 'commit', commit },
    application: { ...head, contentType: 'application', applicationData: application },
  } as const satisfies Record<string, FramedContent>

  const sign = (content: FramedContent, wireFormat: FramedWireFormat): AuthenticatedContent => {
    const signature = signFramedContentSync(signer, wireFormat, content, encodedContext)
    const auth = content.contentType === 'commit' ? { signature, confirmationTag: random() } : { signature }
    return { wireFormat, content, auth }
  }
  const publicMessage = (content: FramedContent) => {
    const key = new Secret<'membership_key'>(Uint8Array.from(membershipKey))
    const signed = sign(content, 'mls_public_message')
    const message = protectPublic({ suite, encodedContext, membershipKey: key }, signed)
    return toHex(encodeMlsMessage({ wireFormat: 'mls_public_message', publicMessage: message }))
  }
  const privateMessage = (content: FramedContent) => {
    const message = protectPrivate({
      suite,
      secretTree: new SecretTree(suite, new Secret(Uint8Array.from(encryptionSecret)), 2),
      senderDataSecret: new Secret(Uint8Array.from(senderDataSecret)),
      content: sign(content, 'mls_private_message'),
      padding: { kind: 'multiple', of: 64 },
    })
    return toHex(encodeMlsMessage({ wireFormat: 'mls_private_message', privateMessage: message }))
  }
  return [
    {
      cipher_suite: id,
      group_id: toHex(groupId),
      epoch,
      tree_hash: toHex(treeHash),
      confirmed_transcript_hash: toHex(confirmedTranscriptHash),
      signature_priv: toHex(privateKey),
      signature_pub: toHex(publicKey),
      encryption_secret: toHex(encryptionSecret),
      sender_data_secret: toHex(senderDataSecret),
      membership_key: toHex(membershipKey),
      proposal: toHex(encode(Proposal, removal)),
      proposal_pub: publicMessage(contents.proposal),
      proposal_priv: privateMessage(contents.proposal),
      commit: toHex(encode(Commit, commit)),
      commit_pub: publicMessage(contents.commit),
      commit_priv: privateMessage(contents.commit),
      application: toHex(application),
      application_priv: privateMessage(contents.application),
    },
  ]
}
