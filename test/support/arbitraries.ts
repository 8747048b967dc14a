/** Random values of every struct of `src/wire`, within what the RFC allows. */
import fc from 'fast-check'
import type { Bytes } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import { type ComponentData, encodeAppEphemeral } from '../../src/wire/app-data.ts'
import type { Commit } from '../../src/wire/commit.ts'
import type { Credential } from '../../src/wire/credential.ts'
import type { Extension, ExternalSender } from '../../src/wire/extension.ts'
import type {
  AuthenticatedContent,
  FramedContent,
  FramedContentAuthData,
  Sender,
} from '../../src/wire/framed-content.ts'
import type { GroupContext } from '../../src/wire/group-context.ts'
import type { GroupInfo } from '../../src/wire/group-info.ts'
import type { KeyPackage } from '../../src/wire/key-package.ts'
import { type EncodedLeafNode, LeafNode } from '../../src/wire/leaf-node.ts'
import type { MlsMessage } from '../../src/wire/mls-message.ts'
import type { PrivateMessage, SenderData } from '../../src/wire/private-message.ts'
import type { Proposal } from '../../src/wire/proposal.ts'
import type { PreSharedKeyId } from '../../src/wire/psk.ts'
import type { PublicMessage } from '../../src/wire/public-message.ts'
import type { Node, ParentNode } from '../../src/wire/ratchet-tree.ts'
import { draftProposalTypes } from '../../src/wire/registries.ts'
import type { UpdatePath } from '../../src/wire/update-path.ts'
import type { GroupSecrets, Welcome } from '../../src/wire/welcome.ts'

type Arb<T> = fc.Arbitrary<T>
const u8 = fc.integer({ min: 0, max: 0xff })
const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff))
const u64 = fc.oneof(fc.bigInt(0n, 0xffffffffffffffffn), fc.constantFrom(2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n))
const lengths = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(63, 64, 300) },
)
export const opaque: Arb<Bytes> = fc
  .tuple(lengths, u8, u8)
  .map(([length, a, b]) => Uint8Array.from({ length }, (_, i) => (a + i * b) & 0xff))
const few = <T>(item: Arb<T>, maxLength = 3): Arb<T[]> => fc.array(item, { maxLength })

export const credential: Arb<Credential> = fc.oneof(
  fc.record({ credentialType: fc.constant('basic' as const), identity: opaque }),
  fc.record({ credentialType: fc.constant('x509' as const), certificates: few(opaque) }),
)
export const extension: Arb<Extension> = fc.record({ extensionType: u16, extensionData: opaque })
export const componentData: Arb<ComponentData> = fc.record({ componentId: u16, data: opaque })
export const appDataDictionary: Arb<ComponentData[]> = fc
  .uniqueArray(componentData, { maxLength: 4, selector: ({ componentId }) => componentId })
  .map((list) => list.sort((a, b) => a.componentId - b.componentId))
