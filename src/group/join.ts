/**
 * Joining by Welcome (RFC 9420 §12.4.3.1).
 *
 * ```
 * Welcome ─ own entry ─ HPKE ─> GroupSecrets ─ PSKs ─> welcome_secret ─ AEAD ─> GroupInfo ─ tree ─ signature ─> leaves
 *                                                └──────> epoch secrets ─ confirmation tag ─> the epoch
 * ```
 */
import { type Bytes, equalBytes, wipe } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { Secret } from '../bytes/secret.ts'
import { decode, encode } from '../codec/codec.ts'
import type { GroupConfig } from '../commit/config.ts'
import { type Epoch, makeEpoch, wipeEpoch } from '../commit/epoch.ts'
import { openGroupInfo } from '../commit/join-checks.ts'
import { type PskLookup, resolvePskSecret } from '../commit/psks.ts'
import type { CipherSuite, HpkeKeyPair } from '../crypto/cipher-suite.ts'
import { decryptWithLabel, welcomeKeyAndNonce } from '../crypto/labels.ts'
import { confirmationTag, deriveEpochSecrets, deriveWelcomeSecret } from '../key-schedule/key-schedule.ts'
import { joinPrivateTree } from '../ratchet-tree/treekem-join.ts'
import { keyPackageRef } from '../signed/key-package.ts'
import type { Signer } from '../signed/signer.ts'
import { GroupContext } from '../wire/group-context.ts'
import { type ReceivedGroupInfo, receiveGroupInfo } from '../wire/group-info.ts'
import { type KeyPackage, leafNodeBytes } from '../wire/key-package.ts'
import { type EncryptedGroupSecrets, GroupSecrets, type Welcome } from '../wire/welcome.ts'
import { type Predecessor, validatePredecessorPsks, validateSuccessor } from './predecessor.ts'

/** A KeyPackage with the private keys that belong to it. */
export interface JoinKeys {
  readonly keyPackage: KeyPackage
  readonly initKeyPair: HpkeKeyPair
  readonly encryptionKeyPair: HpkeKeyPair
  readonly signer: Signer
}

/** A Welcome with all that a join needs. */
export interface JoinRequest {
  readonly suite: CipherSuite
  readonly welcome: Welcome
  readonly keys: readonly JoinKeys[]
  readonly ratchetTree: Uint8Array | undefined
  readonly lookup: PskLookup
  readonly predecessor: Predecessor | undefined
  readonly signal?: AbortSignal
}

/** The epoch that was joined, and which KeyPackage it used up. */
export interface Joined {
  readonly epoch: Epoch
  readonly keys: JoinKeys
}

/**
 * Checks a Welcome and everything in it. Nothing is consumed: after a failure the same KeyPackage can be used again (V141).
 * @throws `welcome/…`, `crypto/decrypt`, `psk/missing` (V207), codes of the tree and its leaves
 */
