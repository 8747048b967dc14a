/** UpdatePaths (RFC 9420 §7.6) as the misbehaving peer makes them: the genuine steps, any of which can be bent. */
import type { Bytes } from '../../src/bytes/bytes.ts'
import { sealRequest } from '../../src/crypto/labels.ts'
import { TreeDraft } from '../../src/ratchet-tree/draft.ts'
import { nodeAt } from '../../src/ratchet-tree/node.ts'
import { pathNodes } from '../../src/ratchet-tree/parent-hash.ts'
import { derivePathSecrets, pathKeyPairs, pathLabel } from '../../src/ratchet-tree/path-secrets.ts'
import { filteredPathOf } from '../../src/ratchet-tree/resolution.ts'
import type { Tree } from '../../src/ratchet-tree/tree.ts'
import { resolutionWithoutNew } from '../../src/ratchet-tree/treekem-path.ts'
import { signLeafNode } from '../../src/signed/leaf-node.ts'
import type { Signer } from '../../src/signed/signer.ts'
import type { EncodedLeafNode, LeafNodeContent, LeafPosition } from '../../src/wire/leaf-node.ts'
import type { UpdatePath, UpdatePathNode } from '../../src/wire/update-path.ts'
import { suite } from './world.ts'

/** Where a path can be bent; what follows a change is computed from it. */
export interface PathForgery {
  /** Leaves that get no path secret. */
  readonly newLeaves?: ReadonlySet<number>
  /** The tree whose path and resolutions are used. */
  readonly resolutions?: Tree
  /** Public keys of the path nodes, from the leaf up. */
  readonly keys?: (keys: readonly Bytes[]) => readonly Bytes[]
  /** The committer's leaf before it is signed. */
  readonly leaf?: (content: LeafNodeContent) => LeafNodeContent
  readonly leafSigner?: Signer
  readonly position?: Partial<LeafPosition>
  /** The committer's leaf after it was signed. */
  readonly signedLeaf?: (leaf: EncodedLeafNode) => EncodedLeafNode
  /** What is sealed, from the leaf up. */
  readonly secrets?: (secrets: readonly Bytes[]) => readonly Bytes[]
  readonly label?: string
  /** The provisional GroupContext, encoded. */
  readonly sealedContext?: Bytes
  /** The nodes when everything is done. */
  readonly nodes?: (nodes: readonly UpdatePathNode[]) => readonly UpdatePathNode[]
  readonly commitSecret?: (secret: Bytes, pathSecrets: readonly Bytes[]) => Bytes
}

/** What a path is made of. */
export interface PathInput {
  /** After the proposals. */
  readonly tree: Tree
  readonly leafIndex: number
  /** The leaf without keys, parent hash and source. */
  readonly leaf: Pick<LeafNodeContent, 'credential' | 'capabilities' | 'extensions'>
  readonly signer: Signer
  readonly groupId: Bytes
  readonly newLeaves: ReadonlySet<number>
  /** Of a tree with the path: the context to seal to. */
  readonly contextOf: (tree: Tree) => Bytes
}

/** A path, the tree with it, and what the key schedule needs. */
export interface ForgedPath {
  readonly path: UpdatePath
  readonly tree: Tree
  readonly commitSecret: Bytes
  readonly pathSecrets: readonly Bytes[]
  readonly leafKeyPair: { readonly publicKey: Bytes; readonly privateKey: Bytes }
}

export async function forgePath(input: PathInput, forgery: PathForgery = {}): Promise<ForgedPath> {
  const { leafIndex, signer, groupId } = input
  const before = forgery.resolutions ?? input.tree
  const steps = filteredPathOf(before.root, before.height, leafIndex)
  const { pathSecrets, commitSecret } = derivePathSecrets(suite, suite.randomBytes(32), steps.length)
  const derived = (await pathKeyPairs(suite, pathSecrets)).map(({ publicKey }) => publicKey)
  const keys = forgery.keys?.(derived) ?? derived
  const { nodes: parents, leafParentHash } = pathNodes(suite, steps, keys)
  const leafKeyPair = await suite.deriveKeyPair(suite.randomBytes(32))
  const honest: LeafNodeContent = {
    encryptionKey: leafKeyPair.publicKey,
    signatureKey: signer.publicKey,
    ...input.leaf,
    leafNodeSource: 'commit',
    parentHash: leafParentHash,
  }
  const content = forgery.leaf?.(honest) ?? honest
  const signed = await signLeafNode(forgery.leafSigner ?? signer, content, { groupId, leafIndex, ...forgery.position })
  const leafNode = forgery.signedLeaf?.(signed) ?? signed
  const tree = orElse(input.tree, () => {
    const draft = new TreeDraft(before)
    draft.setPath(leafIndex, leafNode, parents)
    return draft.finish(suite)
  })
  const plaintexts = forgery.secrets?.(pathSecrets) ?? pathSecrets
  const context = forgery.sealedContext ?? input.contextOf(tree)
  const nodes = await Promise.all(
    steps.map(async ({ sibling }, i): Promise<UpdatePathNode> => {
      const node = nodeAt(sibling.height, sibling.position)
      const recipients = resolutionWithoutNew(before, node, forgery.newLeaves ?? input.newLeaves)
      const requests = recipients.map((one) =>
        sealRequest(before.encryptionKey(one)!, forgery.label ?? pathLabel, context, plaintexts[i]!),
      )
      return { encryptionKey: keys[i]!, encryptedPathSecret: await suite.hpkeSealMany(requests) }
    }),
  )
  const secret = commitSecret.take()
  return {
    path: { leafNode, nodes: forgery.nodes?.(nodes) ?? nodes },
    tree,
    commitSecret: forgery.commitSecret?.(secret, pathSecrets) ?? secret,
    pathSecrets,
    leafKeyPair,
  }
}

/** What `make` gives, or `fallback` where our own structures refuse to be that wrong. */
export function orElse<T>(fallback: T, make: () => T): T {
  try {
    return make()
  } catch {
    return fallback
  }
}
