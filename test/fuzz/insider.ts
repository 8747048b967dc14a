/**
 * Inputs by a member with all secrets of the group: something is changed inside, then signed, tagged and encrypted as a
 * genuine message is, so that the change is what the receiver looks at.
 */
import { type Bytes, concatBytes, empty } from '../../src/bytes/bytes.ts'
import { Secret } from '../../src/bytes/secret.ts'
import { decode, encode } from '../../src/codec/codec.ts'
import type { Epoch } from '../../src/commit/epoch.ts'
import { decryptWithLabel, encryptWithLabel, welcomeKeyAndNonce } from '../../src/crypto/labels.ts'
import { protectPublic } from '../../src/framing/public-message.ts'
import { sealSenderData } from '../../src/framing/sender-data.ts'
import { decodeMlsMessage, encodeMlsMessage, type KeyPackage, type Signer } from '../../src/index.ts'
import { deriveWelcomeSecret } from '../../src/key-schedule/key-schedule.ts'
import { derivePskSecret } from '../../src/key-schedule/psk-secret.ts'
import { importTree } from '../../src/ratchet-tree/import-tree.ts'
import { signFramedContent } from '../../src/signed/framed-content.ts'
import { signGroupInfo } from '../../src/signed/group-info.ts'
import { signKeyPackage } from '../../src/signed/key-package.ts'
import { signLeafNode } from '../../src/signed/leaf-node.ts'
import { findExtension } from '../../src/wire/extension.ts'
import type { FramedContent, FramedWireFormat } from '../../src/wire/framed-content.ts'
import { GroupInfo } from '../../src/wire/group-info.ts'
import { PrivateContentAad, privateMessageContent } from '../../src/wire/private-message.ts'
import { RatchetTree } from '../../src/wire/ratchet-tree.ts'
import { extensionTypes } from '../../src/wire/registries.ts'
import { GroupSecrets } from '../../src/wire/welcome.ts'
import type { Fixture } from './fixture.ts'
import { mutateValue } from './grammar.ts'
import { mutateBytes } from './mutator.ts'
import type { Random } from './random.ts'

/** Content of the attacker, changed, in a message that is genuine around it. */
export async function insiderMessage(random: Random, fixture: Fixture): Promise<Bytes> {
  const { current } = fixture.attacker.state
  const genuine = application(random, fixture) ?? random.pick(fixture.contents)
  // mostly a message that gets as far as its content
  const fixed = random.oneIn(10) ? [] : ['groupId', 'epoch', 'sender', 'contentType']
  const content = mutateValue(random, genuine, fixture.contents, fixed)
  const wireFormat: FramedWireFormat = random.oneIn(2) ? 'mls_public_message' : 'mls_private_message'
  const signature = await signFramedContent(current.signer, wireFormat, content, current.encodedContext)
  const confirmationTag = random.oneIn(8) ? random.randomBytes(random.below(40)) : random.randomBytes(32)
  const auth = content.contentType === 'commit' ? { signature, confirmationTag } : { signature }
  if (wireFormat === 'mls_private_message') {
    const plain = encode(privateMessageContent(content.contentType, random.below(8)), { ...content, auth })
    // a second place to change something: behind the encryption, before the signature is looked at
    return sealed(random, current, content, random.oneIn(2) ? mutateBytes(random, plain) : plain)
  }
  return encodeMlsMessage({
    wireFormat,
    publicMessage: protectPublic(
      { suite: current.suite, encodedContext: current.encodedContext, membershipKey: current.secrets.membershipKey },
      { wireFormat, content, auth },
    ),
  })
}

function application(random: Random, { attacker, contents }: Fixture): FramedContent | undefined {
  const [any] = contents
  if (any === undefined || !random.oneIn(6)) return undefined
  const { groupId, epoch, authenticatedData } = any
  const leafIndex = attacker.state.current.privateTree.leafIndex
  return {
    groupId,
    epoch,
    sender: { senderType: 'member', leafIndex },
    authenticatedData,
    contentType: 'application',
    applicationData: random.randomBytes(random.below(50)),
  }
}

/** A PrivateMessage of any plaintext, with sender data that is wrong at times. */
function sealed(random: Random, current: Epoch, content: FramedContent, plaintext: Bytes): Bytes {
  const { suite, secrets, privateTree } = current
  const { groupId, epoch, contentType, authenticatedData } = content
  const secretTree = current.secretTree.clone()
  const type = contentType === 'application' ? 'application' : 'handshake'
  const skipped = random.oneIn(4) ? random.below(20) : 0
  for (let i = 0; i < skipped; i++) secretTree.seal(privateTree.leafIndex, type)
  const { key, nonce, generation } = secretTree.seal(privateTree.leafIndex, type)
  secretTree.wipe()
  const reuseGuard = random.randomBytes(4)
  reuseGuard.forEach((byte, i) => {
    nonce[i] = nonce[i]! ^ byte
  })
  const aad = encode(PrivateContentAad, { groupId, epoch, contentType, authenticatedData })
  const ciphertext = suite.seal(key, nonce, aad, plaintext)
  const strange = random.oneIn(10)
  const senderData = {
    leafIndex: strange ? random.pick([1, 2, 3, 5, 7, 8, 0x7fffffff, 0xffffffff]) : privateTree.leafIndex,
    generation: strange ? random.pick([0, 1, 40, 1000, 1001, 0x7fffffff, 0xffffffff]) : generation,
    reuseGuard,
  }
  const encryptedSenderData = sealSenderData(suite, secrets.senderDataSecret, ciphertext, content, senderData)
  const privateMessage = { groupId, epoch, contentType, authenticatedData, encryptedSenderData, ciphertext }
  return encodeMlsMessage({ wireFormat: 'mls_private_message', privateMessage })
}

