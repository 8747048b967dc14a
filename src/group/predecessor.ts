/** Groups that follow another one: re-initialisation (RFC 9420 §11.2) and branches (§11.3), checked by every joiner. */
import { equalBytes } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import { mapKey } from '../bytes/text.ts'
import { encode } from '../codec/codec.ts'
import type { AuthenticationService } from '../ports/authentication-service.ts'
import { sameExtensions } from '../proposals/proposal-list.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import { Credential } from '../wire/credential.ts'
import type { GroupContext } from '../wire/group-context.ts'
import type { LeafNode } from '../wire/leaf-node.ts'
import type { ReInitProposal } from '../wire/proposal.ts'
import type { PreSharedKeyId } from '../wire/psk.ts'

/** What a joiner knows of the group that the new one follows. */
export interface Predecessor {
  readonly usage: 'reinit' | 'branch'
  readonly context: GroupContext
  readonly tree: Tree
  /** The ReInit that the last commit of the old group carried. */
  readonly reinit: ReInitProposal | undefined
}

/**
 * RFC 9420 §12.4.3.1: the PSKs of a Welcome that begin a group.
 * @throws `welcome/psk`, `group/reinit`, `group/branch`
 */
export function validatePredecessorPsks(psks: readonly PreSharedKeyId[], predecessor: Predecessor | undefined): void {
  const beginnings = psks.filter((psk) => psk.psktype === 'resumption' && psk.usage !== 'application')
  // RFC 9420 §12.4.3.1 V205, V337
  check(beginnings.length <= 1, 'welcome/psk', 'V205', 'a Welcome with two PSKs that begin a group')
  const [psk] = beginnings
  if (predecessor === undefined) {
    // RFC 9420 §12.4.3.1 V332: the old group must be known
    check(psk === undefined, 'group/reinit', 'V332', 'a Welcome to a group that follows one that was not named')
    return
  }
  const { usage, context } = predecessor
  // RFC 9420 §11.2 V331, §11.3 V337
  check(
    psk?.psktype === 'resumption' &&
      psk.usage === usage &&
      equalBytes(psk.pskGroupId, context.groupId) &&
      (usage === 'branch' || psk.pskEpoch === context.epoch),
    usage === 'reinit' ? 'group/reinit' : 'group/branch',
    usage === 'reinit' ? 'V331' : 'V337',
    'a Welcome without the resumption PSK of the group that it follows',
  )
}

/**
 * RFC 9420 §11.2 and §11.3: the new group against the old one.
 * @throws `group/reinit` (V326-V333), `group/branch` (V334-V336)
 */
export function validateSuccessor(
  context: GroupContext,
  tree: Tree,
  predecessor: Predecessor,
  authentication: AuthenticationService,
): void {
  if (predecessor.usage === 'branch') {
    // RFC 9420 §11.3 V334
    check(
      context.version === predecessor.context.version && context.cipherSuite === predecessor.context.cipherSuite,
      'group/branch',
      'V334',
      'a branch of another version or cipher suite',
    )
    // RFC 9420 §11.3 V335
    check(context.epoch === 1n, 'group/branch', 'V335', 'a branch that does not begin with epoch 1')
    // RFC 9420 §11.3 V336: nobody who is not in the old group
    check(covers(predecessor.tree, tree, authentication), 'group/branch', 'V336', 'a branch with an outsider')
    return
  }
  const { reinit } = predecessor
  // RFC 9420 §12.4.3.1 V332
  check(reinit !== undefined, 'group/reinit', 'V332', 'a group that was never re-initialised')
  // RFC 9420 §11.2 V326
  check(equalBytes(context.groupId, reinit.groupId), 'group/reinit', 'V326', 'another group id than the ReInit says')
  // RFC 9420 §11.2 V327
  check(context.version === reinit.version, 'group/reinit', 'V327', 'another version than the ReInit says')
  // RFC 9420 §11.2 V328
  check(context.cipherSuite === reinit.cipherSuite, 'group/reinit', 'V328', 'another cipher suite than the ReInit says')
  // RFC 9420 §11.2 V329
  check(
    sameExtensions(context.extensions, reinit.extensions),
    'group/reinit',
    'V329',
    'other extensions than the ReInit says',
  )
  // RFC 9420 §11.2 V330
  check(context.epoch === 1n, 'group/reinit', 'V330', 'a re-initialised group that does not begin with epoch 1')
  // RFC 9420 §12.4.3.1 V333: everybody who was in the old group
  check(
    covers(tree, predecessor.tree, authentication, true),
    'group/reinit',
    'V333',
    'a member of the old group is missing',
  )
}

/** Whether each leaf of `inner` matches one of `outer`, by credential or by the authentication service. */
function covers(outer: Tree, inner: Tree, authentication: AuthenticationService, outerIsNew = false): boolean {
  const byCredential = new Set<string>()
  for (const [, leaf] of outer.members()) byCredential.add(credentialKey(leaf.leafNode))
  for (const [, leaf] of inner.members()) {
    const { leafNode } = leaf
    if (byCredential.has(credentialKey(leafNode))) continue
    let found = false
    for (const [, other] of outer.members())
      if (
        outerIsNew
          ? authentication.isSuccessor(leafNode, other.leafNode)
          : authentication.isSuccessor(other.leafNode, leafNode)
      ) {
        found = true
        break
      }
    if (!found) return false
  }
  return true
}

function credentialKey({ credential }: LeafNode): string {
  return mapKey(encode(Credential, credential))
}
