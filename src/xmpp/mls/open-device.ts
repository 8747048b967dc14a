/** The device that a client works as, and the platform's ports where the application gives none. */
import { copyBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { toHex } from '../../bytes/text.ts'
import type { CipherSuite } from '../../crypto/cipher-suite.ts'
import { suiteParameters } from '../../crypto/suites.ts'
import type { Identity } from '../../group/key-package.ts'
import type { Storage } from '../../ports/storage.ts'
import { defaultProvider } from '../../providers/default.ts'
import { systemClock } from '../../providers/system-clock.ts'
import { systemRng } from '../../providers/system-rng.ts'
import { openMemoryStorage } from '../../storage/memory.ts'
import type { RandomSource, Timers } from '../port.ts'
import { DeviceKeys, type StoredKeys } from './device-keys.ts'
import { deviceCredential, deviceIdLength } from './identity.ts'
import type { ClientStore, StoredDevice } from './store.ts'

/** A device with the keys of its leaves. */
export interface OwnDevice {
  readonly identity: Identity
  /** 32 hexadecimal digits. */
  readonly device: string
}

/** The clock of the platform, with its timers. */
export const systemTimers: Timers = {
  now: () => systemClock.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

/** The random source of the platform. */
export const systemRandom: RandomSource = systemRng

/** Suite 1 with the default provider. */
export async function defaultSuite(): Promise<CipherSuite> {
  const parameters = suiteParameters('MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519')
  return (await defaultProvider(parameters)).open(parameters, systemRng)
}

/** A storage that ends with the process. */
export function temporaryStorage(): Promise<Storage> {
  return openMemoryStorage({ randomBytes: (length) => copyBytes(systemRng.randomBytes(length)) })
}

/**
 * The device of a storage; made where there is none.
 * @throws `xmpp/jid` when the storage belongs to another account or device; `suite/unsupported` for another suite
 */
export async function openDevice(
  store: ClientStore,
  suite: CipherSuite,
  wanted: { readonly account: string; readonly deviceId: Uint8Array | undefined },
): Promise<OwnDevice> {
  const { account } = wanted
  const found = await store.device()
  if (found !== undefined) {
    const other = wanted.deviceId !== undefined && toHex(wanted.deviceId) !== toHex(found.deviceId)
    if (found.account !== account || other) throw new MlsError('xmpp/jid', 'the storage belongs to another device')
    if (found.suite !== suite.parameters.id)
      throw new MlsError('suite/unsupported', 'the storage was made for another suite')
    return own(suite, store, found)
  }
  const deviceId = copyBytes(wanted.deviceId ?? suite.randomBytes(deviceIdLength))
  if (deviceId.length !== deviceIdLength) throw new MlsError('xmpp/jid', 'a device id has 16 bytes')
  const { privateKey } = suite.generateSignatureKeyPair()
  const device = { account, deviceId, suite: suite.parameters.id, signatureKey: copyBytes(privateKey), former: [] }
  await store.saveDevice(device)
  return own(suite, store, device)
}

function own(suite: CipherSuite, store: ClientStore, stored: StoredDevice): OwnDevice {
  const { account, deviceId } = stored
  const save = (keys: StoredKeys) => store.saveDevice({ ...stored, ...keys })
  const identity = new DeviceKeys(suite, deviceCredential(account, deviceId), stored, save)
  return { identity, device: toHex(deviceId) }
}
