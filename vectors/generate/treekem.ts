import { toHex } from '../../src/bytes/text.ts'
import { encode } from '../../src/codec/codec.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { sealPath } from '../../src/ratchet-tree/treekem-send.ts'
import type { LeafIndex } from '../../src/tree-math/tree-math.ts'
import { GroupContext } from '../../src/wire/group-context.ts'
import { mls10 } from '../../src/wire/registries.ts'
import { UpdatePath } from '../../src/wire/update-path.ts'
import { randomUint32 } from './random.ts'
import { growingGroups, type SimulatedGroup, unevenGroups } from './simulated-group.ts'

/** The largest tree that was only grown. */
const largest = 8

/** A path of every member, in trees of 2 to 8 members and in trees with blanks and unmerged leaves. */
export async function generateTreeKem(suite: CipherSuite): Promise<unknown[]> {
  const groups = await growingGroups(suite, largest)
  const cases: unknown[] = []
  for (const group of [...groups.slice(1), ...(await unevenGroups(groups))]) cases.push(await describeGroup(group))
  return cases
}

async function describeGroup(group: SimulatedGroup) {
  const { suite, tree, groupId, members } = group
  const epoch = randomUint32(suite)
  const confirmedTranscriptHash = suite.randomBytes(suite.parameters.hashLength)
  const context = { version: mls10, cipherSuite: suite.parameters.id, groupId, epoch: BigInt(epoch), extensions: [] }
  const contextWith = (treeHash: Uint8Array<ArrayBuffer>) =>
    encode(GroupContext, { ...context, treeHash, confirmedTranscriptHash })
  const paths: unknown[] = []
  for (const sender of members.keys()) paths.push(await describePath(group, sender, contextWith))
  return {
    cipher_suite: suite.parameters.id,
    group_id: toHex(groupId),
    epoch,
    confirmed_transcript_hash: toHex(confirmedTranscriptHash),
    ratchet_tree: toHex(tree.encode()),
    leaves_private: [...members]
      .sort(([a], [b]) => a - b)
      .map(([index, member]) => ({
        index,
        encryption_priv: toHex(member.leafKeyPair.privateKey),
        signature_priv: toHex(member.signaturePrivateKey),
        path_secrets: [...member.pathSecrets].map(([node, secret]) => ({ node, path_secret: toHex(secret) })),
      })),
    update_paths: paths,
  }
}

async function describePath(
  group: SimulatedGroup,
  sender: LeafIndex,
  contextWith: (treeHash: Uint8Array<ArrayBuffer>) => Uint8Array,
) {
  const { suite, tree, members } = group
  const prepared = await group.preparePath(sender)
  const path = await sealPath(suite, prepared, contextWith(prepared.tree.treeHash), new Set())
  const secrets = Array.from({ length: tree.leafCount }, (_, leaf) => {
    const secret = leaf === sender || !members.has(leaf) ? undefined : prepared.pathSecretFor(leaf)
    return secret === undefined ? null : toHex(secret)
  })
  return {
    sender,
    update_path: toHex(encode(UpdatePath, path)),
    path_secrets: secrets,
    commit_secret: prepared.commitSecret.use(toHex),
    tree_hash_after: toHex(prepared.tree.treeHash),
  }
}
