/**
 * Welcomes of a malicious inviter (RFC 9420 §12.4.3.1): a member that adds somebody, knows every secret, and bends the tree,
 * the GroupInfo or the group secrets. Tree hash, confirmation tag, signature and encryption are genuine over what it bent.
 */
import { type Bytes, empty } from '../../src/bytes/bytes.ts'
import { Secret } from '../../src/bytes/secret.ts'
import { encode } from '../../src/codec/codec.ts'
import { encryptWithLabel, welcomeKeyAndNonce } from '../../src/crypto/labels.ts'
import type { KeyPackageBundle } from '../../src/group/key-package.ts'
import { confirmationTag, deriveEpochSecrets } from '../../src/key-schedule/key-schedule.ts'
import { derivePskSecret } from '../../src/key-schedule/psk-secret.ts'
import { signGroupInfo } from '../../src/signed/group-info.ts'
import { keyPackageRef } from '../../src/signed/key-package.ts'
import type { Signer } from '../../src/signed/signer.ts'
import { type Extension, ExternalPub } from '../../src/wire/extension.ts'
import { GroupContext } from '../../src/wire/group-context.ts'
import { GroupInfo } from '../../src/wire/group-info.ts'
import { encodeMlsMessage } from '../../src/wire/mls-message.ts'
import type { PreSharedKeyId } from '../../src/wire/psk.ts'
import { extensionTypes } from '../../src/wire/registries.ts'
import { GroupSecrets, type Welcome } from '../../src/wire/welcome.ts'
import { decodeTree, encodeTree, rootOf, TreeForgery, treeHashOf } from './flat-tree.ts'
import { forgeCommitWith } from './forge.ts'
import { suite, type World } from './world.ts'

/** What is bent. */
export interface WelcomeForgery {
  /** Of the tree, before it is hashed. */
  readonly tree?: (tree: TreeForgery) => void | Promise<void>
  /** Of the encoded tree, before it is put in the GroupInfo; the hash is that of the tree before. */
  readonly encodedTree?: (bytes: Bytes) => Bytes
  readonly treeExtension?: boolean
  /** Of the context, before the key schedule. */
  readonly context?: (context: GroupContext) => GroupContext
  /** Of the context, after the key schedule. */
  readonly sentContext?: (context: GroupContext) => GroupContext
  readonly extensions?: (extensions: readonly Extension[]) => readonly Extension[]
  readonly tag?: (tag: Bytes) => Bytes
  readonly signerLeaf?: number
  readonly signer?: Signer
  readonly groupInfo?: (groupInfo: GroupInfo) => GroupInfo
  /** The encoded GroupInfo before encryption. */
  readonly groupInfoBytes?: (bytes: Bytes) => Bytes
  readonly pathSecret?: (secret: Bytes | undefined) => Bytes | undefined
  readonly psks?: readonly PreSharedKeyId[]
  readonly psk?: (id: PreSharedKeyId) => Bytes
  readonly secretPsks?: readonly PreSharedKeyId[]
  /** The encoded group secrets before encryption. */
  readonly secretsBytes?: (bytes: Bytes) => Bytes
  readonly label?: string
  /** Of the finished Welcome. */
  readonly welcome?: (welcome: Welcome) => Welcome
  /** Of the encrypted GroupInfo before the group secrets are bound to it. */
  readonly encryptedGroupInfo?: (bytes: Bytes) => Bytes
  /** Adds with a path, as member `by` of the world. */
  readonly path?: boolean
}

