import { decode, encode } from '../../src/codec/codec.ts'
import { TreeDraft } from '../../src/ratchet-tree/draft.ts'
import { importTree } from '../../src/ratchet-tree/import-tree.ts'
import { LeafNode } from '../../src/wire/leaf-node.ts'
import { Proposal } from '../../src/wire/proposal.ts'
import type { VectorEngine } from '../engine.ts'
import { expectBytes } from '../expect.ts'
import { type Fields, VectorError } from '../fields.ts'

/** Family `tree-operations`: one Add, Update or Remove on a tree, RFC 9420 §12.1.1 to §12.1.3. */
export function checkTreeOperations(vector: Fields, engine: VectorEngine): void {
  const suite = engine.suite(vector.number('cipher_suite'))
  const before = importTree(suite, vector.hex('tree_before'))
  expectBytes('tree_hash_before', before.treeHash, vector.hex('tree_hash_before'))
  expectBytes('tree_before, encoded again', before.encode(), vector.hex('tree_before'))

  const proposal = decode(Proposal, vector.hex('proposal'))
  const draft = new TreeDraft(before)
  if (proposal.proposalType === 'add') {
    const { leafNode } = proposal.keyPackage
    draft.add({ leafNode, bytes: encode(LeafNode, leafNode) })
  } else if (proposal.proposalType === 'update') draft.update(vector.number('proposal_sender'), proposal.leafNode)
  else if (proposal.proposalType === 'remove') draft.remove(proposal.removed)
  else throw new VectorError(`a proposal of type ${proposal.proposalType} is no tree operation`)

  const after = draft.finish(suite)
  expectBytes('tree_after', after.encode(), vector.hex('tree_after'))
  expectBytes('tree_hash_after', after.treeHash, vector.hex('tree_hash_after'))
}
