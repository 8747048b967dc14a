/** What was found about an account, as it is told: how loudly, in which sentence, with which proof. */
import { type Bytes, equalBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import type { ContactObservation } from '../../identity/contact.ts'
import type { ContactPin } from '../../identity/contact-state.ts'
import { encodeEvidence, equivocationEvidence } from '../../identity/evidence.ts'
import { type Finding, loudnessOf } from '../../identity/findings.ts'
import type { VerifiedManifest } from '../../identity/manifest.ts'
import { findingSentence } from '../../identity/sentences.ts'

/** Another member of a room was shown another root of an account. */
export interface SplitView {
  readonly kind: 'split_view'
  /** The other root, 32 bytes. */
  readonly rootHash: Bytes
}

/** The server has nothing to show of an account any more. */
export interface Withheld {
  readonly kind: 'withheld'
}

/** For {@link Withheld}. */
export const withheldSentence = 'The server does not show the list of devices of this person any more.'
/** For {@link SplitView}. */
export const splitSentence =
  'Somebody in a room was shown another identity of this person than you: a server tells two people two things.'

/** Something that was found about an account. */
export interface IdentityFinding {
  /** Bare JID. */
  readonly account: string
  readonly finding: Finding | SplitView | Withheld
  /** `silent` ones are for logs alone. */
  readonly loudness: ReturnType<typeof loudnessOf>
  /** One plain sentence, where it is to be shown. */
  readonly sentence: string | undefined
  /** A proof that anybody can check offline, where there is one. */
  readonly evidence: Bytes | undefined
}

/** A finding as it is told. `pin`: after it. */
export function describe(
  account: string,
  finding: Finding,
  seen: ContactObservation,
  pin: ContactPin,
): IdentityFinding {
  const evidence = tried(() => evidenceFor(finding, seen, pin))
  return { account, finding, loudness: loudnessOf(finding), sentence: findingSentence(finding), evidence }
}

/** Evidence of two roots for one account. @throws `identity/limit` */
export function splitEvidence(first: VerifiedManifest, second: VerifiedManifest): Bytes {
  return encodeEvidence({ version: 1, kind: 'split_view', first: first.bytes, second: second.bytes })
}

/** A proof of what was found, where there can be one. @throws `identity/limit` for one that is too large */
function evidenceFor(finding: Finding, seen: ContactObservation, { head }: ContactPin): Bytes | undefined {
  if (finding.kind === 'equivocation') return equivocationEvidence(finding.first, finding.second)
  if (seen.kind !== 'published' || head === undefined) return undefined
  const [known, shown] = [head.bytes, seen.current.bytes]
  if (finding.kind === 'rollback' && equalBytes(head.rootHash, seen.current.rootHash))
    return encodeEvidence({ version: 1, kind: 'rollback', newer: known, shown })
  return finding.kind === 'changed' ? splitEvidence(head, seen.current) : undefined
}

/** What is made, unless it cannot be. */
export function tried<T>(make: () => T): T | undefined {
  try {
    return make()
  } catch (error) {
    if (error instanceof MlsError && error.kind !== 'bug') return undefined
    throw error
  }
}
