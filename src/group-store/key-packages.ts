/** Own KeyPackages: private keys are durable before anybody can see the public half (T6), and gone with the join (T5). */
import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { decode } from '../codec/codec.ts'
import { encodeKeyPackageBundle, type KeyPackageBundle, StoredKeyPackage } from '../group/key-package.ts'
import { signerFor } from '../group/stored-parts.ts'
import type { Storage, StorageOperation } from '../ports/storage.ts'
import type { Signer } from '../signed/signer.ts'
import { putRecord } from '../storage/records.ts'
import { encodeMlsMessage } from '../wire/mls-message.ts'
import { scanAll, tables } from './layout.ts'
import { records } from './records.ts'

/** A KeyPackage whose private keys are stored. */
export interface StoredBundle extends KeyPackageBundle {
  /** Whether {@link KeyPackages.published} was called for it. */
  readonly published: boolean
}

/** See the file. */
export class KeyPackages {
  readonly #storage: Storage
  readonly #signer: (signatureKey: Uint8Array) => Signer | undefined

  constructor(storage: Storage, signer: (signatureKey: Uint8Array) => Signer | undefined) {
    this.#storage = storage
    this.#signer = signer
  }

  /** All of them whose signer is known. @throws `storage/damaged`, `storage/io` */
  async list(): Promise<StoredBundle[]> {
    const rows = await scanAll(this.#storage, tables.keyPackages, new Uint8Array(0))
    return rows.flatMap(({ key, value }) => {
      const { data, signatureKey, lastResort, published } = records.keyPackage.decode(value)
      if (this.#signer(signatureKey) === undefined) return []
      return [{ ...bundleOf(data, signatureKey, this.#signer), reference: key, lastResort, published }]
    })
  }

  /** Stores the private keys; upload `message` when this has resolved. @throws as `Storage.apply` */
  async add(bundle: KeyPackageBundle): Promise<void> {
    await this.#storage.apply([this.#put(bundle, false)])
  }

  /** Notes that the directory holds a KeyPackage. @throws as `Storage.apply` */
  async published(reference: Uint8Array): Promise<void> {
    const bundle = (await this.list()).find((one) => one.reference.every((byte, i) => byte === reference[i]))
    if (bundle === undefined) throw new MlsError('key_package/used', 'a KeyPackage without private keys')
    await this.#storage.apply([this.#put(bundle, true)])
  }

  /** Deletes private keys, after the KeyPackage was taken out of the directory. @throws as `Storage.apply` */
  async withdraw(reference: Uint8Array): Promise<void> {
    await this.#storage.apply([this.remove(reference)])
  }

  /** The operation that deletes the private keys of a KeyPackage. */
  remove(reference: Uint8Array): StorageOperation {
    return { kind: 'delete', table: tables.keyPackages, key: reference }
  }

  #put(bundle: KeyPackageBundle, published: boolean): StorageOperation {
    return putRecord(tables.keyPackages, bundle.reference, records.keyPackage, {
      data: encodeKeyPackageBundle(bundle),
      signatureKey: Uint8Array.from(bundle.signer.publicKey),
      lastResort: bundle.lastResort,
      published,
    })
  }
}

function bundleOf(data: Bytes, signatureKey: Bytes, signer: (signatureKey: Uint8Array) => Signer | undefined) {
  try {
    const { keyPackage, initKeyPair, encryptionKeyPair } = decode(StoredKeyPackage, data)
    const message = encodeMlsMessage({ wireFormat: 'mls_key_package', keyPackage })
    return { keyPackage, initKeyPair, encryptionKeyPair, message, signer: signerFor({ signer })(signatureKey) }
  } catch (cause) {
    throw new MlsError('storage/damaged', 'a stored KeyPackage', { cause })
  }
}
