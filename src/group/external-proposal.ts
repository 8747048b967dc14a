/** Proposals by those who are no members (RFC 9420 §12.1.8): external senders, and newcomers who ask to be added. */
import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { signFramedContent } from '../signed/framed-content.ts'
import type { Signer } from '../signed/signer.ts'
import type { FramedContent, Sender } from '../wire/framed-content.ts'
import { encodeMlsMessage } from '../wire/mls-message.ts'
import type { Proposal } from '../wire/proposal.ts'
import type { KeyPackageBundle } from './key-package.ts'

/** The epoch that a proposal is for. */
export interface ProposalTarget {
  readonly groupId: Uint8Array
  readonly epoch: bigint
  readonly authenticatedData?: Uint8Array
}

/** A proposal by an entry of `external_senders` (RFC 9420 §12.1.8.1), as an encoded MLSMessage. */
export function proposeAsExternalSender(
  target: ProposalTarget,
  proposal: Proposal,
  by: { readonly senderIndex: number; readonly signer: Signer },
): Promise<Bytes> {
  if (proposal.proposalType === 'update' || proposal.proposalType === 'external_init')
    throw new MlsError('framing/sender', 'a proposal that an external sender may not make', { rule: 'V069' })
  return frame(target, proposal, { senderType: 'external', senderIndex: by.senderIndex }, by.signer)
}

/** A newcomer's request to be added (RFC 9420 §12.1.8), as an encoded MLSMessage. */
export function proposeJoin(target: ProposalTarget, bundle: KeyPackageBundle): Promise<Bytes> {
  const { keyPackage, signer } = bundle
  return frame(target, { proposalType: 'add', keyPackage }, { senderType: 'new_member_proposal' }, signer)
}

async function frame(target: ProposalTarget, proposal: Proposal, sender: Sender, signer: Signer): Promise<Bytes> {
  const content: FramedContent = {
    groupId: Uint8Array.from(target.groupId),
    epoch: target.epoch,
    sender,
    authenticatedData: Uint8Array.from(target.authenticatedData ?? []),
    contentType: 'proposal',
    proposal,
  }
  const signature = await signFramedContent(signer, 'mls_public_message', content, undefined)
  return encodeMlsMessage({ wireFormat: 'mls_public_message', publicMessage: { content, auth: { signature } } })
}
