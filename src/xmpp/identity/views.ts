/** Own identity, contacts and devices, as they are shown. */
import { toHex } from '../../bytes/text.ts'
import { opsDue } from '../../identity/account.ts'
import { type ContactPin, contactState, sendRule } from '../../identity/contact-state.ts'
import { type DeviceEntry, type DeviceFlag, deviceFlags, hasFlag } from '../../identity/device-entry.ts'
import { contactSentences, ownDeviceSentences, rootSentences } from '../../identity/sentences.ts'
import { type IdentityParts, secondsOf } from './context.ts'
import { openDeviceName } from './device-name.ts'
import type { OwnIdentity } from './own-identity.ts'
import type { StoredFinding } from './store.ts'
import type { IdentityContact, IdentityDevice, IdentityStatus } from './types.ts'

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

/** A contact as it is shown at `now`, in seconds. */
export function contactView(
  account: string,
  pin: ContactPin,
  now: bigint,
  findings: readonly StoredFinding[],
): IdentityContact {
  const state = contactState(pin, now)
  return {
    account,
    state,
    sentence: contactSentences[state],
    sending: sendRule(pin, now),
    devices: (pin.head?.devices ?? []).map((one) => deviceView(one)),
    generation: pin.head?.generation,
    rootHash: pin.rootHash,
    offered: pin.offered?.rootHash,
    statements: pin.head?.others ?? [],
    findings,
  }
}

/** The own identity as it is shown. */
export function statusView({ account, deviceId, suite, timers }: IdentityParts, own: OwnIdentity): IdentityStatus {
  const { manifest, device, root, stored } = own
  return {
    account,
    device: toHex(deviceId),
    deviceState: device,
    deviceSentence: ownDeviceSentences[device],
    rootState: root.state,
    rootSentence: rootSentences[root.state],
    devices: (manifest?.devices ?? []).map((one) => deviceView(one, openDeviceName(suite, stored.historyKey, one))),
    generation: manifest?.generation,
    seq: manifest?.seq,
    rootHash: manifest?.rootHash,
    published: stored.published,
    steward: own.maySign,
    signsUntil: manifest?.ops && dateOf(manifest.ops.notAfter),
    renewalDue: own.maySign && manifest !== undefined && opsDue(manifest, secondsOf(timers)),
  }
}
