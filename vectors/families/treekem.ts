import type { Bytes } from '../../src/bytes/bytes.ts'
import { at } from '../../src/bytes/errors.ts'
import { toHex } from '../../src/bytes/text.ts'
import { decode, encode } from '../../src/codec/codec.ts'
import type { CipherSuite, HpkeKeyPair } from '../../src/crypto/cipher-suite.ts'
import { importTree } from '../../src/ratchet-tree/import-tree.ts'
import { pathKeyPairs } from '../../src/ratchet-tree/path-secrets.ts'
import { PrivateTree } from '../../src/ratchet-tree/private-tree.ts'
import type { Tree } from '../../src/ratchet-tree/tree.ts'
import { applyPath, openPath } from '../../src/ratchet-tree/treekem-receive.ts'
import { preparePath, sealPath } from '../../src/ratchet-tree/treekem-send.ts'
import { signLeafNode, verifyLeafNodeSignature } from '../../src/signed/leaf-node.ts'
import { keySigner, type SyncSigner } from '../../src/signed/signer.ts'
import { isInSubtree, type LeafIndex, leafToNode, type NodeIndex } from '../../src/tree-math/tree-math.ts'
import { GroupContext } from '../../src/wire/group-context.ts'
import { mls10 } from '../../src/wire/registries.ts'
import { UpdatePath } from '../../src/wire/update-path.ts'
import type { VectorEngine } from '../engine.ts'
import { expectBytes, expectEqual, expectTrue, present } from '../expect.ts'
import type { Fields } from '../fields.ts'
import { expectKeyPair, fullPrivateKey } from '../keys.ts'

interface Member {
  readonly privateTree: PrivateTree
  readonly signer: SyncSigner
}

interface Group {
  readonly suite: CipherSuite
  readonly tree: Tree
  readonly groupId: Bytes
  /** The GroupContext with a tree. */
  readonly contextWith: (tree: Tree) => Bytes
  readonly members: ReadonlyMap<LeafIndex, Member>
}

const noNewLeaves: ReadonlySet<LeafIndex> = new Set()

/** Family `treekem`: paths of every member, received by all others, RFC 9420 §7.4 to §7.6. */
export async function checkTreeKem(vector: Fields, engine: VectorEngine): Promise<void> {
  const suite = engine.suite(vector.number('cipher_suite'))
  const tree = importTree(suite, vector.hex('ratchet_tree'))
  const groupId = vector.hex('group_id')
  const members = new Map<LeafIndex, Member>()
  for (const leaf of vector.objects('leaves_private')) {
    const index = leaf.number('index')
    members.set(index, await openMember(suite, tree, index, leaf))
  }
  expectEqual('number of private leaves', members.size, tree.memberCount)

  const fields = {
    version: mls10,
    cipherSuite: suite.parameters.id,
    groupId,
    epoch: BigInt(vector.number('epoch')),
    confirmedTranscriptHash: vector.hex('confirmed_transcript_hash'),
    extensions: [],
  }
  const contextWith = (after: Tree) => encode(GroupContext, { ...fields, treeHash: after.treeHash })
  const group: Group = { suite, tree, groupId, contextWith, members }
  for (const [i, path] of vector.objects('update_paths').entries()) {
    await checkPath(group, `update_paths[${i}]`, path)
    await checkOwnPath(group, `update_paths[${i}]`, path.number('sender'))
  }
}

/** The private state of a member, which must agree with the tree. */
async function openMember(suite: CipherSuite, tree: Tree, index: LeafIndex, fields: Fields): Promise<Member> {
  const what = `leaves_private of leaf ${index}`
  const { leafNode } = present(what, tree.leaf(index))
  const signer = keySigner(suite, fullPrivateKey(suite, fields.hex('signature_priv')))
  expectBytes(`${what}: signature_priv`, signer.publicKey, leafNode.signatureKey)
  const leafKeyPair = {
    publicKey: leafNode.encryptionKey,
    privateKey: fullPrivateKey(suite, fields.hex('encryption_priv')),
  }
  await expectKeyPair(`${what}: encryption_priv`, suite, leafKeyPair)

  const secrets = fields.objects('path_secrets')
  const nodes = secrets.map((secret) => secret.number('node'))
  const keyPairs = await pathKeyPairs(
    suite,
    secrets.map((secret) => secret.hex('path_secret')),
  )
  const entries: [NodeIndex, HpkeKeyPair][] = [[leafToNode(index), leafKeyPair]]
  keyPairs.forEach((keyPair, i) => {
    const node = present('node', nodes[i])
    const publicKey = present(`${what}: node ${node} of the tree`, tree.encryptionKey(node))
    expectBytes(`${what}: public key of node ${node}`, keyPair.publicKey, publicKey)
    entries.push([node, keyPair])
  })
  return { privateTree: new PrivateTree(index, entries), signer }
}

