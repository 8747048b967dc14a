/** What the user decides about a contact: comparing, following a link, accepting another root; and roots that are lost. */
import { type Bytes, copyBytes, equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { type Advance, type ContactPin, rejected, type Trust, unknownContact } from './contact-state.ts'
import { identityLimits } from './limits.ts'
import type { VerifiedManifest } from './manifest.ts'

/** The user compared a root. */
export function verified(pin: ContactPin, rootHash: Uint8Array): Advance {
  const root = copyBytes(rootHash)
  if (pin.rootHash === undefined || equalBytes(pin.rootHash, root)) {
    // the very root that is believed was confirmed in person: what was offered beside it and what contradicted it is answered
    const cleared = { conflicts: [], offered: undefined }
    const next = { ...pin, trust: 'VERIFIED', rootHash: root, ...cleared } as const
    return { pin: next, findings: [{ kind: 'verified', rootHash: root }] }
  }
  // I067: a device of the contact that slept through a rotation still shows the old root
  if (pin.pastRoots.some((past) => equalBytes(past, root)))
    return rejected(pin, new MlsError('identity/rollback', 'a root that was replaced', { rule: 'I067' }))
  // the user saw another root with his own eyes: it is the one that counts from now on
  const head = pin.offered !== undefined && equalBytes(pin.offered.rootHash, root) ? pin.offered.manifest : undefined
  return { pin: withRoot(pin, root, head, 'VERIFIED'), findings: [{ kind: 'verified', rootHash: root }] }
}

/** The user followed a link that names a root. */
export function invited(pin: ContactPin, rootHash: Uint8Array): Advance {
  const root = copyBytes(rootHash)
  const same = pin.rootHash !== undefined && equalBytes(pin.rootHash, root)
  // I065: a link may be old or false; it raises trust in the root that is believed, it never replaces that root
  if (pin.rootHash !== undefined && !same) return { pin, findings: [{ kind: 'link_mismatch', rootHash: root }] }
  if (pin.trust === 'VERIFIED' || pin.trust === 'LINK_VERIFIED') return { pin, findings: [] }
  const next = { ...pin, trust: 'LINK_VERIFIED', rootHash: root } as const
  return { pin: next, findings: [{ kind: 'link_verified', rootHash: root }] }
}

/** A root is known to be in other hands. */
export function compromised(pin: ContactPin, rootHash: Uint8Array): Advance {
  if (pin.rootHash === undefined || !equalBytes(pin.rootHash, rootHash)) return { pin, findings: [] }
  return { pin: { ...pin, compromised: true }, findings: [{ kind: 'compromised', rootHash: pin.rootHash }] }
}

/** The user takes the offered root. */
export function accepted(pin: ContactPin, rootHash: Uint8Array): Advance {
  const { offered } = pin
  // I061: exactly the root that the user was shown; another may have been offered since
  if (offered === undefined || !equalBytes(offered.rootHash, rootHash))
    return rejected(pin, new MlsError('identity/state', 'this root was not offered', { rule: 'I061' }))
  const next = withRoot(pin, offered.rootHash, offered.manifest, 'TOFU')
  return { pin: next, findings: [{ kind: 'root_accepted', rootHash: offered.rootHash }] }
}

function withRoot(pin: ContactPin, rootHash: Bytes, head: VerifiedManifest | undefined, trust: Trust): ContactPin {
  const past = pin.rootHash === undefined ? [] : [pin.rootHash]
  return {
    ...unknownContact(pin.account),
    trust,
    rootHash,
    head,
    pastRoots: [...pin.pastRoots, ...past].slice(-identityLimits.pastRoots),
  }
}
