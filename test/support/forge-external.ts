/** External commits (RFC 9420 §12.4.3.2) by a joiner with an own valid credential, any step of which can be bent. */
import type { Bytes } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import type { Identity } from '../../src/index.ts'
import { externalInitSender, externalKeyPair } from '../../src/key-schedule/external.ts'
import { signFramedContent } from '../../src/signed/framed-content.ts'
import type { ProposalOrRef } from '../../src/wire/commit.ts'
import type { AuthenticatedContent, FramedContent } from '../../src/wire/framed-content.ts'
import { GroupContext } from '../../src/wire/group-context.ts'
import { encodeMlsMessage } from '../../src/wire/mls-message.ts'
import type { Proposal } from '../../src/wire/proposal.ts'
import { apply, type CommitForgery, confirmationTagOf, type SentForgery } from './forge.ts'
import { forgePath } from './forge-path.ts'
import { capabilitiesOf, suite, type World } from './world.ts'

/** What of an external commit is bent. */
export interface ExternalForgery extends Omit<CommitForgery, 'proposals'> {
  /** Instead of the ExternalInit alone. */
  readonly list?: (externalInit: Proposal) => readonly (Proposal | SentForgery)[]
  readonly kemOutput?: (genuine: Bytes) => Bytes
}

export async function forgeExternalCommit(
  world: World,
  identity: Identity,
  forgery: ExternalForgery = {},
): Promise<Bytes> {
  const { current } = world.state(0)
  const { context } = current
  const { publicKey } = await externalKeyPair(suite, current.secrets.externalSecret)
  const { kemOutput, initSecret } = await externalInitSender(suite, publicKey)
  const init: Proposal = { proposalType: 'external_init', kemOutput: forgery.kemOutput?.(kemOutput) ?? kemOutput }
  const proposals = (forgery.list?.(init) ?? [init]).map((entry) =>
    'reference' in entry ? entry : { proposal: entry },
  )
  const { tree, newLeaves } = apply(current.tree, undefined, proposals)
  const forged = await forgePath(
    {
      tree,
      leafIndex: tree.freeLeaf,
      leaf: { credential: identity.credential, capabilities: capabilitiesOf(world.input), extensions: [] },
      signer: identity.signer,
      groupId: context.groupId,
      newLeaves,
      contextOf: (next) => encode(GroupContext, { ...context, epoch: context.epoch + 1n, treeHash: next.treeHash }),
    },
    forgery,
  )
  const entries = proposals.map((entry): ProposalOrRef => {
    if ('reference' in entry) return { type: 'reference', reference: entry.reference }
    return { type: 'proposal', proposal: entry.proposal }
  })
  const honest: FramedContent = {
    groupId: context.groupId,
    epoch: context.epoch,
    sender: { senderType: 'new_member_commit' },
    authenticatedData: new Uint8Array(0),
    contentType: 'commit',
    commit: { proposals: entries, path: forgery.path === false ? undefined : forged.path },
  }
  const content = forgery.content?.(honest) ?? honest
  const wireFormat = 'mls_public_message'
  const signature = await signFramedContent(
    forgery.signer ?? identity.signer,
    wireFormat,
    content,
    'signedContext' in forgery ? forgery.signedContext : current.encodedContext,
  )
  const signed: AuthenticatedContent = { wireFormat, content, auth: { signature } }
  const next = { ...context, epoch: context.epoch + 1n, treeHash: forged.tree.treeHash }
  const psks = proposals.flatMap(({ proposal }) => (proposal.proposalType === 'psk' ? [proposal.psk] : []))
  const confirmationTag = confirmationTagOf(current, signed, next, forged.commitSecret, psks, {
    initSecret: initSecret.take(),
    ...forgery,
  })
  return encodeMlsMessage({
    wireFormat,
    publicMessage: {
      content,
      auth: { signature, confirmationTag },
    },
  })
}
