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
import { equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { type ChainLog, emptyLog } from './chain-walk.ts'
import { accepted, compromised, invited, verified } from './contact-decisions.ts'
import { contradicted, published } from './contact-publication.ts'
import { type Advance, type ContactPin, rejected } from './contact-state.ts'
import type { VerifiedManifest } from './manifest.ts'
import { compareHeads, headOf, type ManifestHead } from './manifest-head.ts'

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
