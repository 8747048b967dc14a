/** Devices of a manifest, as they are shown. */
import { toHex } from '../../bytes/text.ts'
import { type DeviceEntry, type DeviceFlag, deviceFlags, hasFlag } from '../../identity/device-entry.ts'
import type { IdentityDevice } from './types.ts'

const names = Object.keys(deviceFlags) as readonly DeviceFlag[]

/** A device as it is shown. */
export function deviceView(entry: DeviceEntry, name?: string): IdentityDevice {
  return {
    device: toHex(entry.deviceId),
    flags: names.filter((flag) => hasFlag(entry, flag)),
    addedAt: dateOf(entry.addedAt),
    notAfter: dateOf(entry.notAfter),
    name,
  }
}

/** A time of the structures as a date; the last one that there is for what is later. */
function dateOf(seconds: bigint): Date {
  const last = 8_640_000_000_000n
  return new Date(Number(seconds < last ? seconds : last) * 1000)
}