/** A Welcome by a member of a world to the owner of a bundle. */
export async function forgeWelcome(
  world: World,
  by: number,
  bundle: KeyPackageBundle,
  forgery: WelcomeForgery = {},
): Promise<Bytes> {
  const { current } = world.state(by)
  const { keyPackage } = bundle
  const path = forgery.path !== false
  const { forged, tree: base } = await forgeCommitWith(world, by, {
    path,
    proposals: [{ proposalType: 'add', keyPackage }],
  })
  const signers = world.identities.map(({ signer }) => signer)
  const tree = new TreeForgery(decodeTree(base.encode()), current.context.groupId, signers)
  await forgery.tree?.(tree)
  const honest: GroupContext = {
    ...current.context,
    epoch: current.context.epoch + 1n,
    treeHash: treeHashOf(tree.nodes, rootOf(tree.nodes)),
    confirmedTranscriptHash: suite.randomBytes(32),
  }
  const context = forgery.context?.(honest) ?? honest
  const joinerSecret = suite.randomBytes(32)
  const psks = forgery.psks ?? []
  const pskSecret = derivePskSecret(
    suite,
    psks.map((id) => ({ id, psk: forgery.psk?.(id) ?? new Uint8Array(32) })),
  )
  const joiner = new Secret<'joiner_secret'>(joinerSecret.slice())
  const { welcomeSecret, epoch } = deriveEpochSecrets(suite, joiner, pskSecret, encode(GroupContext, context))
  const tag = confirmationTag(suite, epoch.confirmationKey, context.confirmedTranscriptHash)
  const encodedTree = encodeTree(tree.nodes)
  const ratchetTree = {
    extensionType: extensionTypes.ratchetTree,
    extensionData: forgery.encodedTree?.(encodedTree) ?? encodedTree,
  }
  const extensions = forgery.treeExtension === false ? [] : [ratchetTree]
  const signed = await signGroupInfo(forgery.signer ?? current.signer, {
    groupContext: forgery.sentContext?.(context) ?? context,
    extensions: forgery.extensions?.(extensions) ?? extensions,
    confirmationTag: forgery.tag?.(tag) ?? tag,
    signer: forgery.signerLeaf ?? by,
  })
  const groupInfo = forgery.groupInfo?.(signed) ?? signed
  const { key, nonce } = welcomeKeyAndNonce(suite, welcomeSecret.take())
  const plain = encode(GroupInfo, groupInfo)
  const sealed = suite.seal(key, nonce, empty, forgery.groupInfoBytes?.(plain) ?? plain)
  const encryptedGroupInfo = forgery.encryptedGroupInfo?.(sealed) ?? sealed
  const leaf = base.leafOfSignatureKey(keyPackage.leafNode.signatureKey)!
  const genuineSecret = forged?.pathSecrets[stepOf(base.filteredDirectPath(by), leaf)]
  const pathSecret = forgery.pathSecret === undefined ? genuineSecret : forgery.pathSecret(genuineSecret)
  const secrets = encode(GroupSecrets, {
    joinerSecret,
    pathSecret: pathSecret === undefined ? undefined : { pathSecret },
    psks: forgery.secretPsks ?? psks,
  })
  const encryptedGroupSecrets = await encryptWithLabel(
    suite,
    keyPackage.initKey,
    forgery.label ?? 'Welcome',
    encryptedGroupInfo,
    forgery.secretsBytes?.(secrets) ?? secrets,
  )
  const welcome: Welcome = {
    cipherSuite: suite.parameters.id,
    secrets: [{ newMember: keyPackageRef(suite, keyPackage), encryptedGroupSecrets }],
    encryptedGroupInfo,
  }
  return encodeMlsMessage({ wireFormat: 'mls_welcome', welcome: forgery.welcome?.(welcome) ?? welcome })
}

/** Which node of a path is the lowest common ancestor with a leaf. */
function stepOf(path: readonly number[], leaf: number): number {
  return path.findIndex((node) => {
    const half = ((node + 1) & -(node + 1)) - 1
    return 2 * leaf >= node - half && 2 * leaf <= node + half
  })
}

/** An `external_pub` extension. */
export const externalPub = (key: Bytes): Extension => ({
  extensionType: extensionTypes.externalPub,
  extensionData: encode(ExternalPub, { externalPub: key }),
})
