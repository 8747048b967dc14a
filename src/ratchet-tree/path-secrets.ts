/**
 * The chain of secrets of a path, RFC 9420 §7.4.
 *
 * ```
 *   path_secret[0] ──> path_secret[1] ──> ... ──> path_secret[n] ──> commit_secret
 *        │                  │                          │
 *   node_secret[0]     node_secret[1]             node_secret[n]        each gives a key pair
 * ```
 */
import { type Bytes, copyBytes, equalBytes, wipe } from '../bytes/bytes.ts'
import { at, bug, type ErrorCode, MlsError } from '../bytes/errors.ts'
import { Secret } from '../bytes/secret.ts'
import type { CipherSuite, HpkeKeyPair } from '../crypto/cipher-suite.ts'
import { deriveSecretChain, deriveSecrets } from '../crypto/labels.ts'
import type { NodeIndex } from '../tree-math/tree-math.ts'
import type { Tree } from './tree.ts'

/** The label of RFC 9420 §7.6. */
export const pathLabel = 'UpdatePathNode'

/** The secrets of `count` successive nodes. */
export interface PathSecrets {
  /** From the lowest node up; the caller wipes them. */
  readonly pathSecrets: readonly Bytes[]
  readonly commitSecret: Secret<'commit_secret'>
}

/** RFC 9420 §7.4 V191: the commit secret is one step beyond the last. Derives upwards from `first`, which stays the caller's; all results own their memory. */
export function derivePathSecrets(suite: CipherSuite, first: Uint8Array, count: number): PathSecrets {
  const { hashLength } = suite.parameters
  // a path without nodes: one step beyond a secret that nobody else needs to know
  const chain = deriveSecretChain(suite, first, 'path', Math.max(count, 1))
  const pathSecrets: Bytes[] = []
  for (let i = 0; i < count; i++)
    pathSecrets.push(i === 0 ? copyBytes(first) : chain.slice((i - 1) * hashLength, i * hashLength))
  const commitSecret = new Secret<'commit_secret'>(chain.slice(-hashLength))
  wipe(chain)
  return { pathSecrets, commitSecret }
}

/** The key pairs of path secrets, in one batch. */
export async function pathKeyPairs(
  suite: CipherSuite,
  pathSecrets: readonly Uint8Array[],
): Promise<readonly HpkeKeyPair[]> {
  const nodeSecrets = deriveSecrets(suite, pathSecrets, 'node')
  try {
    return await suite.deriveKeyPairs(nodeSecrets)
  } finally {
    wipe(...nodeSecrets)
  }
}

/** The error for a derived key that is not the one in the tree: rules for the lowest node and for those above it. */
export interface MismatchError {
  readonly code: ErrorCode
  readonly first: string
  readonly above: string
}

/**
 * Derives the key pairs of `nodes` upwards from the path secret of the lowest, which is wiped, and compares each with the
 * public key in the tree (RFC 9420 §7.5).
 */
export async function climb(
  suite: CipherSuite,
  tree: Tree,
  pathSecret: Bytes,
  nodes: readonly NodeIndex[],
  mismatch: MismatchError,
): Promise<{ readonly keyPairs: [NodeIndex, HpkeKeyPair][]; readonly commitSecret: Secret<'commit_secret'> }> {
  if (nodes.length === 0) throw bug('a path secret without a node')
  const { pathSecrets, commitSecret } = derivePathSecrets(suite, pathSecret, nodes.length)
  wipe(pathSecret)
  const derived = await pathKeyPairs(suite, pathSecrets)
  wipe(...pathSecrets)
  const keyPairs = nodes.map((node, i): [NodeIndex, HpkeKeyPair] => [node, at(derived, i)])
  const wrong = keyPairs.findIndex(([node, { publicKey }]) => {
    const key = tree.encryptionKey(node)
    return key === undefined || !equalBytes(key, publicKey)
  })
  if (wrong < 0) return { keyPairs, commitSecret }
  commitSecret.wipe()
  wipe(...keyPairs.map(([, { privateKey }]) => privateKey))
  throw new MlsError(mismatch.code, 'a path secret of another public key', {
    rule: wrong === 0 ? mismatch.first : mismatch.above,
  })
}
