/** What is believed of a contact, and what it means: the state to show, and whether to send. */
import { type Bytes, copyBytes } from '../bytes/bytes.ts'
import type { MlsError } from '../bytes/errors.ts'
import type { Conflict } from './chain.ts'
import type { Finding } from './findings.ts'
import type { VerifiedManifest } from './manifest.ts'

/** How the root of a contact came to be believed. */
export type Trust = 'UNKNOWN' | 'TOFU' | 'LINK_VERIFIED' | 'VERIFIED'

/** The one word that a user interface shows, the worst first. */
export type ContactState = 'COMPROMISED' | 'EQUIVOCATION' | 'CHANGED' | 'ROLLBACK' | 'STALE' | Trust

/** What we believe about an account. Immutable; `contact-pin.ts` turns it into bytes. */
export interface ContactPin {
  /** Bytes of the bare JID. */
  readonly account: Bytes
  readonly trust: Trust
  /** The root that is believed, 32 bytes; missing while `UNKNOWN`. */
  readonly rootHash: Bytes | undefined
  /** The newest manifest under that root; missing when only a hash was verified so far. */
  readonly head: VerifiedManifest | undefined
  /** Signed manifests that contradict the head and were not settled: `EQUIVOCATION`. */
  readonly conflicts: readonly Conflict[]
  /** The server shows an older manifest than we have: `ROLLBACK`. */
  readonly rolledBack: boolean
  /** Another root that was shown without proof, 32 bytes, and its manifest if there was one: `CHANGED`. */
  readonly offered: { readonly rootHash: Bytes; readonly manifest: VerifiedManifest | undefined } | undefined
  /** The root is known to be in other hands: `COMPROMISED`. */
  readonly compromised: boolean
  /** Roots that were believed before, newest last. */
  readonly pastRoots: readonly Bytes[]
}

/** What comes of an observation. */
export interface Advance {
  readonly pin: ContactPin
  readonly findings: readonly Finding[]
}

/** A contact of whom nothing is known. `account`: bytes of the bare JID. */
export function unknownContact(account: Uint8Array): ContactPin {
  return {
    account: copyBytes(account),
    trust: 'UNKNOWN',
    rootHash: undefined,
    head: undefined,
    conflicts: [],
    rolledBack: false,
    offered: undefined,
    compromised: false,
    pastRoots: [],
  }
}

/** The state to show at `now`, in seconds since the Unix epoch. */
export function contactState(pin: ContactPin, now: bigint): ContactState {
  if (pin.trust === 'UNKNOWN') return 'UNKNOWN'
  if (pin.compromised) return 'COMPROMISED'
  if (pin.conflicts.length > 0) return 'EQUIVOCATION'
  if (pin.offered !== undefined) return 'CHANGED'
  if (pin.rolledBack) return 'ROLLBACK'
  if (pin.head !== undefined && now > pin.head.expiresAt) return 'STALE'
  return pin.trust
}

/** What a state means for sending to the contact: nothing, a warning, or a stop until the user decided. */
export type SendRule = 'send' | 'warn' | 'block'

/** Whether to send, at `now` in seconds. Never decides whether a commit counts: soft rules only. */
export function sendRule(pin: ContactPin, now: bigint): SendRule {
  const state = contactState(pin, now)
  if (state === 'COMPROMISED') return 'block'
  if (state === 'STALE') return 'warn'
  if (state === 'EQUIVOCATION' || state === 'CHANGED' || state === 'ROLLBACK')
    return pin.trust === 'TOFU' ? 'warn' : 'block'
  return 'send'
}

/** What did not hold: the pin stays as it was (I062). */
export function rejected(pin: ContactPin, error: MlsError): Advance {
  return { pin, findings: [{ kind: 'rejected', error }] }
}
