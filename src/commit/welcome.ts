/** Building the Welcome and the GroupInfo of an epoch (RFC 9420 §12.4.3). */
import { type Bytes, empty, wipe } from '../bytes/bytes.ts'
import { at, bug } from '../bytes/errors.ts'
import type { Secret } from '../bytes/secret.ts'
import { inBatches, type SliceRules, slices } from '../bytes/slices.ts'
import { encode } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { sealRequests, welcomeKeyAndNonce } from '../crypto/labels.ts'
import { externalKeyPair } from '../key-schedule/external.ts'
import type { AddedLeaf } from '../proposals/apply.ts'
import { lentGroupInfo, signGroupInfo, type VerifiedGroupInfo } from '../signed/group-info.ts'
import { keyPackageRef } from '../signed/key-package.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import { type Extension, ExternalPub } from '../wire/extension.ts'
import { encodeMlsMessage } from '../wire/mls-message.ts'
import type { PreSharedKeyId } from '../wire/psk.ts'
import { extensionTypes, greaseValues } from '../wire/registries.ts'
import { type EncryptedGroupSecrets, GroupSecrets } from '../wire/welcome.ts'
import { giveWay } from './config.ts'
import type { Epoch } from './epoch.ts'

/** What a GroupInfo carries beside the context. */
export interface GroupInfoOptions {
  /** The `ratchet_tree` extension; without it the tree travels beside the GroupInfo. */
  readonly ratchetTree: boolean
  /** The `external_pub` extension, so that others can join by external commit. */
  readonly externalPub: boolean
  /** Further extensions; by default one with GREASE. */
  readonly extensions?: readonly Extension[]
}

/** A signed GroupInfo of an epoch, by the own leaf. */
export async function makeGroupInfo(epoch: Epoch, options: GroupInfoOptions): Promise<VerifiedGroupInfo> {
  const extensions: Extension[] = [...(options.extensions ?? [greaseExtension(epoch.suite)])]
  if (options.ratchetTree)
    extensions.push({ extensionType: extensionTypes.ratchetTree, extensionData: epoch.tree.encode() })
  if (options.externalPub) {
    const { publicKey } = await externalKeyPair(epoch.suite, epoch.secrets.externalSecret)
    extensions.push({
      extensionType: extensionTypes.externalPub,
      extensionData: encode(ExternalPub, { externalPub: publicKey }),
    })
  }
  return signGroupInfo(epoch.signer, {
    groupContext: epoch.context,
    extensions,
    confirmationTag: epoch.confirmationTag,
    signer: epoch.privateTree.leafIndex,
  })
}

/** RFC 9420 §13.5: receivers pass over extensions of a GroupInfo that they do not know; this keeps them used to it. */
function greaseExtension(suite: CipherSuite): Extension {
  const [random = 0, ...data] = suite.randomBytes(4)
  const extensionType = greaseValues[random % greaseValues.length]
  if (extensionType === undefined) throw bug('no GREASE values')
  return { extensionType, extensionData: Uint8Array.from(data) }
}

/** What a Welcome is made of. */
export interface WelcomeInput {
  readonly suite: CipherSuite
  readonly share?: SliceRules
  readonly groupInfo: VerifiedGroupInfo
  readonly added: readonly AddedLeaf[]
  readonly psks: readonly PreSharedKeyId[]
  /** Consumed. */
  readonly joinerSecret: Secret<'joiner_secret'>
  /** Consumed. */
  readonly welcomeSecret: Secret<'welcome_secret'>
  /** The path secret that a newcomer needs, when the commit has a path. */
  readonly pathSecretFor: ((leaf: LeafIndex) => Bytes | undefined) | undefined
}

/** The encoded MLSMessage with the Welcome for all newcomers of a commit. */
export async function makeWelcome(input: WelcomeInput): Promise<Bytes> {
  const { suite, added, psks, share = {} } = input
  const turn = slices(share)
  const { key, nonce } = welcomeKeyAndNonce(suite, input.welcomeSecret.take())
  const encryptedGroupInfo = lentGroupInfo(input.groupInfo, (bytes) => suite.seal(key, nonce, empty, bytes))
  await giveWay(share, added.length)
  const joinerSecret = input.joinerSecret.take()
  const plaintexts: Bytes[] = []
  const recipients = added.map(({ leafIndex, keyPackage }) => {
    const secret = input.pathSecretFor?.(leafIndex)
    const pathSecret = secret === undefined ? undefined : { pathSecret: secret }
    const plaintext = encode(GroupSecrets, { joinerSecret, pathSecret, psks })
    plaintexts.push(plaintext)
    return { publicKey: keyPackage.initKey, plaintext }
  })
  const requests = sealRequests('Welcome', encryptedGroupInfo, recipients)
  const sealed = await inBatches(requests, suite.workers === undefined ? share : {}, (part) => suite.hpkeSealMany(part))
  wipe(key, nonce, joinerSecret, ...plaintexts)
  const secrets: EncryptedGroupSecrets[] = []
  for (const [i, { keyPackage }] of added.entries()) {
    await turn()
    secrets.push({ newMember: keyPackageRef(suite, keyPackage), encryptedGroupSecrets: at(sealed, i) })
  }
  await giveWay(share, added.length)
  return encodeMlsMessage({
    wireFormat: 'mls_welcome',
    welcome: {
      cipherSuite: suite.parameters.id,
      secrets,
      encryptedGroupInfo,
    },
  })
}
