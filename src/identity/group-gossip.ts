/**
 * How members of a group tell one another which manifests they see, so that no server can show two of them two lists.
 *
 * - The first message of a member in an epoch carries the head of its own account, inside what is encrypted: an element
 *   `head` with the base64 of a ManifestHead among the content of the envelope (XEP-0420).
 * - A commit may carry the Merkle root over the heads of all accounts as the committer sees them, as an AppEphemeral of the
 *   component `heads_root`. Who has another root exchanges heads by message. It never decides about the commit.
 *
 * Pure: what is sent when, and what it says. Sending, fetching and showing are the caller's.
 */
import { type Bytes, copyBytes, equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { fromBase64, toBase64 } from '../bytes/text.ts'
import { encode, fixed } from '../codec/codec.ts'
import { componentIds, encodeAppEphemeral } from '../wire/app-data.ts'
import type { CustomProposal, Proposal } from '../wire/proposal.ts'
import { draftProposalTypes } from '../wire/registries.ts'
import { decodeWithin } from './bounded.ts'
import { ephemeralData } from './group-evidence.ts'
import { identityLimits } from './limits.ts'
import { ManifestHead, sameHead } from './manifest-head.ts'

/** The name of the element in the content of an envelope; its namespace is the binding's. */
export const headElementName = 'head'

const headBytes = identityLimits.accountBytes + 64
const HeadsRoot = fixed(32)

/** What was said last in a group. */
export interface Said {
  readonly epoch: bigint
  readonly head: ManifestHead
}

/** Whether the next message carries the own head: the first one of an epoch, and the first after the head moved. */
export function headIsDue(said: Said | undefined, epoch: bigint, head: ManifestHead): boolean {
  return said === undefined || said.epoch !== epoch || !sameHead(said.head, head)
}

/** The text of a `head` element. */
export function headText(head: ManifestHead): string {
  return toBase64(encode(ManifestHead, head))
}

/**
 * The head in the text of a `head` element, by a sender of this account (bare JID bytes). A member speaks for its own account
 * alone; heads of others travel where their manifests do.
 * @returns `undefined` for a text that is none, or about another account: it is passed over
 */
export function headOfText(text: string, account: Uint8Array): ManifestHead | undefined {
  if (text.length > 2 * headBytes) return undefined
  try {
    const head = decodeWithin(ManifestHead, fromBase64(text), headBytes)
    return equalBytes(head.account, account) ? head : undefined
  } catch (error) {
    if (error instanceof MlsError && error.kind !== 'bug') return undefined
    throw error
  }
}

/** The type and body of a proposal that carries the Merkle root (32 bytes) over the heads that a committer sees. */
export function headsRootProposal(root: Uint8Array): Omit<CustomProposal, 'proposalType'> {
  const body = encodeAppEphemeral(componentIds.headsRoot, encode(HeadsRoot, copyBytes(root)))
  return { type: draftProposalTypes.appEphemeral, body }
}

/** What a commit says of heads against what is seen here. */
export type HeadsComparison = 'silent' | 'same' | 'different'

/** Compares the root of a commit with the own one; a commit without root, or with something else there, is silent. */
export function compareHeadsRoot(custom: readonly Proposal[], own: Uint8Array): HeadsComparison {
  const found = headsRootOf(custom)
  if (found === undefined) return 'silent'
  return equalBytes(found, own) ? 'same' : 'different'
}

/** The Merkle root that a commit carries: the last, where there are several. */
export function headsRootOf(custom: readonly Proposal[]): Bytes | undefined {
  const roots = ephemeralData(
    custom.map((proposal) => ({ proposal })),
    componentIds.headsRoot,
  )
  return roots.filter(({ length }) => length === 32).at(-1)
}
