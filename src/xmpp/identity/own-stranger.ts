/** The own nodes as strangers see them, against what this device has published. */
import { equalBytes } from '../../bytes/bytes.ts'
import type { VerifiedManifest } from '../../identity/manifest.ts'
import { compareHeads } from '../../identity/manifest-head.ts'
import { beforeNextLook, type IdentityParts, maxLooks } from './context.ts'
import type { OwnIdentityEvents } from './own-record.ts'
import { readOwnView } from './own-view.ts'

/** What this device has published. */
export interface PublishedIdentity {
  readonly manifest: VerifiedManifest | undefined
  readonly stored: { readonly published: boolean }
  /** Reads the own nodes again and settles what differs. */
  reconcile(): Promise<unknown>
}

/** Tells when strangers are shown less, or another root, and go on being shown it. @throws XmppError, `xmpp/…` */
export async function compareAsStranger(
  parts: IdentityParts,
  own: PublishedIdentity,
  events: Pick<OwnIdentityEvents, 'onReplaced' | 'onWithheld'>,
): Promise<void> {
  const { observer, account, suite, accountBytes, timers } = parts
  if (observer === undefined) return
  for (let looks = 1; own.manifest !== undefined && own.stored.published; looks++) {
    const began = timers.now()
    const { current } = readOwnView(suite, accountBytes, await observer.read(account))
    const known = own.manifest
    // what another own device publishes meanwhile is newer and not wrong
    const newest = current !== undefined && (equalBytes(current.hash, known.hash) || compareHeads(current, known) > 0)
    if (newest && equalBytes(current.rootHash, known.rootHash)) return
    if (looks === maxLooks) {
      if (newest) events.onReplaced(known, current)
      else events.onWithheld(known, current)
      return
    }
    await beforeNextLook(timers, looks, began)
    await own.reconcile()
  }
}
