/**
 * The families once more, computed by ts-mls, an implementation that we did not write: its functions take the place of the
 * engine's, so that what we generate is not judged by ourselves. Only the public entry of ts-mls is documented; the functions
 * below it are reached by path, in this test alone.
 */
import * as tsMls from 'ts-mls'
import { authenticatedContentDecoder } from '../../node_modules/ts-mls/dist/src/authenticatedContent.js'
import { determineLength } from '../../node_modules/ts-mls/dist/src/codec/variableLength.js'
import { commitDecoder, commitEncoder } from '../../node_modules/ts-mls/dist/src/commit.js'
import { decryptWithLabel } from '../../node_modules/ts-mls/dist/src/crypto/hpke.js'
import { deriveSecret, deriveTreeSecret, expandWithLabel } from '../../node_modules/ts-mls/dist/src/crypto/kdf.js'
import { verifyWithLabel } from '../../node_modules/ts-mls/dist/src/crypto/signature.js'
import {
  extractJoinerSecret,
  groupContextDecoder,
  groupContextEncoder,
} from '../../node_modules/ts-mls/dist/src/groupContext.js'
import { groupSecretsDecoder, groupSecretsEncoder } from '../../node_modules/ts-mls/dist/src/groupSecrets.js'
import { initializeEpoch } from '../../node_modules/ts-mls/dist/src/keySchedule.js'
import { unprotectPrivateMessage } from '../../node_modules/ts-mls/dist/src/messageProtection.js'
import { unprotectPublicMessage } from '../../node_modules/ts-mls/dist/src/messageProtectionPublic.js'
import { verifyParentHashes } from '../../node_modules/ts-mls/dist/src/parentHash.js'
import { getCommitSecret } from '../../node_modules/ts-mls/dist/src/pathSecrets.js'
import { computePskSecret } from '../../node_modules/ts-mls/dist/src/presharedkey.js'
import { toPrivateKeyPath } from '../../node_modules/ts-mls/dist/src/privateKeyPath.js'
import { proposalDecoder, proposalEncoder } from '../../node_modules/ts-mls/dist/src/proposal.js'
import {
  addLeafNodeMutable,
  ratchetTreeDecoder,
  ratchetTreeEncoder,
  removeLeafNodeMutable,
  resolution,
  updateLeafNodeMutable,
} from '../../node_modules/ts-mls/dist/src/ratchetTree.js'
import { createSecretTree, ratchetToGeneration } from '../../node_modules/ts-mls/dist/src/secretTree.js'
import { createConfirmedHash, createInterimHash } from '../../node_modules/ts-mls/dist/src/transcriptHash.js'
import { treeHash, treeHashRoot } from '../../node_modules/ts-mls/dist/src/treeHash.js'
import * as math from '../../node_modules/ts-mls/dist/src/treemath.js'
import {
  applyUpdatePath,
  firstMatchAncestor,
  updatePathDecoder,
} from '../../node_modules/ts-mls/dist/src/updatePath.js'
import { decryptGroupInfo, decryptGroupSecrets } from '../../node_modules/ts-mls/dist/src/welcome.js'
import { concatBytes } from '../../src/bytes/bytes.ts'
import { proposalTypes } from '../../src/wire/registries.ts'
import { expectBytes, expectEqual, expectNumbers, expectTrue, present } from '../../vectors/expect.ts'
import type { Fields } from '../../vectors/fields.ts'

/** Checks one case with ts-mls. @throws any error on the first difference */
export type TsMlsCheck = (vector: Fields) => void | Promise<void>

const suites = new Map<number, Promise<tsMls.CiphersuiteImpl>>()

/** The suite of a case, with the noble provider, which has all of them. */
function suiteOf(vector: Fields): Promise<tsMls.CiphersuiteImpl> {
  const id = vector.number('cipher_suite')
  const name = Object.entries(tsMls.ciphersuites).find(([, code]) => code === id)?.[0] as tsMls.CiphersuiteName
  const suite = suites.get(id) ?? tsMls.getCiphersuiteImpl(name, tsMls.nobleCryptoProvider)
  suites.set(id, suite)
  return suite
}

