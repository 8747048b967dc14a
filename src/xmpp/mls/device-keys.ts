/**
 * The signature keys of the own device: the present one, for new leaves, and earlier ones, which leaves of groups may still
 * have. A device whose storage was copied takes a new one before it joins again (reliability §4.4): what the copy knows is
 * not used for the new leaf.
 */
import { type Bytes, copyBytes } from '../../bytes/bytes.ts'
import type { CipherSuite } from '../../crypto/cipher-suite.ts'
import type { Identity } from '../../group/key-package.ts'
import { keySigner, type Signer } from '../../signed/signer.ts'
import type { Credential } from '../../wire/credential.ts'
import type { EngineContext, RoomState } from './engine/state.ts'
import { sameBytes } from './identity.ts'
import type { KeyPackages } from './key-packages.ts'

/** Earlier keys that are kept. */
const maxFormer = 15

/** Private signature keys as they are stored. */
export interface StoredKeys {
  readonly signatureKey: Bytes
  /** Earlier ones, the newest first. */
  readonly former: readonly Bytes[]
}

/** See the file. The signer of the identity is the present one whenever it is asked for. */
export class DeviceKeys implements Identity {
  readonly credential: Credential
  readonly #suite: CipherSuite
  readonly #save: (keys: StoredKeys) => Promise<void>
  #keys: StoredKeys
  #signers: readonly Signer[]

  /** @param save makes new keys durable */
  constructor(suite: CipherSuite, credential: Credential, keys: StoredKeys, save: (keys: StoredKeys) => Promise<void>) {
    this.#suite = suite
    this.credential = credential
    this.#save = save
    this.#keys = keys
    this.#signers = [keys.signatureKey, ...keys.former].map((key) => keySigner(suite, key))
  }

  get signer(): Signer {
    return this.#signers[0] as Signer
  }

  /** The signer of a present or earlier public key. */
  signerOf(signatureKey: Uint8Array): Signer | undefined {
    return this.#signers.find(({ publicKey }) => sameBytes(publicKey, signatureKey))
  }

  /**
   * Takes a new key, unless it is not admitted. Durable before it is used.
   * @returns whether there is a new one
   */
  async renew(admits: (signatureKey: Uint8Array) => Promise<boolean>): Promise<boolean> {
    const signatureKey = copyBytes(this.#suite.generateSignatureKeyPair().privateKey)
    const signer = keySigner(this.#suite, signatureKey)
    if (!(await admits(signer.publicKey))) return false
    const keys = { signatureKey, former: [this.#keys.signatureKey, ...this.#keys.former].slice(0, maxFormer) }
    await this.#save(keys)
    this.#keys = keys
    this.#signers = [signer, ...this.#signers].slice(0, maxFormer + 1)
    return true
  }
}

/**
 * Before a room is joined again whose state was copied: a new signature key for the device, unless it has one since. With a
 * provider of leaves a new key is taken when the provider certifies it (see `LeafProvider`).
 * @throws `storage/…`, what the provider throws, XmppError of publishing KeyPackages
 */
export async function renewCopiedKey(
  engine: EngineContext,
  { group, quarantine }: RoomState,
  keyPackages: KeyPackages,
): Promise<void> {
  const { identity, leaf } = engine
  const known = group?.member(group.leafIndex)?.signatureKey
  if (quarantine === undefined || known === undefined || !(identity instanceof DeviceKeys)) return
  const { account, device } = engine
  if (!sameBytes(known, identity.signer.publicKey)) {
    await leaf?.renewKey?.({ account, device, signatureKey: identity.signer.publicKey })
    return
  }
  const renewed = await identity.renew(async (signatureKey) => {
    if (leaf === undefined) return true
    if (leaf.renewKey !== undefined) return leaf.renewKey({ account, device, signatureKey })
    const typesFor = async (key: Uint8Array): Promise<readonly number[]> =>
      (await leaf.leafExtensions({ account, device, signatureKey: key })).map(({ extensionType }) => extensionType)
    const [present, next] = [await typesFor(identity.signer.publicKey), await typesFor(signatureKey)]
    return next.length > 0 && present.every((type) => next.includes(type))
  })
  if (renewed) await keyPackages.replace()
}
