/**
 * One client, one leaf (RFC 9420 §12.2): whether a client is a member already, by the rule of the application. Only where
 * there is such a rule this looks at all members; what it says about a leaf is kept as long as the leaf is.
 */
import type { AuthenticationService } from '../ports/authentication-service.ts'
import type { Tree, TreeLeaf } from '../ratchet-tree/tree.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'

const known = new WeakMap<AuthenticationService, WeakMap<TreeLeaf, string | undefined>>()

/** Whether a member that does not leave with the commit is the client with this key. */
export function isClientOfMember(
  tree: Tree,
  authentication: AuthenticationService,
  client: string,
  leaving: ReadonlySet<LeafIndex>,
): boolean {
  const keys = known.get(authentication) ?? new WeakMap<TreeLeaf, string | undefined>()
  known.set(authentication, keys)
  for (const [leafIndex, leaf] of tree.members()) {
    if (leaving.has(leafIndex)) continue
    if (!keys.has(leaf)) keys.set(leaf, authentication.clientKey?.(leaf.leafNode))
    if (keys.get(leaf) === client) return true
  }
  return false
}
