/** The self-audit: what an own device does about the manifest that the server shows of its own account. */
import { equalBytes } from '../bytes/bytes.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { linkManifests } from './chain.ts'
import type { VerifiedManifest } from './manifest.ts'

/** What to do about the manifest that is shown. */
export type OwnAudit =
  /** It is ours. */
  | { readonly kind: 'same' }
  /** Another own device published: take it. */
  | { readonly kind: 'adopt' }
  /** The server shows an old one: publish ours again, and tell the user when it stays so. */
  | { readonly kind: 'republish' }
  /** Two own devices published at once: merge both over `base` and publish, see `mergeManifests`. */
  | { readonly kind: 'merge'; readonly base: VerifiedManifest }
  /** It contradicts ours and no common predecessor is known: somebody else has the key, or the history is lost. */
  | { readonly kind: 'conflict'; readonly rule: string }
  /** Another root: a rotation by another own device (walk the log), or a lie of the server. */
  | { readonly kind: 'other_root' }

/**
 * Compares the own manifest with the one that is shown; best asked for anonymously, as a stranger would see it.
 * @param history earlier own manifests, to find the one that both follow
 */
export function auditOwn(
  suite: CipherSuite,
  own: VerifiedManifest,
  shown: VerifiedManifest,
  history: readonly VerifiedManifest[],
): OwnAudit {
  if (!equalBytes(own.rootHash, shown.rootHash) || !equalBytes(own.account, shown.account))
    return { kind: 'other_root' }
  const link = linkManifests(suite, own, shown)
  if (link.kind === 'same') return { kind: 'same' }
  if (link.kind === 'next') return { kind: 'adopt' }
  const base = commonBase(suite, own, shown, history)
  // an older one may still hold a change that we never saw: it counts as old only when we know it
  if (link.kind === 'older') {
    const known = history.some(({ hash }) => equalBytes(hash, shown.hash))
    return known || base === undefined ? { kind: 'republish' } : { kind: 'merge', base }
  }
  return base === undefined ? { kind: 'conflict', rule: link.rule } : { kind: 'merge', base }
}

/** The newest known manifest that both follow without a gap in their own lines; `undefined` when a rule forbids a merge. */
function commonBase(
  suite: CipherSuite,
  own: VerifiedManifest,
  shown: VerifiedManifest,
  history: readonly VerifiedManifest[],
): VerifiedManifest | undefined {
  const candidates = history
    .filter((one) => one.seq < own.seq && one.seq < shown.seq && equalBytes(one.rootHash, own.rootHash))
    .filter((one) => [own, shown].every((side) => linkManifests(suite, one, side).kind === 'next'))
  return candidates.reduce<VerifiedManifest | undefined>(
    (best, one) => (best === undefined || one.seq > best.seq ? one : best),
    undefined,
  )
}
