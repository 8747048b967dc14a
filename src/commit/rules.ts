/** Holds what a commit does against the rules of the group (see `ports/group-rules.ts`). Without rules nothing is computed. */
import type { GroupRules, RuleChange, RuleGroup, RuleTransition } from '../ports/group-rules.ts'
import type { AppliedProposals } from '../proposals/apply.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import type { Extension } from '../wire/extension.ts'
import type { GroupContext } from '../wire/group-context.ts'

/** The tree after a commit, and who made it. */
export interface Committed {
  readonly tree: Tree
  readonly committer: LeafIndex
  readonly external: boolean
  readonly path: boolean
}

/** A group as rules see it. */
export function ruleGroup(
  { groupId, epoch }: Pick<GroupContext, 'groupId' | 'epoch'>,
  tree: Tree,
  extensions: readonly Extension[],
): RuleGroup {
  return { groupId, epoch, extensions, tree }
}

/** Checks a commit. @throws whatever the rules refuse it with */
export function checkTransition(
  rules: GroupRules | undefined,
  before: { readonly context: GroupContext; readonly tree: Tree },
  applied: AppliedProposals,
  committed: Committed,
): void | Promise<void> {
  // most groups have none: nothing to wait for
  return rules?.checkTransition(describeTransition(before, applied, committed))
}

function describeTransition(
  { context, tree }: { readonly context: GroupContext; readonly tree: Tree },
  applied: AppliedProposals,
  { tree: next, committer, external, path }: Committed,
): RuleTransition {
  const { list, added } = applied
  const adds: RuleChange[] = []
  const removed: RuleChange[] = []
  let extensionsBy: RuleTransition['extensionsBy']
  let reinit: RuleTransition['reinit']
  for (const { proposal, sender } of list.all) {
    // leaves are filled in the order of the Adds (RFC 9420 §12.3)
    const leaf = added[adds.length]?.leafIndex
    if (proposal.proposalType === 'add' && leaf !== undefined) adds.push({ leafIndex: leaf, by: sender })
    if (proposal.proposalType === 'remove') removed.push({ leafIndex: proposal.removed, by: sender })
    if (proposal.proposalType === 'group_context_extensions') extensionsBy = sender
    if (proposal.proposalType === 'reinit') reinit = { proposal, sender }
  }
  const updated = list.updates.map(({ leafIndex }) => leafIndex)
  const changed = new Set([...updated, ...list.removes, ...adds.map(({ leafIndex }) => leafIndex)])
  if (path) changed.add(committer)
  return {
    before: ruleGroup(context, tree, context.extensions),
    after: ruleGroup({ groupId: context.groupId, epoch: context.epoch + 1n }, next, applied.extensions),
    committer,
    external,
    path,
    changed: [...changed].sort((a, b) => a - b),
    added: adds,
    removed,
    updated,
    extensionsBy,
    reinit,
    custom: list.custom,
  }
}
