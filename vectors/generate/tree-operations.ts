import { toHex } from '../../src/bytes/text.ts'
import { encode } from '../../src/codec/codec.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { TreeDraft } from '../../src/ratchet-tree/draft.ts'
import type { Tree } from '../../src/ratchet-tree/tree.ts'
import { signLeafNode } from '../../src/signed/leaf-node.ts'
import { keySigner } from '../../src/signed/signer.ts'
import type { LeafIndex } from '../../src/tree-math/tree-math.ts'
import { Proposal } from '../../src/wire/proposal.ts'
import { present } from '../expect.ts'
import { growingGroups, leafOf, newClient, type SimulatedGroup } from './simulated-group.ts'

/** An Add that extends, an Add to a blank leaf, an Update, a Remove inside, and a Remove that truncates. */
export async function generateTreeOperations(suite: CipherSuite): Promise<unknown[]> {
  const groups = await growingGroups(suite, 8)
  const [five, eight] = [present('a group of 5', groups[4]), present('a group of 8', groups[7])]
  const withBlank = await eight.commit(0, { remove: [3] })
  const remove = (removed: LeafIndex) => ({ proposalType: 'remove' as const, removed })
  const add = async () => ({ proposalType: 'add' as const, keyPackage: (await newClient(suite)).keyPackage })
  return [
    operation(eight, 0, await add()),
    operation(withBlank, 1, await add()),
    operation(eight, 5, await updateOf(eight, 5)),
    operation(eight, 1, remove(4)),
    operation(five, 0, remove(4)),
  ]
}

function operation({ suite, tree }: SimulatedGroup, sender: LeafIndex, proposal: Proposal) {
  const after = apply(suite, tree, sender, proposal)
  return {
    cipher_suite: suite.parameters.id,
    tree_before: toHex(tree.encode()),
    proposal: toHex(encode(Proposal, proposal)),
    proposal_sender: sender,
    tree_hash_before: toHex(tree.treeHash),
    tree_after: toHex(after.encode()),
    tree_hash_after: toHex(after.treeHash),
  }
}

function apply(suite: CipherSuite, tree: Tree, sender: LeafIndex, proposal: Proposal): Tree {
  const draft = new TreeDraft(tree)
  if (proposal.proposalType === 'add') draft.add(leafOf(proposal))
  else if (proposal.proposalType === 'update') draft.update(sender, proposal.leafNode)
  else if (proposal.proposalType === 'remove') draft.remove(proposal.removed)
  return draft.finish(suite)
}

async function updateOf({ suite, tree, groupId, members }: SimulatedGroup, leafIndex: LeafIndex): Promise<Proposal> {
  const { signaturePrivateKey } = present('the sender', members.get(leafIndex))
  const { leafNode } = present('the sender', tree.leaf(leafIndex))
  const { publicKey } = await suite.deriveKeyPair(suite.randomBytes(suite.parameters.hashLength))
  const { encryptionKey: _, ...kept } = leafNode
  const content = { ...kept, encryptionKey: publicKey, leafNodeSource: 'update' as const }
  const signer = keySigner(suite, signaturePrivateKey)
  return { proposalType: 'update', leafNode: await signLeafNode(signer, content, { groupId, leafIndex }) }
}
