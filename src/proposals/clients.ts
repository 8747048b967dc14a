/**
 * One client, one leaf (RFC 9420 §12.2): whether a client is a member already, by the rule of the application. An index from
 * client to leaf that trees share as they share their nodes: it is made once, when the first Add of a group asks for it, and
 * carried from tree to tree by what a commit changes.
 */

import { check } from '../bytes/errors.ts'
import { utf8 } from '../bytes/text.ts'
import type { AuthenticationService, CredentialBinding } from '../ports/authentication-service.ts'
import { PersistentMap, trieKey } from '../ratchet-tree/persistent-map.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'

type Clients = PersistentMap<LeafIndex>
const known = new WeakMap<AuthenticationService, WeakMap<Tree, Clients>>()

/** Whether a member that does not leave with the commit is the client with this key. */
export function isClientOfMember(
  tree: Tree,
  authentication: AuthenticationService,
  client: string,
  leaving: ReadonlySet<LeafIndex>,
): boolean {
  const leaf = clientsOf(tree, authentication).get(trieKey(utf8(client)))
  return leaf !== undefined && !leaving.has(leaf)
}

/**
 * A newcomer by external commit is no second leaf of a client, once its old leaf is removed (RFC 9420 §12.2, §12.4.3.2).
 * @throws `commit/external` (V247)
 */
export function requireNewClient(tree: Tree, authentication: AuthenticationService, newcomer: CredentialBinding): void {
  const client = authentication.clientKey?.(newcomer)
  // RFC 9420 §12.2 V247
  check(
    client === undefined || !isClientOfMember(tree, authentication, client, new Set()),
    'commit/external',
    'V247',
    'a newcomer whose client is a member already',
  )
}

/** Gives `after` the index of `before`, if that has one: O(changes). `changed` are all leaves in which the two differ. */
export function carryClients(
  authentication: AuthenticationService,
  before: Tree,
  after: Tree,
  changed: Iterable<LeafIndex>,
): void {
  const indexes = known.get(authentication)
  const index = indexes?.get(before)
  if (indexes === undefined || index === undefined || before === after) return
  const leaves = [...new Set(changed)]
  const draft = index.draft()
  for (const leaf of leaves) {
    const client = clientAt(before, leaf, authentication)
    if (client !== undefined && draft.get(client) === leaf) draft.delete(client)
  }
  for (const leaf of leaves) {
    const client = clientAt(after, leaf, authentication)
    if (client !== undefined) draft.set(client, leaf)
  }
  indexes.set(after, draft.finish())
}

function clientsOf(tree: Tree, authentication: AuthenticationService): Clients {
  const indexes = known.get(authentication) ?? new WeakMap<Tree, Clients>()
  known.set(authentication, indexes)
  const index = indexes.get(tree)
  if (index !== undefined) return index
  const draft = PersistentMap.empty<LeafIndex>().draft()
  for (const [leaf] of tree.members()) {
    const client = clientAt(tree, leaf, authentication)
    if (client !== undefined) draft.set(client, leaf)
  }
  const made = draft.finish()
  indexes.set(tree, made)
  return made
}

function clientAt(tree: Tree, leaf: LeafIndex, authentication: AuthenticationService): string | undefined {
  const found = tree.leaf(leaf)
  const client = found === undefined ? undefined : authentication.clientKey?.(found.leafNode)
  return client === undefined ? undefined : trieKey(utf8(client))
}