export async function joinByWelcome(config: GroupConfig, request: JoinRequest): Promise<Joined> {
  const { suite, welcome } = request
  const { keys, secrets } = await openGroupSecrets(request)
  validatePredecessorPsks(secrets.psks, request.predecessor)
  const pskSecret = await resolvePskSecret(suite, secrets.psks, request.lookup)
  const joinerSecret = new Secret<'joiner_secret'>(secrets.joinerSecret)
  try {
    const received = openEncryptedGroupInfo(suite, welcome, deriveWelcomeSecret(suite, joinerSecret, pskSecret))
    const { groupInfo } = received
    const { groupContext } = groupInfo
    const tree = await openGroupInfo({
      suite,
      config,
      ...received,
      ratchetTree: request.ratchetTree,
      rule: 'V052',
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    })
    if (request.predecessor !== undefined)
      validateSuccessor(groupContext, tree, request.predecessor, config.authentication)

    const { leafNode } = keys.keyPackage
    const leafIndex = tree.leafOfSignatureKey(leafNode.signatureKey)
    // RFC 9420 §12.4.3.1 V167
    if (leafIndex === undefined)
      throw new MlsError('tree/own_leaf', 'the own leaf is not in the tree', { rule: 'V167' })
    const own = tree.leaf(leafIndex)
    // RFC 9420 §12.4.3.1 V168: byte for byte the leaf of the KeyPackage
    check(
      own !== undefined && equalBytes(own.bytes, leafNodeBytes(keys.keyPackage)),
      'tree/own_leaf',
      'V168',
      'the own leaf is not that of the KeyPackage',
    )
    // RFC 9420 §12.4.3.1 V309
    check(groupInfo.signer !== leafIndex, 'group_info/signer', 'V309', 'a GroupInfo signed by the newcomer')
    const privateTree = await joinPrivateTree({
      suite,
      tree,
      leafIndex,
      leafKeyPair: keys.encryptionKeyPair,
      sender: groupInfo.signer,
      pathSecret: secrets.pathSecret?.pathSecret,
    })
    const encodedContext = encode(GroupContext, groupContext)
    const { welcomeSecret, epoch: epochSecrets } = deriveEpochSecrets(suite, joinerSecret, pskSecret, encodedContext)
    welcomeSecret.wipe()
    const tag = confirmationTag(suite, epochSecrets.confirmationKey, groupContext.confirmedTranscriptHash)
    const epoch = makeEpoch(
      {
        suite,
        context: groupContext,
        encodedContext,
        tree,
        privateTree,
        signer: keys.signer,
        confirmationTag: tag,
      },
      epochSecrets,
      config.limits,
    )
    // RFC 9420 §12.4.3.1 V316, V196
    if (!equalBytes(tag, groupInfo.confirmationTag)) {
      wipeEpoch(epoch)
      throw new MlsError('commit/confirmation_tag', 'the confirmation tag of a GroupInfo does not hold', {
        rule: 'V316',
      })
    }
    return { epoch, keys }
  } finally {
    joinerSecret.wipe()
    pskSecret.wipe()
    wipe(secrets.pathSecret?.pathSecret)
  }
}

async function openGroupSecrets({
  suite,
  welcome,
  keys,
}: JoinRequest): Promise<{ readonly keys: JoinKeys; readonly secrets: GroupSecrets }> {
  for (const own of keys) {
    const reference = keyPackageRef(suite, own.keyPackage)
    const entries = welcome.secrets.filter(({ newMember }) => equalBytes(newMember, reference))
    const [entry] = entries
    if (entry === undefined) continue
    // RFC 9420 §12.4.3.1 V303
    check(entries.length === 1, 'welcome/secrets', 'V303', 'two entries for one KeyPackage')
    // RFC 9420 §12.4.3.1 V304
    check(
      welcome.cipherSuite === own.keyPackage.cipherSuite,
      'key_package/cipher_suite',
      'V304',
      'a Welcome of another cipher suite than the KeyPackage',
    )
    const plaintext = await openEntry(suite, own, welcome, entry)
    try {
      return { keys: own, secrets: decode(GroupSecrets, plaintext) }
    } finally {
      wipe(plaintext)
    }
  }
  // RFC 9420 §12.4.3.1 V302
  throw new MlsError('welcome/no_entry', 'a Welcome for other KeyPackages', { rule: 'V302' })
}

async function openEntry(
  suite: CipherSuite,
  { initKeyPair }: JoinKeys,
  { encryptedGroupInfo }: Welcome,
  { encryptedGroupSecrets }: EncryptedGroupSecrets,
): Promise<Bytes> {
  try {
    return await decryptWithLabel(suite, initKeyPair, 'Welcome', encryptedGroupInfo, encryptedGroupSecrets)
  } catch (cause) {
    // RFC 9420 §12.4.3.1 V307: the encrypted GroupInfo is part of the context
    throw new MlsError('crypto/decrypt', 'group secrets that do not decrypt', { rule: 'V307', cause })
  }
}

function openEncryptedGroupInfo(
  suite: CipherSuite,
  welcome: Welcome,
  welcomeSecret: Secret<'welcome_secret'>,
): ReceivedGroupInfo {
  const { key, nonce } = welcomeKeyAndNonce(suite, welcomeSecret.take())
  try {
    return receiveGroupInfo(openWith(suite, key, nonce, welcome.encryptedGroupInfo))
  } finally {
    wipe(key, nonce)
  }
}

function openWith(suite: CipherSuite, key: Bytes, nonce: Bytes, encryptedGroupInfo: Uint8Array): Bytes {
  try {
    return suite.open(key, nonce, new Uint8Array(0), encryptedGroupInfo)
  } catch (cause) {
    // RFC 9420 §12.4.3.1 V308, §8.4 V206: also the way in which PSKs of another order show
    throw new MlsError('crypto/decrypt', 'a GroupInfo that does not decrypt', { rule: 'V308', cause })
  }
}