/** A Welcome whose group secrets or GroupInfo were changed, encrypted again. */
export async function insiderWelcome(random: Random, fixture: Fixture): Promise<Bytes> {
  const { suite, newcomer } = fixture
  const message = decodeMlsMessage(fixture.welcome)
  if (message.wireFormat !== 'mls_welcome') throw new Error('no Welcome')
  const { encryptedGroupInfo, secrets: entries } = message.welcome
  const [entry] = entries
  if (entry === undefined) throw new Error('an empty Welcome')
  const { initKeyPair } = newcomer
  const plain = await decryptWithLabel(suite, initKeyPair, 'Welcome', encryptedGroupInfo, entry.encryptedGroupSecrets)
  const secrets = decode(GroupSecrets, plain)
  const joinerSecret = new Secret<'joiner_secret'>(secrets.joinerSecret.slice())
  const welcomeSecret = deriveWelcomeSecret(suite, joinerSecret, derivePskSecret(suite, []))
  const { key, nonce } = welcomeKeyAndNonce(suite, welcomeSecret.take())
  const groupInfo = decode(GroupInfo, suite.open(key, nonce, empty, encryptedGroupInfo))
  const changesInfo = random.oneIn(4) ? 0 : 1
  const info =
    changesInfo === 0 ? encode(GroupInfo, groupInfo) : await changedGroupInfo(random, fixture, groupInfo, secrets)
  const sealedInfo = suite.seal(key, nonce, empty, info)
  const changedSecrets =
    changesInfo === 1
      ? plain
      : random.oneIn(2)
        ? mutateBytes(random, plain)
        : encode(GroupSecrets, mutateValue(random, secrets))
  const encryptedGroupSecrets = await encryptWithLabel(
    suite,
    initKeyPair.publicKey,
    'Welcome',
    sealedInfo,
    changedSecrets,
  )
  const welcome = {
    ...message.welcome,
    secrets: [{ ...entry, encryptedGroupSecrets }],
    encryptedGroupInfo: sealedInfo,
  }
  return encodeMlsMessage({ wireFormat: 'mls_welcome', welcome })
}

/** A GroupInfo for external joiners, changed and signed again. */
export async function insiderGroupInfo(random: Random, fixture: Fixture): Promise<Bytes> {
  const message = decodeMlsMessage(fixture.groupInfo)
  if (message.wireFormat !== 'mls_group_info') throw new Error('no GroupInfo')
  const bytes = await changedGroupInfo(random, fixture, message.groupInfo)
  return concatBytes(fixture.groupInfo.subarray(0, 4), bytes)
}

async function changedGroupInfo(
  random: Random,
  { attacker, suite }: Fixture,
  groupInfo: GroupInfo,
  donor: unknown = undefined,
): Promise<Bytes> {
  if (random.oneIn(6)) return mutateBytes(random, encode(GroupInfo, groupInfo))
  let changed: GroupInfo = groupInfo
  if (random.oneIn(2)) changed = mutateValue(random, groupInfo, donor === undefined ? [] : [donor])
  else {
    const encoded = findExtension(groupInfo.extensions, extensionTypes.ratchetTree)?.extensionData as Bytes
    const extensionData = random.oneIn(2)
      ? mutateBytes(random, encoded)
      : encode(RatchetTree, mutateValue(random, decode(RatchetTree, encoded)))
    changed = {
      ...groupInfo,
      groupContext: { ...groupInfo.groupContext, treeHash: treeHashOf(suite, extensionData) },
      extensions: groupInfo.extensions.map((extension) =>
        extension.extensionType === extensionTypes.ratchetTree ? { ...extension, extensionData } : extension,
      ),
    }
  }
  return encode(GroupInfo, await signGroupInfo(attacker.identity.signer, changed))
}

/** The hash of a tree that may be none. */
function treeHashOf(suite: Fixture['suite'], encoded: Bytes): Bytes {
  try {
    return importTree(suite, encoded).treeHash
  } catch {
    return new Uint8Array(32)
  }
}

/** A KeyPackage that was changed and signed again by its owner. */
export async function signedKeyPackage(random: Random, { keyPackage, decoded }: Fixture): Promise<Bytes> {
  const { signer } = keyPackage
  const { signature: _, ...content } = mutateValue(random, keyPackage.keyPackage as KeyPackage, decoded)
  const { signature: __, ...leaf } = content.leafNode
  const leafNode = random.oneIn(5) ? content.leafNode : (await signedLeaf(signer, leaf)).leafNode
  return encodeMlsMessage({
    wireFormat: 'mls_key_package',
    keyPackage: await signKeyPackage(signer, { ...content, leafNode }),
  })
}

function signedLeaf(signer: Signer, leaf: Parameters<typeof signLeafNode>[1]) {
  return signLeafNode(signer, leaf, { groupId: empty, leafIndex: 0 })
}
