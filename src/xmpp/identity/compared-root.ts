/** The roots that people compare: the own one, and what is believed of somebody or was offered since. */
import { type Bytes, equalBytes } from '../../bytes/bytes.ts'
import { utf8 } from '../../bytes/text.ts'
import type { VerifiedSide } from '../../identity/verify-qr.ts'
import type { ContactBook } from './contact-book.ts'
import type { IdentityParts } from './context.ts'
import type { OwnIdentity } from './own-identity.ts'
import { notNow } from './secrets.ts'

/** A root that may be compared. */
export type ComparedRoot = VerifiedSide & { readonly rootHash: Bytes }

/** The own side of a comparison. @throws `identity/state` */
export function ownSide({ accountBytes }: IdentityParts, { manifest }: OwnIdentity): VerifiedSide {
  if (manifest === undefined) throw notNow('this device belongs to no identity')
  const { rootHash, generation, seq } = manifest
  return { account: accountBytes, rootHash, generation, seq }
}

/**
 * The roots of an account that may be compared, the likely one first. Where another one was offered (`CHANGED`) it is the
 * one that the person has by now if all is well, and the believed one if the server lies.
 */
export function rootsToCompare(book: ContactBook, account: string): readonly ComparedRoot[] {
  const { rootHash, head, offered } = book.pin(account)
  const side = (root: Bytes, manifest: typeof head): ComparedRoot => ({
    account: utf8(account),
    rootHash: root,
    generation: manifest?.generation ?? 0,
    seq: manifest?.seq ?? 0n,
  })
  return [
    ...(offered === undefined ? [] : [side(offered.rootHash, offered.manifest)]),
    ...(rootHash === undefined ? [] : [side(rootHash, head)]),
  ]
}

/** The root of an account that is compared. @throws `identity/state` when nothing is known of it */
export function rootToCompare(book: ContactBook, account: string): ComparedRoot {
  const [first] = rootsToCompare(book, account)
  if (first === undefined) throw notNow('nothing is known of this account')
  return first
}

/** The user has compared a root. @throws `identity/state` when it is not that of the account any more; `storage/…` */
export async function confirmRoot(book: ContactBook, account: string, rootHash: Bytes): Promise<void> {
  // what was compared is what counts, not what came since
  const still = rootsToCompare(book, account).some((one) => equalBytes(one.rootHash, rootHash))
  if (!still) throw notNow('this account has another root by now')
  await book.observe(account, { kind: 'verified', rootHash })
}