function read<T>(what: string, decoder: tsMls.Decoder<T>, bytes: Uint8Array): T {
  const value = tsMls.decode(decoder, bytes)
  if (value === undefined) throw new Error(`ts-mls cannot decode ${what}`)
  return value
}

function again<T>(vector: Fields, name: string, decoder: tsMls.Decoder<T>, encoder: tsMls.Encoder<T>): T {
  const value = read(name, decoder, vector.hex(name))
  expectBytes(`${name}, encoded again`, tsMls.encode(encoder, value), vector.hex(name))
  return value
}

function message<F extends tsMls.WireformatName>(vector: Fields, name: string, format: F) {
  const value = again(vector, name, tsMls.mlsMessageDecoder, tsMls.mlsMessageEncoder)
  expectEqual<number>(`wire format of ${name}`, value.wireformat, tsMls.wireformats[format])
  return value as Extract<tsMls.MlsMessage, { wireformat: (typeof tsMls.wireformats)[F] }>
}

function treeMath(vector: Fields): void {
  const leaves = vector.number('n_leaves')
  expectEqual('n_nodes', math.nodeWidth(leaves), vector.number('n_nodes'))
  expectEqual<number>('root', math.root(leaves), vector.number('root'))
  const relations = {
    left: (node: math.NodeIndex) => math.left(node),
    right: (node: math.NodeIndex) => math.right(node),
    parent: (node: math.NodeIndex) => math.parent(node, leaves),
    sibling: (node: math.NodeIndex) => math.sibling(node, leaves),
  }
  for (const [name, relation] of Object.entries(relations))
    vector.numbersOrNull(name).forEach((expected, node) => {
      if (expected !== undefined) expectEqual<number>(`${name}[${node}]`, relation(math.toNodeIndex(node)), expected)
    })
}

function deserialization(vector: Fields): void {
  expectEqual('length', determineLength(vector.hex('vlbytes_header')).length, vector.number('length'))
}

async function cryptoBasics(vector: Fields): Promise<void> {
  const suite = await suiteOf(vector)
  const expand = vector.object('expand_with_label')
  const [secret, context, length] = [expand.hex('secret'), expand.hex('context'), expand.number('length')]
  const expanded = await expandWithLabel(secret, expand.text('label'), context, length, suite.kdf)
  expectBytes('expand_with_label', expanded, expand.hex('out'))
  const derive = vector.object('derive_secret')
  const derived = await deriveSecret(derive.hex('secret'), derive.text('label'), suite.kdf)
  expectBytes('derive_secret', derived, derive.hex('out'))
  const tree = vector.object('derive_tree_secret')
  const [generation, treeLength] = [tree.number('generation'), tree.number('length')]
  const treeSecret = await deriveTreeSecret(tree.hex('secret'), tree.text('label'), generation, treeLength, suite.kdf)
  expectBytes('derive_tree_secret', treeSecret, tree.hex('out'))
  const sign = vector.object('sign_with_label')
  const [key, content, signature] = [sign.hex('pub'), sign.hex('content'), sign.hex('signature')]
  expectTrue('sign_with_label', await verifyWithLabel(key, sign.text('label'), content, signature, suite.signature))
  const hpke = vector.object('encrypt_with_label')
  const opened = await decryptWithLabel(
    await suite.hpke.importPrivateKey(hpke.hex('priv')),
    hpke.text('label'),
    hpke.hex('context'),
    hpke.hex('kem_output'),
    hpke.hex('ciphertext'),
    suite.hpke,
  )
  expectBytes('encrypt_with_label', opened, hpke.hex('plaintext'))
}