/** A path of the vector. */
async function checkPath(group: Group, what: string, fields: Fields): Promise<void> {
  const { suite, tree, groupId } = group
  const sender = fields.number('sender')
  const bytes = fields.hex('update_path')
  const path = decode(UpdatePath, bytes)
  expectBytes(`${what}, encoded again`, encode(UpdatePath, path), bytes)
  verifyLeafNodeSignature(suite, path.leafNode.bytes, { groupId, leafIndex: sender })
  const after = applyPath({ suite, tree, leafIndex: sender, path, newLeaves: noNewLeaves })
  expectBytes(`${what}.tree_hash_after`, after.treeHash, fields.hex('tree_hash_after'))

  const secrets = fields.hexesOrNull('path_secrets')
  const known = new Map<string, HpkeKeyPair>()
  for (const [index, member] of group.members) {
    if (index === sender) continue
    const opened = await receive(group, member, sender, path, after)
    expectBytes(`${what}.commit_secret at leaf ${index}`, opened.commitSecret.take(), fields.hex('commit_secret'))
    // the path secret itself is not kept, but the key that it gives is
    const pathSecret = present(`${what}.path_secrets[${index}]`, secrets[index])
    const keyPair = known.get(toHex(pathSecret)) ?? at(await pathKeyPairs(suite, [pathSecret]), 0)
    known.set(toHex(pathSecret), keyPair)
    const node = tree.filteredDirectPath(sender).find((above) => isInSubtree(leafToNode(index), above))
    const own = opened.privateTree.keyPair(present(`${what}: a node above leaf ${index}`, node))
    expectBytes(`${what}.path_secrets[${index}]: private key of node ${node}`, own?.privateKey, keyPair.privateKey)
  }
  secrets.forEach((secret, index) => {
    const isReceiver = index !== sender && group.members.has(index)
    expectTrue(`${what}: a path secret for leaf ${index}`, secret === undefined || isReceiver)
  })
}

/** A path of ours for the same sender. */
async function checkOwnPath(group: Group, what: string, sender: LeafIndex): Promise<void> {
  const { suite, tree, groupId, contextWith } = group
  const { privateTree, signer } = present(`${what}: the sender`, group.members.get(sender))
  const { leafNode } = present(`${what}: the sender`, tree.leaf(sender))
  const prepared = await preparePath({
    suite,
    tree,
    leafIndex: sender,
    privateTree,
    signLeaf: ({ encryptionKey, parentHash }) =>
      signLeafNode(
        signer,
        { ...leafNode, leafNodeSource: 'commit', encryptionKey, parentHash },
        { groupId, leafIndex: sender },
      ),
  })
  const path = await sealPath(suite, prepared, contextWith(prepared.tree), noNewLeaves)
  const after = applyPath({ suite, tree, leafIndex: sender, path, newLeaves: noNewLeaves })
  expectBytes(`${what}, ours: tree hash`, after.treeHash, prepared.tree.treeHash)
  const commitSecret = prepared.commitSecret.take()
  for (const [index, member] of group.members) {
    if (index === sender) continue
    const opened = await receive(group, member, sender, path, after)
    expectBytes(`${what}, ours: commit secret at leaf ${index}`, opened.commitSecret.take(), commitSecret)
  }
}

function receive(group: Group, { privateTree }: Member, sender: LeafIndex, path: UpdatePath, after: Tree) {
  const { suite, tree, contextWith } = group
  return openPath({
    suite,
    tree: after,
    before: tree,
    privateTree,
    sender,
    path,
    encodedGroupContext: contextWith(after),
    newLeaves: noNewLeaves,
  })
}
