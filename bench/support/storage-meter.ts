/** Group stores whose writing is counted. */
import { randomBytes } from 'node:crypto'
import { basicAuthentication } from '../../src/authentication/basic-authentication.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { makeConfig } from '../../src/group/defaults.ts'
import { type GroupStore, openGroupStore } from '../../src/group-store/group-store.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { systemClock } from '../../src/providers/system-clock.ts'
import type { Signer } from '../../src/signed/signer.ts'

/** Random bytes of the platform. */
export const random = (length: number) => Uint8Array.from(randomBytes(length))

/** Counts the bytes of keys and values that batches write. */
export class Meter {
  bytes = 0

  /** The bytes since the last call. */
  take(): number {
    const { bytes } = this
    this.bytes = 0
    return bytes
  }

  /** The storage, counted. */
  watch(storage: Storage): Storage {
    return new Proxy(storage, {
      get: (target, name) => {
        if (name === 'apply')
          return (batch: Parameters<Storage['apply']>[0]) => {
            for (const operation of batch)
              if (operation.kind === 'put') this.bytes += operation.key.length + operation.value.length
            return target.apply(batch)
          }
        const value = Reflect.get(target, name, target) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
}

/** A group store of one signer. */
export function openStore(suite: CipherSuite, storage: Storage, signer: Signer): Promise<GroupStore> {
  return openGroupStore({
    storage,
    config: makeConfig(
      { padding: { kind: 'none' }, ratchetTreeExtension: false, externalPub: false },
      { authentication: basicAuthentication(), psks: { externalPsk: () => undefined }, clock: systemClock },
    ),
    suite: () => suite,
    signer: () => signer,
    randomBytes: random,
  })
}