async function keySchedule(vector: Fields): Promise<void> {
  const suite = await suiteOf(vector)
  let initSecret: Uint8Array = vector.hex('initial_init_secret')
  for (const epoch of vector.objects('epochs')) {
    const context = again(epoch, 'group_context', groupContextDecoder, groupContextEncoder)
    const [commitSecret, pskSecret] = [epoch.hex('commit_secret'), epoch.hex('psk_secret')]
    const joiner = await extractJoinerSecret(context, initSecret, commitSecret, suite.kdf)
    expectBytes('joiner_secret', joiner, epoch.hex('joiner_secret'))
    const secrets = await initializeEpoch(initSecret, commitSecret, context, pskSecret, suite.kdf)
    expectBytes('welcome_secret', secrets.welcomeSecret, epoch.hex('welcome_secret'))
    expectBytes('encryption_secret', secrets.encryptionSecret, epoch.hex('encryption_secret'))
    const { keySchedule: keys } = secrets
    expectBytes('sender_data_secret', keys.senderDataSecret, epoch.hex('sender_data_secret'))
    expectBytes('exporter_secret', keys.exporterSecret, epoch.hex('exporter_secret'))
    expectBytes('epoch_authenticator', keys.epochAuthenticator, epoch.hex('epoch_authenticator'))
    expectBytes('external_secret', keys.externalSecret, epoch.hex('external_secret'))
    expectBytes('confirmation_key', keys.confirmationKey, epoch.hex('confirmation_key'))
    expectBytes('membership_key', keys.membershipKey, epoch.hex('membership_key'))
    expectBytes('resumption_psk', keys.resumptionPsk, epoch.hex('resumption_psk'))
    expectBytes('init_secret', keys.initSecret, epoch.hex('init_secret'))
    const { label, context: exporterContext, length, secret } = exporterOf(epoch)
    const exported = await tsMls.mlsExporter(keys.exporterSecret, label, exporterContext, length, suite)
    expectBytes('exporter.secret', exported, secret)
    const { publicKey } = await suite.hpke.deriveKeyPair(keys.externalSecret)
    expectBytes('external_pub', await suite.hpke.exportPublicKey(publicKey), epoch.hex('external_pub'))
    initSecret = keys.initSecret
  }
}

function exporterOf(epoch: Fields) {
  const exporter = epoch.object('exporter')
  return {
    label: exporter.text('label'),
    context: exporter.hex('context'),
    length: exporter.number('length'),
    secret: exporter.hex('secret'),
  }
}

async function pskSecret(vector: Fields): Promise<void> {
  const psks = vector
    .objects('psks')
    .map((psk): [tsMls.PskId, Uint8Array] => [
      { psktype: tsMls.pskTypes.external, pskId: psk.hex('psk_id'), pskNonce: psk.hex('psk_nonce') },
      psk.hex('psk'),
    ])
  expectBytes('psk_secret', await computePskSecret(psks, await suiteOf(vector)), vector.hex('psk_secret'))
}

async function secretTree(vector: Fields): Promise<void> {
  const suite = await suiteOf(vector)
  const leaves = vector.lists('leaves')
  const config = { ...tsMls.defaultKeyRetentionConfig, retainKeysForGenerations: 100 }
  for (const type of ['handshake', 'application'] as const) {
    let tree = createSecretTree(leaves.length, vector.hex('encryption_secret'))
    const contentType = type === 'handshake' ? tsMls.contentTypes.commit : tsMls.contentTypes.application
    for (const [leafIndex, entries] of leaves.entries())
      for (const entry of entries) {
        // an empty guard leaves the nonce as it is
        const reuseGuard = new Uint8Array(4) as Parameters<typeof ratchetToGeneration>[1]['reuseGuard']
        const senderData = { leafIndex, generation: entry.number('generation'), reuseGuard }
        const { key, nonce, newTree } = await ratchetToGeneration(tree, senderData, contentType, config, suite)
        expectBytes(`${type}_key of leaf ${leafIndex}`, key, entry.hex(`${type}_key`))
        expectBytes(`${type}_nonce of leaf ${leafIndex}`, nonce, entry.hex(`${type}_nonce`))
        tree = newTree
      }
  }
}

