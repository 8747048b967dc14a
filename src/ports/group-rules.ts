/**
 * Rules that a group lays down for itself beyond RFC 9420: who may add and remove whom, what a leaf must prove. They are
 * part of the validation of a commit, so they decide on nothing but bytes that every member has: no clock, no pins, no
 * network. Two members with other answers would be in two groups.
 */
import type { Extension } from '../wire/extension.ts'
import type { Sender } from '../wire/framed-content.ts'
import type { EncodedLeafNode } from '../wire/leaf-node.ts'
import type { CustomProposal, Proposal, ReInitProposal } from '../wire/proposal.ts'

/** A tree as rules see it. Trees are values: an index of one may be kept beside it, as long as the tree lives. */
export interface RuleTree {
  readonly memberCount: number
  /** `undefined` for a blank leaf. The `leafNode` of a leaf is decoded anew on every access. */
  leaf(index: number): EncodedLeafNode | undefined
  /** All members from the left: O(n), for checks of whole groups alone. */
  members(): Iterable<readonly [number, EncodedLeafNode]>
}

/** The shared state of one epoch, as far as rules may look at it. */
export interface RuleGroup {
  readonly groupId: Uint8Array
  readonly epoch: bigint
  /** Of the GroupContext. */
  readonly extensions: readonly Extension[]
  readonly tree: RuleTree
}

/** A proposal with who made it; for one by value in a commit that is the committer. */
export interface RuleProposal {
  readonly proposal: Proposal
  readonly sender: Sender
}

/** A leaf that a proposal added or removed. */
export interface RuleChange {
  readonly leafIndex: number
  /** Who proposed it. */
  readonly by: Sender
}

/** A commit that holds by RFC 9420, from one epoch to the next. */
export interface RuleTransition {
  readonly before: RuleGroup
  readonly after: RuleGroup
  /** The leaf of the committer in `after`. */
  readonly committer: number
  /** Whether the committer joined by this commit (RFC 9420 §12.4.3.2). */
  readonly external: boolean
  /** Whether the committer's own leaf was renewed. */
  readonly path: boolean
  /** Every leaf in which the trees differ, ascending, each once. */
  readonly changed: readonly number[]
  /** Leaves of `after`. */
  readonly added: readonly RuleChange[]
  /** Leaves of `before`. */
  readonly removed: readonly RuleChange[]
  /** Leaves that members replaced by an Update proposal. */
  readonly updated: readonly number[]
  /** Who proposed the new extensions; absent when the commit leaves them as they are. */
  readonly extensionsBy: Sender | undefined
  /** The end of the group in favour of another one (RFC 9420 §11.2). */
  readonly reinit: { readonly proposal: ReInitProposal; readonly sender: Sender } | undefined
  /** Proposals of types that RFC 9420 does not define, in the order of the commit. */
  readonly custom: readonly { readonly proposal: CustomProposal; readonly sender: Sender }[]
}

/**
 * See the file. Every path into and through a group asks: creating, joining by Welcome and by external commit, branches
 * and re-initialisations, own commits and received ones. Both checks throw an `MlsError` to refuse.
 */
export interface GroupRules {
  /** Checks a whole group: O(n). `pause` lets other work pass, `signal` ends the check. */
  checkGroup(group: RuleGroup, options?: RuleOptions): void | Promise<void>
  /** Checks a commit: O(changed leaves * log n). */
  checkTransition(transition: RuleTransition): void | Promise<void>
  /**
   * Whether a proposal that was sent before may go into a commit of `company`. What is refused is left out of own commits,
   * so that nobody blocks a group by a proposal that the rules forbid.
   */
  admits?(group: RuleGroup, proposal: RuleProposal, company: RuleCompany): boolean | Promise<boolean>
}

/** The commit that a proposal would go into. */
export interface RuleCompany {
  /** The leaf of the committer. */
  readonly committer: number
  /** All proposals that are considered for it. */
  readonly proposals: readonly RuleProposal[]
}

/** How to share the time of a long check. */
export interface RuleOptions {
  readonly pause?: (() => Promise<void>) | undefined
  readonly signal?: AbortSignal | undefined
}
