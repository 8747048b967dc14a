/**
 * What we believe about another account: the pin, and how it changes with what we see. A pure function: nothing is fetched,
 * stored or shown here.
 *
 *     UNKNOWN ── first manifest ──> TOFU          any of these, when something is wrong, reads as
 *     UNKNOWN ── invite with hash ──> LINK_VERIFIED       STALE, ROLLBACK, EQUIVOCATION, CHANGED or COMPROMISED,
 *     any ── QR, digits, emoji ──> VERIFIED               and keeps head, root and trust as they were
 *
 * Trust and trouble are kept apart: `trust` is what the user did, the rest is what was seen since. Invariants:
 * - `head` never goes back while its root stays (I060);
 * - the root changes by a proven rotation, or by a decision of the user about that very root, after which the contact is
 *   not verified any more (I061);
 * - input that does not hold leaves the pin as it was (I062).
 */
import { type Bytes, copyBytes, equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { type Conflict, conflictGrade, remember } from './chain.ts'
import { type ChainLog, emptyLog, type WalkEvent, walkChain } from './chain-walk.ts'
import type { Finding } from './findings.ts'
import { identityLifetimes, identityLimits } from './limits.ts'
import type { VerifiedManifest } from './manifest.ts'
import { compareHeads, headOf, type ManifestHead } from './manifest-head.ts'

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

/** Something that was seen or decided. */
export type ContactObservation =
  /** The account's node was read, or a peer sent it. Manifests are verified, see `readPublication`. */
  | { readonly kind: 'published'; readonly current: VerifiedManifest; readonly log?: ChainLog }
  /** A head came inside an encrypted message: from a device of the account itself, or from another member. */
  | { readonly kind: 'head'; readonly head: ManifestHead; readonly from: 'account' | 'member' }
  /** A leaf of the account in a group has a valid certificate of this root. */
  | { readonly kind: 'certificate'; readonly rootEd25519: Uint8Array; readonly generation: number }
  /** The user compared: QR code, digits, emoji. */
  | { readonly kind: 'verified'; readonly rootHash: Uint8Array }
  /** The contact came by a link that carries a root hash. */
  | { readonly kind: 'invited'; readonly rootHash: Uint8Array }
  /** Evidence of `evidence.ts`, verified: a signed manifest that contradicts the head. */
  | { readonly kind: 'contradicted'; readonly manifest: VerifiedManifest }
  /** A root is known to be in other hands: its own statement, or a list that the user trusts. */
  | { readonly kind: 'root_compromised'; readonly rootHash: Uint8Array }
  /** The user takes the offered root, and knows that nothing proves it. */
  | { readonly kind: 'accept_root'; readonly rootHash: Uint8Array }
  /** The user stays with the root that is pinned. */
  | { readonly kind: 'keep_root' }
  /** The user takes a verification back. */
  | { readonly kind: 'drop_verification' }

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

/**
 * The pin after an observation at `now` (seconds since the Unix epoch), and what to tell. Never throws for what others made:
 * such input gives a finding `rejected` with the error and leaves the pin as it was.
 */
export function advance(suite: CipherSuite, pin: ContactPin, seen: ContactObservation, now: bigint): Advance {
  switch (seen.kind) {
    case 'published':
      return published(suite, pin, seen.current, seen.log ?? emptyLog, now)
    case 'head':
      return heard(pin, seen.head, seen.from)
    case 'certificate':
      return certified(pin, seen.rootEd25519, seen.generation)
    case 'verified':
      return verified(pin, seen.rootHash)
    case 'invited':
      return invited(pin, seen.rootHash)
    case 'contradicted':
      return contradicted(suite, pin, seen.manifest)
    case 'root_compromised':
      return compromised(pin, seen.rootHash)
    case 'accept_root':
      return accepted(pin, seen.rootHash)
    case 'keep_root':
      return { pin: { ...pin, offered: undefined }, findings: [] }
    case 'drop_verification':
      return { pin: pin.trust === 'UNKNOWN' ? pin : { ...pin, trust: 'TOFU' }, findings: [] }
  }
}

function rejected(pin: ContactPin, error: MlsError): Advance {
  return { pin, findings: [{ kind: 'rejected', error }] }
}

function published(
  suite: CipherSuite,
  pin: ContactPin,
  current: VerifiedManifest,
  log: ChainLog,
  now: bigint,
): Advance {
  if (!equalBytes(current.account, pin.account))
    return rejected(pin, new MlsError('identity/root', 'a manifest of another account', { rule: 'I030' }))
  // I063: a manifest from the future would look fresh for longer than any that follows
  const latest = now + identityLifetimes.clockSkew
  if (current.issuedAt > latest)
    return rejected(pin, new MlsError('identity/future', 'a manifest from the future', { rule: 'I063' }))
  const manifests = [...log.manifests, current].filter(
    (one) => equalBytes(one.account, pin.account) && one.issuedAt <= latest,
  )
  const start = startOf(pin, manifests)
  if (start === undefined) return anotherRoot(pin, current)
  try {
    return walked(suite, pin, start, current, { ...log, manifests })
  } catch (error) {
    if (error instanceof MlsError) return rejected(pin, error)
    throw error
  }
}

/** Where to start: the head, else the oldest manifest under the root that is believed, else what comes first. */
function startOf(pin: ContactPin, manifests: readonly VerifiedManifest[]): VerifiedManifest | undefined {
  if (pin.head !== undefined) return pin.head
  const { rootHash } = pin
  if (rootHash === undefined) return manifests.at(-1)
  const own = manifests.filter((one) => equalBytes(one.rootHash, rootHash))
  return own.reduce<VerifiedManifest | undefined>(
    (first, one) => (first === undefined || compareHeads(one, first) < 0 ? one : first),
    undefined,
  )
}

function walked(
  suite: CipherSuite,
  pin: ContactPin,
  start: VerifiedManifest,
  current: VerifiedManifest,
  log: ChainLog,
): Advance {
  const { head, events, conflicts } = walkChain(suite, start, log, {
    conflicts: pin.conflicts,
    strongOnly: pin.compromised,
  })
  const rotations = events.filter((event) => event.kind === 'rotated')
  const next: ContactPin = {
    ...pin,
    trust: pin.trust === 'UNKNOWN' ? 'TOFU' : pin.trust,
    rootHash: head.rootHash,
    head,
    conflicts,
    pastRoots: [...pin.pastRoots, ...rotations.map(({ from }) => from.rootHash)].slice(-identityLimits.pastRoots),
    // only an announced root takes over from one in other hands (I059); whatever is proven is no offer any more
    compromised: pin.compromised && rotations.length === 0,
    offered: pin.offered !== undefined && equalBytes(pin.offered.rootHash, head.rootHash) ? undefined : pin.offered,
  }
  const findings: Finding[] = events.flatMap(findingsOf)
  if (pin.head === undefined) findings.unshift({ kind: 'first_seen', head: headOf(start) })
  if (pin.conflicts.length > 0 && conflicts.length === 0) findings.push({ kind: 'settled' })
  return compareShown(pin, next, current, findings)
}

function findingsOf(event: WalkEvent): Finding[] {
  switch (event.kind) {
    case 'advanced':
      return [
        { kind: 'advanced', from: headOf(event.from), to: headOf(event.to), gap: event.gap },
        ...deviceFindings(event.from, event.to),
      ]
    case 'rotated':
      return [
        { kind: 'rotated', generation: event.to.generation, strength: event.strength },
        ...deviceFindings(event.from, event.to),
      ]
    case 'conflict': {
      const [first, second] = [event.with, event.manifest]
      return [{ kind: 'equivocation', first, second, rule: event.rule, grade: conflictGrade(first, second) }]
    }
  }
}

function deviceFindings(from: VerifiedManifest, to: VerifiedManifest): Finding[] {
  const has = (manifest: VerifiedManifest, id: Uint8Array) =>
    manifest.devices.some(({ deviceId }) => equalBytes(deviceId, id))
  const added = to.devices.filter(({ deviceId }) => !has(from, deviceId))
  const left = from.devices.filter(({ deviceId }) => !has(to, deviceId))
  return [
    ...added.map(({ deviceId }): Finding => ({ kind: 'device_added', deviceId })),
    ...left.map(({ deviceId }): Finding => {
      const entry = to.revoked.find((one) => equalBytes(one.deviceId, deviceId))
      return { kind: 'device_removed', deviceId, reason: entry?.reason }
    }),
  ]
}

/** What the server calls current, against where the walk led, and what was known before. */
function compareShown(before: ContactPin, pin: ContactPin, current: VerifiedManifest, findings: Finding[]): Advance {
  const { head } = pin
  if (head === undefined || equalBytes(head.hash, current.hash)) return { pin: { ...pin, rolledBack: false }, findings }
  const known = before.head
  const isOld = known !== undefined && equalBytes(known.rootHash, current.rootHash) && compareHeads(current, known) < 0
  if (isOld) {
    const rollback: Finding = { kind: 'rollback', known: headOf(head), shown: headOf(current) }
    return { pin: { ...pin, rolledBack: true }, findings: [...findings, rollback] }
  }
  // a log that is ahead of the current item is the moment between two publications; less than was known is a rollback
  const between = known === undefined || equalBytes(known.rootHash, current.rootHash)
  if (between || equalBytes(head.rootHash, current.rootHash)) return { pin, findings }
  const other = anotherRoot(pin, current)
  return { pin: other.pin, findings: [...findings, ...other.findings] }
}

/** A root that nothing leads to from the one that is believed (I061). */
function anotherRoot(pin: ContactPin, manifest: VerifiedManifest): Advance {
  const { rootHash } = manifest
  if (pin.pastRoots.some((past) => equalBytes(past, rootHash))) {
    const rollback: Finding = { kind: 'rollback', known: pin.head && headOf(pin.head), shown: headOf(manifest) }
    return { pin: { ...pin, rolledBack: true }, findings: [rollback] }
  }
  return { pin: { ...pin, offered: { rootHash, manifest } }, findings: [{ kind: 'changed', rootHash }] }
}

function heard(pin: ContactPin, head: ManifestHead, from: 'account' | 'member'): Advance {
  if (!equalBytes(head.account, pin.account))
    return rejected(pin, new MlsError('identity/root', 'a head of another account', { rule: 'I030' }))
  if (pin.head === undefined) return { pin, findings: [{ kind: 'fetch', head, from }] }
  const own = headOf(pin.head)
  const order = compareHeads(head, own)
  if (order > 0) return { pin, findings: [{ kind: 'fetch', head, from }] }
  if (order < 0) return { pin, findings: [{ kind: 'behind', head, from }] }
  if (equalBytes(head.hash, own.hash)) return { pin, findings: [{ kind: 'confirmed', from }] }
  // I064: a head is no proof, it only tells what to ask for: anybody could block a contact with an invented one
  return { pin, findings: [{ kind: 'head_conflict', known: own, heard: head, from }] }
}

function certified(pin: ContactPin, rootEd25519: Uint8Array, generation: number): Advance {
  if (pin.head === undefined) return { pin, findings: [{ kind: 'fetch', head: undefined, from: 'account' }] }
  if (equalBytes(pin.head.root.ed25519, rootEd25519)) return { pin, findings: [] }
  if (generation > pin.head.generation) return { pin, findings: [{ kind: 'fetch', head: undefined, from: 'account' }] }
  return { pin, findings: [{ kind: 'certificate_of_other_root', generation }] }
}

function verified(pin: ContactPin, rootHash: Uint8Array): Advance {
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

function invited(pin: ContactPin, rootHash: Uint8Array): Advance {
  const root = copyBytes(rootHash)
  const same = pin.rootHash !== undefined && equalBytes(pin.rootHash, root)
  // I065: a link may be old or false; it raises trust in the root that is believed, it never replaces that root
  if (pin.rootHash !== undefined && !same) return { pin, findings: [{ kind: 'link_mismatch', rootHash: root }] }
  if (pin.trust === 'VERIFIED' || pin.trust === 'LINK_VERIFIED') return { pin, findings: [] }
  const next = { ...pin, trust: 'LINK_VERIFIED', rootHash: root } as const
  return { pin: next, findings: [{ kind: 'link_verified', rootHash: root }] }
}

function contradicted(suite: CipherSuite, pin: ContactPin, manifest: VerifiedManifest): Advance {
  const own =
    pin.head !== undefined &&
    equalBytes(manifest.account, pin.account) &&
    equalBytes(manifest.rootHash, pin.head.rootHash)
  if (!own) return rejected(pin, new MlsError('identity/evidence', 'evidence about another root', { rule: 'I066' }))
  // I066: not the word of who sends it counts, but that the manifest does not fit
  const walk = walkChain(suite, pin.head, { manifests: [manifest], rotations: [] })
  const conflict = walk.events.some(({ kind }) => kind === 'conflict')
  if (!conflict) return { pin, findings: [] }
  const next = { ...pin, conflicts: remember(pin.conflicts, manifest) }
  return { pin: next, findings: walk.events.flatMap(findingsOf) }
}

function compromised(pin: ContactPin, rootHash: Uint8Array): Advance {
  if (pin.rootHash === undefined || !equalBytes(pin.rootHash, rootHash)) return { pin, findings: [] }
  return { pin: { ...pin, compromised: true }, findings: [{ kind: 'compromised', rootHash: pin.rootHash }] }
}

function accepted(pin: ContactPin, rootHash: Uint8Array): Advance {
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