async function transcriptHashes(vector: Fields): Promise<void> {
  const suite = await suiteOf(vector)
  const { wireformat, content, auth } = read(
    'authenticated_content',
    authenticatedContentDecoder,
    vector.hex('authenticated_content'),
  )
  if (content.contentType !== tsMls.contentTypes.commit || !('confirmationTag' in auth)) throw new Error('no commit')
  const before = vector.hex('interim_transcript_hash_before')
  const { signature, confirmationTag } = auth
  const confirmed = await createConfirmedHash(before, { wireformat, content, signature }, suite.hash)
  expectBytes('confirmed_transcript_hash_after', confirmed, vector.hex('confirmed_transcript_hash_after'))
  const interim = await createInterimHash(confirmed, confirmationTag, suite.hash)
  expectBytes('interim_transcript_hash_after', interim, vector.hex('interim_transcript_hash_after'))
  const mac = await suite.hash.mac(vector.hex('confirmation_key'), confirmed)
  expectBytes('confirmation tag', confirmationTag, new Uint8Array(mac))
}

async function messageProtection(vector: Fields): Promise<void> {
  const suite = await suiteOf(vector)
  const context: tsMls.GroupContext = {
    version: tsMls.protocolVersions.mls10,
    cipherSuite: vector.number('cipher_suite'),
    groupId: vector.hex('group_id'),
    epoch: BigInt(vector.number('epoch')),
    treeHash: vector.hex('tree_hash'),
    confirmedTranscriptHash: vector.hex('confirmed_transcript_hash'),
    extensions: [],
  }
  const [key, secret] = [vector.hex('signature_pub'), vector.hex('sender_data_secret')]
  for (const name of ['proposal', 'commit', 'application'] as const) {
    const contents: tsMls.FramedContent[] = []
    if (name !== 'application') {
      const { publicMessage } = message(vector, `${name}_pub`, 'mls_public_message')
      const opened = await unprotectPublicMessage(vector.hex('membership_key'), context, [], publicMessage, suite, key)
      contents.push(opened.content)
    }
    const { privateMessage } = message(vector, `${name}_priv`, 'mls_private_message')
    const tree = createSecretTree(2, vector.hex('encryption_secret'))
    const config = tsMls.defaultKeyRetentionConfig
    const opened = await unprotectPrivateMessage(secret, privateMessage, tree, [], context, config, suite, key)
    for (const content of [...contents, opened.content.content]) expectBytes(name, raw(content), vector.hex(name))
  }
}

function raw(content: tsMls.FramedContent): Uint8Array {
  if (content.contentType === tsMls.contentTypes.application) return content.applicationData
  if (content.contentType === tsMls.contentTypes.proposal) return tsMls.encode(proposalEncoder, content.proposal)
  return tsMls.encode(commitEncoder, content.commit)
}

async function welcome(vector: Fields): Promise<void> {
  const suite = await suiteOf(vector)
  const { keyPackage } = message(vector, 'key_package', 'mls_key_package')
  const { welcome: sealed } = message(vector, 'welcome', 'mls_welcome')
  const key = await suite.hpke.importPrivateKey(vector.hex('init_priv'))
  const reference = await tsMls.makeKeyPackageRef(keyPackage, suite.hash)
  const secrets = present('group secrets', await decryptGroupSecrets(key, reference, sealed, suite.hpke))
  const noPsks = new Uint8Array(suite.kdf.size)
  const info = present('GroupInfo', await decryptGroupInfo(sealed, secrets.joinerSecret, noPsks, suite))
  expectEqual('cipher suite of the GroupInfo', info.groupContext.cipherSuite, vector.number('cipher_suite'))
}

async function treeValidation(vector: Fields): Promise<void> {
  const { hash } = await suiteOf(vector)
  const tree = read('tree', ratchetTreeDecoder, vector.hex('tree'))
  for (const [node, expected] of vector.numberLists('resolutions').entries())
    if (node < tree.length) expectNumbers(`resolutions[${node}]`, resolution(tree, math.toNodeIndex(node)), expected)
  for (const [node, expected] of vector.hexes('tree_hashes').entries())
    expectBytes(`tree_hashes[${node}]`, await treeHash(tree, math.toNodeIndex(node), hash), expected)
  expectTrue('parent hashes', await verifyParentHashes(tree, hash))
}

