/** One plain sentence for each state, ready to show. No name or address is in them: the interface puts them beside one. */
import type { ContactState, SendRule } from './contact-state.ts'
import type { Finding } from './findings.ts'
import type { OwnDeviceState } from './own-device.ts'
import type { RootState } from './root-state.ts'

/** For the state of a contact. */
export const contactSentences: Readonly<Record<ContactState, string>> = {
  UNKNOWN: 'Nothing is known about the identity of this person yet.',
  TOFU: 'This person has the same identity as when you first talked; you have not compared it yet.',
  LINK_VERIFIED: 'The identity of this person is the one in the link that you followed.',
  VERIFIED: 'You have compared the identity of this person yourself.',
  STALE:
    'The list of devices of this person has not been confirmed for a while; the server may be holding back changes.',
  ROLLBACK: 'The server shows an old list of devices of this person.',
  EQUIVOCATION: 'Two lists of devices of this person contradict each other; somebody else may have their keys.',
  CHANGED: 'This person has a new identity that nothing connects with the old one; compare it before you go on.',
  COMPROMISED:
    'The identity of this person is in the hands of somebody else; nothing is sent until they have a new one.',
}

/** For what a state means when something is to be sent. */
export const sendSentences: Readonly<Record<SendRule, string>> = {
  send: 'Messages are sent.',
  warn: 'Messages are sent, with this warning.',
  block: 'Messages wait until you have decided.',
}

/** For the state of an own device. */
export const ownDeviceSentences: Readonly<Record<OwnDeviceState, string>> = {
  FRESH: 'This device does not belong to an account yet.',
  PENDING: 'This device waits for another device of yours to let it in.',
  PROBATION: 'This device is new; for one day it cannot let in others.',
  ACTIVE: 'This device belongs to your account.',
  RETIRED: 'You have removed this device from your account.',
  REVOKED: 'This device was removed from your account because it was lost or in the hands of somebody else.',
  CLONED: 'This device was copied or restored from an old state; it makes itself new keys before it goes on.',
}

/** For the state of the own root. */
export const rootSentences: Readonly<Record<RootState, string>> = {
  NONE: 'You have no identity yet.',
  CREATED: 'You have an identity; write its recovery code down now, or it is lost with your last device.',
  SAVED: 'Your recovery code is written down.',
  SEALED: 'Your identity can be changed with the recovery code only; no device keeps a copy.',
  HELD: 'Your identity is kept safe on your devices; the recovery code is for emergencies.',
  ROTATING: 'Your identity is being renewed; stay online for a moment.',
  ACTIVE: 'Your identity was renewed; your contacts need not do anything.',
  LOST: 'Your recovery code is lost; you can only begin a new identity.',
  RESET: 'You have a new identity; your contacts must compare it again. Write its recovery code down now.',
  COMPROMISED: 'Somebody else may have your identity; enter the recovery code to take it back.',
  RECOVERED: 'You have taken your identity back; devices that you did not keep were removed.',
}

/** For a finding that is worth a line; `undefined` for those that are not shown. */
export function findingSentence(finding: Finding): string | undefined {
  switch (finding.kind) {
    case 'device_added':
      return 'This person uses a new device.'
    case 'device_removed':
      return finding.reason === 'lost' || finding.reason === 'compromised'
        ? 'This person has removed a device that is not in their hands any more.'
        : 'This person has removed a device.'
    case 'rotated':
      return 'This person has renewed their identity; the old one confirms it.'
    case 'settled':
      return 'The lists of devices of this person agree again.'
    case 'equivocation':
      return finding.grade === 'race'
        ? 'Two devices of this person have published two lists at once, and none of them has put them together yet.'
        : contactSentences.EQUIVOCATION
    case 'rollback':
      return contactSentences.ROLLBACK
    case 'changed':
      return contactSentences.CHANGED
    case 'compromised':
      return contactSentences.COMPROMISED
    case 'root_accepted':
      return 'You have accepted the new identity of this person without comparing it.'
    case 'verified':
      return contactSentences.VERIFIED
    case 'link_verified':
      return contactSentences.LINK_VERIFIED
    case 'link_mismatch':
      return 'The link that you followed names another identity than the one that is known; the known one stays.'
    case 'head_conflict':
      return 'Somebody has seen another list of devices of this person than you; it is being looked into.'
    case 'certificate_of_other_root':
      return 'A device in this group claims this person under another identity.'
    case 'first_seen':
    case 'advanced':
    case 'fetch':
    case 'behind':
    case 'confirmed':
    case 'rejected':
      return undefined
  }
}