export const externalSender: Arb<ExternalSender> = fc.record({ signatureKey: opaque, credential })
export const requiredCapabilities = fc.record({
  extensionTypes: few(u16),
  proposalTypes: few(u16),
  credentialTypes: few(u16),
})
export const capabilities = fc.record({
  versions: few(u16),
  cipherSuites: few(u16),
  extensions: few(u16),
  proposals: few(u16),
  credentials: few(u16),
})
export const lifetime = fc.record({ notBefore: u64, notAfter: u64 })
const leafCommon = {
  encryptionKey: opaque,
  signatureKey: opaque,
  credential,
  capabilities,
  extensions: few(extension),
  signature: opaque,
}
export const leafNode: Arb<LeafNode> = fc.oneof(
  fc.record({ ...leafCommon, leafNodeSource: fc.constant('key_package' as const), lifetime }),
  fc.record({ ...leafCommon, leafNodeSource: fc.constant('update' as const) }),
  fc.record({ ...leafCommon, leafNodeSource: fc.constant('commit' as const), parentHash: opaque }),
)
export const encodedLeafNode: Arb<EncodedLeafNode> = leafNode.map((node) => ({
  leafNode: node,
  bytes: encode(LeafNode, node),
}))
export const keyPackage: Arb<KeyPackage> = fc.record({
  version: fc.constant(1),
  cipherSuite: u16,
  initKey: opaque,
  leafNode,
  extensions: few(extension),
  signature: opaque,
})
export const parentNode: Arb<ParentNode> = fc.record({
  encryptionKey: opaque,
  parentHash: opaque,
  unmergedLeaves: few(u32),
})
export const node: Arb<Node> = fc.oneof(
  encodedLeafNode.map((leaf) => ({ nodeType: 'leaf' as const, ...leaf })),
  parentNode.map((parent) => ({ nodeType: 'parent' as const, parentNode: parent })),
)
export const ratchetTree = few(fc.option(node, { nil: undefined }), 6)
export const psk: Arb<PreSharedKeyId> = fc.oneof(
  fc.record({ psktype: fc.constant('external' as const), pskId: opaque, pskNonce: opaque }),
  fc.record({
    psktype: fc.constant('resumption' as const),
    usage: fc.constantFrom('application' as const, 'reinit' as const, 'branch' as const),
    pskGroupId: opaque,
    pskEpoch: u64,
    pskNonce: opaque,
  }),
)
export const hpkeCiphertext = fc.record({ kemOutput: opaque, ciphertext: opaque })
export const updatePathNode = fc.record({ encryptionKey: opaque, encryptedPathSecret: few(hpkeCiphertext) })
export const updatePath: Arb<UpdatePath> = fc.record({ leafNode: encodedLeafNode, nodes: few(updatePathNode) })
export const proposal: Arb<Proposal> = fc.oneof(
  fc.record({ proposalType: fc.constant('add' as const), keyPackage }),
  fc.record({ proposalType: fc.constant('update' as const), leafNode: encodedLeafNode }),
  fc.record({ proposalType: fc.constant('remove' as const), removed: u32 }),
  fc.record({ proposalType: fc.constant('psk' as const), psk }),
  fc.record({
    proposalType: fc.constant('reinit' as const),
    groupId: opaque,
    version: u16,
    cipherSuite: u16,
    extensions: few(extension),
  }),
  fc.record({ proposalType: fc.constant('external_init' as const), kemOutput: opaque }),
  fc.record({ proposalType: fc.constant('group_context_extensions' as const), extensions: few(extension) }),
  fc.record({ proposalType: fc.constant('custom' as const), type: fc.integer({ min: 10, max: 0xffff }), body: opaque }),
  fc.record({
    proposalType: fc.constant('custom' as const),
    type: fc.constant(draftProposalTypes.appEphemeral),
    body: fc.tuple(u16, opaque).map(([componentId, data]) => encodeAppEphemeral(componentId, data)),
  }),
)
export const proposalOrRef = fc.oneof(
  proposal.map((value) => ({ type: 'proposal' as const, proposal: value })),
  opaque.map((reference) => ({ type: 'reference' as const, reference })),
)
export const commit: Arb<Commit> = fc.record({
  proposals: few(proposalOrRef),
  path: fc.option(updatePath, { nil: undefined }),
})
export const sender: Arb<Sender> = fc.oneof(
  fc.record({ senderType: fc.constant('member' as const), leafIndex: u32 }),
  fc.record({ senderType: fc.constant('external' as const), senderIndex: u32 }),
  fc.constant({ senderType: 'new_member_proposal' as const }),
  fc.constant({ senderType: 'new_member_commit' as const }),
)
const framing = { groupId: opaque, epoch: u64, sender, authenticatedData: opaque }
export const framedContent: Arb<FramedContent> = fc.oneof(
  fc.record({ ...framing, contentType: fc.constant('application' as const), applicationData: opaque }),
  fc.record({ ...framing, contentType: fc.constant('proposal' as const), proposal }),
  fc.record({ ...framing, contentType: fc.constant('commit' as const), commit }),
)
const authFor = (content: FramedContent): Arb<FramedContentAuthData> =>
  content.contentType === 'commit'
    ? fc.record({ signature: opaque, confirmationTag: opaque })
    : fc.record({ signature: opaque })
export const authenticatedContent: Arb<AuthenticatedContent> = framedContent.chain((content) =>
  fc.record({
    wireFormat: fc.constantFrom('mls_public_message' as const, 'mls_private_message' as const),
    content: fc.constant(content),
    auth: authFor(content),
  }),
)
export const publicMessage: Arb<PublicMessage> = framedContent.chain(
  (content): Arb<PublicMessage> =>
    content.sender.senderType === 'member'
      ? fc.record({ content: fc.constant(content), auth: authFor(content), membershipTag: opaque })
      : fc.record({ content: fc.constant(content), auth: authFor(content) }),
)
export const privateMessage: Arb<PrivateMessage> = fc.record({
  groupId: opaque,
  epoch: u64,
  contentType: fc.constantFrom('application' as const, 'proposal' as const, 'commit' as const),
  authenticatedData: opaque,
  encryptedSenderData: opaque,
  ciphertext: opaque,
})
export const senderData: Arb<SenderData> = fc.record({
  leafIndex: u32,
  generation: u32,
  reuseGuard: fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Uint8Array.from(bytes)),
})
export const groupContext: Arb<GroupContext> = fc.record({
  version: u16,
  cipherSuite: u16,
  groupId: opaque,
  epoch: u64,
  treeHash: opaque,
  confirmedTranscriptHash: opaque,
  extensions: few(extension),
})
export const groupInfo: Arb<GroupInfo> = fc.record({
  groupContext,
  extensions: few(extension),
  confirmationTag: opaque,
  signer: u32,
  signature: opaque,
})
export const groupSecrets: Arb<GroupSecrets> = fc.record({
  joinerSecret: opaque,
  pathSecret: fc.option(fc.record({ pathSecret: opaque }), { nil: undefined }),
  psks: few(psk),
})
export const welcome: Arb<Welcome> = fc.record({
  cipherSuite: u16,
  secrets: few(fc.record({ newMember: opaque, encryptedGroupSecrets: hpkeCiphertext })),
  encryptedGroupInfo: opaque,
})
export const mlsMessage: Arb<MlsMessage> = fc.oneof(
  fc.record({ wireFormat: fc.constant('mls_public_message' as const), publicMessage }),
  fc.record({ wireFormat: fc.constant('mls_private_message' as const), privateMessage }),
  fc.record({ wireFormat: fc.constant('mls_welcome' as const), welcome }),
  fc.record({ wireFormat: fc.constant('mls_group_info' as const), groupInfo }),
  fc.record({ wireFormat: fc.constant('mls_key_package' as const), keyPackage }),
)