async function treeOperations(vector: Fields): Promise<void> {
  const { hash } = await suiteOf(vector)
  const tree = again(vector, 'tree_before', ratchetTreeDecoder, ratchetTreeEncoder)
  expectBytes('tree_hash_before', await treeHashRoot(tree, hash), vector.hex('tree_hash_before'))
  const proposal = read('proposal', proposalDecoder, vector.hex('proposal'))
  const sender = math.toLeafIndex(vector.number('proposal_sender'))
  if ('add' in proposal) addLeafNodeMutable(tree, proposal.add.keyPackage.leafNode)
  if ('update' in proposal) updateLeafNodeMutable(tree, proposal.update.leafNode, sender)
  if ('remove' in proposal) removeLeafNodeMutable(tree, math.toLeafIndex(proposal.remove.removed))
  expectBytes('tree_after', tsMls.encode(ratchetTreeEncoder, tree), vector.hex('tree_after'))
  expectBytes('tree_hash_after', await treeHashRoot(tree, hash), vector.hex('tree_hash_after'))
}

async function treeKem(vector: Fields): Promise<void> {
  const suite = await suiteOf(vector)
  const context = {
    version: tsMls.protocolVersions.mls10,
    cipherSuite: vector.number('cipher_suite'),
    groupId: vector.hex('group_id'),
    epoch: BigInt(vector.number('epoch')),
    confirmedTranscriptHash: vector.hex('confirmed_transcript_hash'),
    extensions: [],
  }
  for (const path of vector.objects('update_paths')) {
    const sender = path.number('sender')
    const before = read('ratchet_tree', ratchetTreeDecoder, vector.hex('ratchet_tree'))
    const update = read('update_path', updatePathDecoder, path.hex('update_path'))
    const after = [...before]
    await applyUpdatePath(after, math.toLeafIndex(sender), update, suite.hash)
    const hash = await treeHashRoot(after, suite.hash)
    expectBytes('tree_hash_after', hash, path.hex('tree_hash_after'))
    const encoded = tsMls.encode(groupContextEncoder, { ...context, treeHash: hash })
    for (const leaf of vector.objects('leaves_private')) {
      const index = leaf.number('index')
      if (index === sender) continue
      const keys = await privateKeys(leaf, suite)
      const match = firstMatchAncestor(before, math.toLeafIndex(index), math.toLeafIndex(sender), update)
      const place = match.resolution.findIndex((node) => keys[node] !== undefined)
      const sealed = present('a ciphertext', match.updateNode?.encryptedPathSecret[place])
      const key = await suite.hpke.importPrivateKey(present('a key', keys[present('a node', match.resolution[place])]))
      const { kemOutput, ciphertext } = sealed
      const secret = await decryptWithLabel(key, 'UpdatePathNode', encoded, kemOutput, ciphertext, suite.hpke)
      expectBytes(`path_secrets[${index}]`, secret, present('a path secret', path.hexesOrNull('path_secrets')[index]))
      const commitSecret = await getCommitSecret(after, match.nodeIndex, secret, suite.kdf)
      expectBytes(`commit_secret at leaf ${index}`, commitSecret, path.hex('commit_secret'))
    }
  }
}

async function privateKeys(leaf: Fields, suite: tsMls.CiphersuiteImpl): Promise<Record<number, Uint8Array>> {
  const index = leaf.number('index')
  const secrets = leaf.objects('path_secrets').map((one) => [one.number('node'), one.hex('path_secret')])
  const path = await toPrivateKeyPath(Object.fromEntries(secrets), index, suite)
  return { ...path.privateKeys, [2 * index]: leaf.hex('encryption_priv') }
}

