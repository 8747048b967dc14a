/**
 * One hash over the heads of all members of a group, as one member sees them. Each commit carries it, so that a server that
 * shows different manifests to different members is found out by the next commit.
 *
 *     leaf = SHA-256("head leaf", ManifestHead)         sorted by the bytes of the account, each account once
 *     node = SHA-256("head node", left || right)        split at the largest power of two below the count
 *     root = SHA-256("head node", count as uint32 || top)
 */
import { type Bytes, concatBytes, empty, equalBytes } from '../bytes/bytes.ts'
import { at, check } from '../bytes/errors.ts'
import { encode } from '../codec/codec.ts'
import { Writer } from '../codec/writer.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { compareBytes } from './compare.ts'
import { identityInfo } from './labels.ts'
import { identityLimits } from './limits.ts'
import { ManifestHead } from './manifest-head.ts'

/**
 * The hash over a set of heads, 32 bytes; their order does not matter. No heads have a hash too.
 * @throws `identity/limit` (I003) for more than 131,072; `identity/contents` (I070) for two heads of one account
 */
export function headsRoot(suite: CipherSuite, heads: readonly ManifestHead[]): Bytes {
  const sorted = sortHeads(heads)
  const leaves = suite.hashMany(sorted.map((head) => identityInfo('head leaf', encode(ManifestHead, head))))
  return rootOver(suite, leaves.length, leaves.length === 0 ? empty : topOf(suite, leaves))
}

/** Path of one head to the root: siblings from the leaf upwards, 32 bytes each. */
export interface HeadProof {
  readonly index: number
  readonly count: number
  readonly siblings: readonly Bytes[]
}

/**
 * Proof that an account's head is under {@link headsRoot}.
 * @throws as {@link headsRoot}; `identity/state` when the account has no head in the set
 */
export function proveHead(suite: CipherSuite, heads: readonly ManifestHead[], account: Uint8Array): HeadProof {
  const sorted = sortHeads(heads)
  const index = sorted.findIndex((head) => equalBytes(head.account, account))
  check(index >= 0, 'identity/state', undefined, 'no head of this account')
  const leaves = suite.hashMany(sorted.map((head) => identityInfo('head leaf', encode(ManifestHead, head))))
  const siblings: Bytes[] = []
  collect(suite, leaves, index, siblings)
  return { index, count: leaves.length, siblings }
}

/** Whether a head is under a root (I071). Bounded by the depth of the largest tree. */
export function verifyHeadProof(suite: CipherSuite, root: Uint8Array, head: ManifestHead, proof: HeadProof): boolean {
  const { index, count, siblings } = proof
  if (!Number.isInteger(index) || !Number.isInteger(count)) return false
  if (index < 0 || index >= count || count > identityLimits.heads) return false
  const path = pathOf(index, count)
  if (path.length !== siblings.length) return false
  let node = suite.hash(identityInfo('head leaf', encode(ManifestHead, head)))
  path.forEach((isRight, level) => {
    const sibling = at(siblings, level)
    node = isRight ? nodeOver(suite, sibling, node) : nodeOver(suite, node, sibling)
  })
  return equalBytes(rootOver(suite, count, node), root)
}

/** The heads of which two sets differ, as `[mine, theirs]`; missing where a side has none. What two members exchange. */
export function differingHeads(
  mine: readonly ManifestHead[],
  theirs: readonly ManifestHead[],
): readonly { readonly mine: ManifestHead | undefined; readonly theirs: ManifestHead | undefined }[] {
  const [a, b] = [sortHeads(mine), sortHeads(theirs)]
  const out: { mine: ManifestHead | undefined; theirs: ManifestHead | undefined }[] = []
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const [left, right] = [a[i], b[j]]
    const order = left === undefined ? 1 : right === undefined ? -1 : compareBytes(left.account, right.account)
    const pair = { mine: order <= 0 ? left : undefined, theirs: order >= 0 ? right : undefined }
    if (order !== 0 || !sameEncoding(left, right)) out.push(pair)
    if (order <= 0) i++
    if (order >= 0) j++
  }
  return out
}

function sameEncoding(a: ManifestHead | undefined, b: ManifestHead | undefined): boolean {
  return a !== undefined && b !== undefined && equalBytes(encode(ManifestHead, a), encode(ManifestHead, b))
}

function sortHeads(heads: readonly ManifestHead[]): readonly ManifestHead[] {
  check(heads.length <= identityLimits.heads, 'identity/limit', 'I003', 'more heads than a group has members')
  const sorted = [...heads].sort((a, b) => compareBytes(a.account, b.account))
  const twice = sorted.some((head, i) => i > 0 && equalBytes(head.account, at(sorted, i - 1).account))
  check(!twice, 'identity/contents', 'I070', 'two heads of one account')
  return sorted
}

function nodeOver(suite: CipherSuite, left: Uint8Array, right: Uint8Array): Bytes {
  return suite.hash(identityInfo('head node', concatBytes(left, right)))
}

function rootOver(suite: CipherSuite, count: number, top: Uint8Array): Bytes {
  const writer = new Writer(40)
  writer.uint32(count)
  writer.raw(top)
  return suite.hash(identityInfo('head node', writer.finish()))
}

/** The largest power of two below `count`, for a count of two or more. */
function splitOf(count: number): number {
  return 2 ** (31 - Math.clz32(count - 1))
}

function topOf(suite: CipherSuite, leaves: readonly Bytes[]): Bytes {
  if (leaves.length === 1) return at(leaves, 0)
  const split = splitOf(leaves.length)
  return nodeOver(suite, topOf(suite, leaves.slice(0, split)), topOf(suite, leaves.slice(split)))
}

function collect(suite: CipherSuite, leaves: readonly Bytes[], index: number, siblings: Bytes[]): void {
  if (leaves.length === 1) return
  const split = splitOf(leaves.length)
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)]
  if (index < split) {
    collect(suite, left, index, siblings)
    siblings.push(topOf(suite, right))
  } else {
    collect(suite, right, index - split, siblings)
    siblings.push(topOf(suite, left))
  }
}

/** From the leaf upwards: whether the node is the right child. */
function pathOf(index: number, count: number): boolean[] {
  const path: boolean[] = []
  let [i, n] = [index, count]
  while (n > 1) {
    const split = splitOf(n)
    path.unshift(i >= split)
    if (i >= split) [i, n] = [i - split, n - split]
    else n = split
  }
  return path
}
