/**
 * A tree that we join, RFC 9420 §12.4.3.1: what remains after `importTree`. The order is that of cost (R14): parent hashes,
 * which are hashes alone, then the rules of leaves and parents, then all signatures in batches. Work is cut into slices,
 * between which the caller may let other work pass or end it; a batch of signatures is one slice at least.
 */
import { check } from '../bytes/errors.ts'
import { inBatches, inSlices, type SliceRules, slices, type Turn, throwIfAborted } from '../bytes/slices.ts'
import type { CipherSuite, VerifyRequest } from '../crypto/cipher-suite.ts'
import { leafNodeVerifyRequest } from '../signed/leaf-node.ts'
import type { Extension } from '../wire/extension.ts'
import { type LifetimeRules, validateLeafNode } from './leaf-validation.ts'
import { TreeLeaf } from './node.ts'
import { checkParentHashes } from './parent-hash-validation.ts'
import type { Tree } from './tree.ts'

/** The group of a tree, and how to share the time. */
export interface TreeValidation extends SliceRules {
  readonly groupId: Uint8Array
  readonly version: number
  readonly cipherSuite: number
  /** Of the GroupContext. */
  readonly extensions: readonly Extension[]
  /** For leaves of source `key_package`; absent where lifetimes are not looked at. */
  readonly lifetime?: LifetimeRules | undefined
}

/** Signatures of one batch: of more, each is little cheaper, and what is signed is held until the batch is checked. */
const signatureBatch = 2048

/**
 * Checks parent hashes, leaves and signatures. That keys are unique holds for every `Tree`.
 * @throws `tree/parent_hash` V152-V159; `crypto/key` V162; the errors of `validateLeafNode` (V163); `crypto/signature` V098;
 *   `limit/exceeded` R12; `operation/aborted` when the signal says so
 */
export async function validateTree(suite: CipherSuite, tree: Tree, rules: TreeValidation): Promise<void> {
  await inSlices(checkParentHashes(suite, tree), rules)
  const turn = slices(rules)
  const { version, cipherSuite, extensions, lifetime } = rules
  const leafRules = { suite, version, cipherSuite, extensions, lifetime, source: 'tree' } as const
  for (const { subtree } of tree.nodes()) {
    await turn()
    // RFC 9420 §12.4.3.1 V163: each leaf by its own rules
    if (subtree instanceof TreeLeaf) validateLeafNode(subtree.leafNode, leafRules)
    else {
      // RFC 9420 §5.1.1 V162
      const valid = suite.isHpkePublicKey(subtree.encryptionKey)
      check(valid, 'crypto/key', 'V162', 'a parent node with a bad public key')
    }
  }
  validateCredentialTypes(tree)
  await validateSignatures(suite, tree, rules, turn)
}

async function validateSignatures(suite: CipherSuite, tree: Tree, rules: TreeValidation, turn: Turn): Promise<void> {
  const { groupId, signal } = rules
  const batch = signatureBatch * (suite.workers ?? 1)
  let requests: VerifyRequest[] = []
  /** The batch before, which workers may still be busy with. */
  let underWay: Promise<readonly boolean[]> = Promise.resolve([])
  const finish = async (): Promise<void> => {
    const results = await underWay
    throwIfAborted(signal)
    // RFC 9420 §7.3 V098
    check(results.every(Boolean), 'crypto/signature', 'V098', 'the signature of a leaf does not hold')
  }
  const verify = async (): Promise<void> => {
    await finish()
    underWay =
      suite.workers === undefined
        ? inBatches(requests, rules, (part) => suite.verifyMany(part))
        : suite.verifyMany(requests)
    // an error is met when the next batch begins, or never, when the caller ends the work before
    underWay.catch(() => undefined)
    requests = []
    // one thread: what was signed is let go before more is held
    if (suite.workers === undefined) await finish()
  }
  for (const { node, subtree } of tree.nodes()) {
    if (!(subtree instanceof TreeLeaf)) continue
    await turn()
    // RFC 9420 §7.2 V099, V100: what is signed has the group and the position
    requests.push(leafNodeVerifyRequest(subtree.bytes, { groupId, leafIndex: node / 2 }))
    if (requests.length === batch) await verify()
  }
  if (requests.length > 0) await verify()
  await finish()
}

function validateCredentialTypes(tree: Tree): void {
  for (const type of tree.credentialTypesInUse()) {
    // RFC 9420 §7.3 V120, V121: every member supports the credential types of all
    const supported = tree.allSupport('credentials', type)
    check(supported, 'leaf/requirements', 'V120', 'a credential type that a member does not support')
  }
}