function messages(vector: Fields): void {
  for (const format of ['mls_welcome', 'mls_group_info', 'mls_key_package'] as const) message(vector, format, format)
  message(vector, 'private_message', 'mls_private_message')
  for (const type of ['application', 'proposal', 'commit'])
    message(vector, `public_message_${type}`, 'mls_public_message')
  again(vector, 'ratchet_tree', ratchetTreeDecoder, ratchetTreeEncoder)
  again(vector, 'group_secrets', groupSecretsDecoder, groupSecretsEncoder)
  again(vector, 'commit', commitDecoder, commitEncoder)
  const bodies = {
    add_proposal: proposalTypes.add,
    update_proposal: proposalTypes.update,
    remove_proposal: proposalTypes.remove,
    pre_shared_key_proposal: proposalTypes.psk,
    re_init_proposal: proposalTypes.reinit,
    external_init_proposal: proposalTypes.external_init,
    group_context_extensions_proposal: proposalTypes.group_context_extensions,
  }
  for (const [name, type] of Object.entries(bodies)) {
    const bytes = concatBytes(new Uint8Array([0, type]), vector.hex(name))
    expectBytes(name, tsMls.encode(proposalEncoder, read(name, proposalDecoder, bytes)), bytes)
  }
}

/** A client of ts-mls joins and follows. */
async function passiveClient(vector: Fields): Promise<void> {
  const suite = await suiteOf(vector)
  const psks = vector.objects('external_psks').map((psk) => [tsMls.bytesToBase64(psk.hex('psk_id')), psk.hex('psk')])
  const context: tsMls.MlsContext = {
    cipherSuite: suite,
    authService: tsMls.unsafeTestingAuthenticationService,
    externalPsks: Object.fromEntries(psks),
  }
  const ratchetTree = vector.hexOrNull('ratchet_tree')
  let state = await tsMls.joinGroup({
    context,
    welcome: message(vector, 'welcome', 'mls_welcome').welcome,
    keyPackage: message(vector, 'key_package', 'mls_key_package').keyPackage,
    privateKeys: {
      initPrivateKey: vector.hex('init_priv'),
      hpkePrivateKey: vector.hex('encryption_priv'),
      signaturePrivateKey: vector.hex('signature_priv'),
    },
    ...(ratchetTree === undefined ? {} : { ratchetTree: read('ratchet_tree', ratchetTreeDecoder, ratchetTree) }),
  })
  const { epochAuthenticator } = state.keySchedule
  expectBytes('initial_epoch_authenticator', epochAuthenticator, vector.hex('initial_epoch_authenticator'))
  for (const [i, epoch] of vector.objects('epochs').entries()) {
    for (const bytes of [...epoch.hexes('proposals'), epoch.hex('commit')]) {
      const received = read('a message', tsMls.mlsMessageDecoder, bytes)
      // `processMessage` drops the external PSKs of private messages
      if ('privateMessage' in received)
        state = (await tsMls.processPrivateMessage({ context, state, privateMessage: received.privateMessage }))
          .newState
      else if ('publicMessage' in received)
        state = (await tsMls.processPublicMessage({ context, state, publicMessage: received.publicMessage })).newState
    }
    const authenticator = state.keySchedule.epochAuthenticator
    expectBytes(`epochs[${i}].epoch_authenticator`, authenticator, epoch.hex('epoch_authenticator'))
  }
}

/** Every family by name. */
export const tsMlsChecks: ReadonlyMap<string, TsMlsCheck> = new Map<string, TsMlsCheck>([
  ['crypto-basics', cryptoBasics],
  ['deserialization', deserialization],
  ['key-schedule', keySchedule],
  ['message-protection', messageProtection],
  ['messages', messages],
  ['passive-client-handling-commit', passiveClient],
  ['passive-client-random', passiveClient],
  ['passive-client-welcome', passiveClient],
  ['psk_secret', pskSecret],
  ['secret-tree', secretTree],
  ['transcript-hashes', transcriptHashes],
  ['tree-math', treeMath],
  ['tree-operations', treeOperations],
  ['tree-validation', treeValidation],
  ['treekem', treeKem],
  ['welcome', welcome],
])
