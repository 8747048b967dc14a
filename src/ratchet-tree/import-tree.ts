/**
 * A tree from the `ratchet_tree` extension or from storage, RFC 9420 §12.4.3.3. What is checked here is the structure; the
 * rest of the checks on joining is in validate-tree.ts. Nodes are not decoded to be kept: see node-store.ts.
 */
import { at, bug, check, MlsError } from '../bytes/errors.ts'
import { atOnce } from '../bytes/slices.ts'
import { isPresent } from '../codec/codec.ts'
import { Reader } from '../codec/reader.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { fullWidth } from '../tree-math/tree-math.ts'
import { wireLimits } from '../wire/limits.ts'
import { NodeType, type ParentNode } from '../wire/ratchet-tree.ts'
import { emptyIndexes, IndexDraft } from './indexes.ts'
import { Branch, nodeAt, type Subtree, TreeLeaf } from './node.ts'
import { NodeStore } from './node-store.ts'
import { Tree } from './tree.ts'
import { hashSubtreeSteps } from './tree-hash.ts'
import { checkUnmergedLeaves } from './unmerged.ts'

type FlatNode = TreeLeaf | ParentNode | undefined

/** Nodes between two stops. */
const stride = 256

/**
 * Decodes a tree and checks its structure.
 * @throws kind `malformed`; `tree/structure` V024, V143, V144, V145; `tree/unmerged_leaves` V147-V151; `tree/parent_hash`
 *   V156 for a parent above blank leaves only; `leaf/key_reuse` V123, V124, V125, V161; `limit/exceeded` V146
 */
export function importTree(suite: CipherSuite, bytes: Uint8Array): Tree {
  return atOnce(importTreeSteps(suite, bytes))
}

/** As {@link importTree}; stops after some nodes, so that the caller can give way to other work. */
export function* importTreeSteps(suite: CipherSuite, bytes: Uint8Array): Generator<void, Tree> {
  const nodes = yield* readNodes(bytes)
  const indexes = new IndexDraft(emptyIndexes)
  yield* indexes.putAll(nodes.entries())
  // RFC 9420 §12.4.3.3 V145, V143, V144: the last node is the rightmost leaf that is not blank
  check(nodes.length > 0, 'tree/structure', 'V145', 'a tree without nodes')
  const last = nodes.at(-1)
  check(last !== undefined, 'tree/structure', 'V143', 'a tree that ends in a blank node')
  check(last instanceof TreeLeaf, 'tree/structure', 'V144', 'a tree that ends in a parent node')
  const height = Math.log2(fullWidth((nodes.length + 1) / 2))
  const root = yield* build(nodes, height)
  if (root === undefined) throw bug('a tree without its last leaf')
  yield* checkUnmergedLeaves({ subtree: root, height, position: 0 })
  yield* hashSubtreeSteps(suite, root, height, 0)
  return new Tree(suite, root, height, indexes.finish())
}

function* readNodes(bytes: Uint8Array): Generator<void, FlatNode[]> {
  // RFC 9420 §12.4.3.3 V146: the size is bounded before any work
  if (bytes.length > wireLimits.treeBytes) throw tooLarge()
  const reader = new Reader(bytes)
  const nodes: FlatNode[] = []
  const store = new NodeStore(bytes)
  const outer = reader.enter(reader.varint())
  while (reader.left > 0) {
    if (nodes.length % stride === stride - 1) yield
    if (nodes.length === 2 * wireLimits.members - 1) throw tooLarge()
    if (isPresent(reader)) {
      const nodeType = NodeType.read(reader)
      // RFC 9420 §12.4.3.3 V024: leaves at even places, parents at odd ones
      const fits = (nodeType === 'leaf') === (nodes.length % 2 === 0)
      check(fits, 'tree/structure', 'V024', 'a node of the wrong type for its place')
      nodes.push(nodeType === 'leaf' ? store.readLeaf(reader) : store.readParent(reader))
    } else nodes.push(undefined)
  }
  reader.leave(outer)
  reader.finish()
  return nodes
}

/** Joins the flat nodes, level by level. */
function* build(nodes: readonly FlatNode[], height: number): Generator<void, Subtree> {
  let level: Subtree[] = []
  for (let i = 0; i < nodes.length; i += 2) {
    const node = nodes[i]
    level.push(node instanceof TreeLeaf ? node : undefined)
  }
  for (let h = 1; h <= height; h++) {
    const below = level
    level = []
    for (let position = 0; 2 * position < below.length; position++) {
      if (position % stride === stride - 1) yield
      const parent = nodes[nodeAt(h, position)]
      level.push(join(below[2 * position], below[2 * position + 1], parent instanceof TreeLeaf ? undefined : parent))
    }
  }
  return at(level, 0)
}

function join(left: Subtree, right: Subtree, parent: ParentNode | undefined): Subtree {
  if (left !== undefined || right !== undefined) return new Branch(left, right, parent)
  // RFC 9420 §7.9.2 V156: no leaf can vouch for this node
  check(parent === undefined, 'tree/parent_hash', 'V156', 'a parent node without a leaf below it')
  return undefined
}

function tooLarge(): MlsError {
  return new MlsError('limit/exceeded', 'a tree larger than the limit', { rule: 'V146' })
}
