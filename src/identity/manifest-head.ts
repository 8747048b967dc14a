/** The head of a manifest: what members tell one another inside encrypted messages, so that no server can show two lists. */
import { copyBytes, equalBytes } from '../bytes/bytes.ts'
import { fixed, type Infer, struct, uint32, uint64 } from '../codec/codec.ts'
import { AccountName } from './bounded.ts'
import type { VerifiedManifest } from './manifest.ts'

/** Bytes of the hash in a head. */
export const headHashLength = 16

/** `hash`: the first 16 bytes of the {@link manifestHash}. */
export const ManifestHead = struct({
  account: AccountName,
  generation: uint32,
  seq: uint64,
  hash: fixed(headHashLength),
})
export type ManifestHead = Infer<typeof ManifestHead>

/** The head of a manifest. */
export function headOf({ account, generation, seq, hash }: VerifiedManifest): ManifestHead {
  return { account, generation, seq, hash: copyBytes(hash.subarray(0, headHashLength)) }
}

/** Whether a head is older (-1), of the same place (0) or newer (1) than another: generation first, then `seq`. */
export function compareHeads(
  a: Pick<ManifestHead, 'generation' | 'seq'>,
  b: Pick<ManifestHead, 'generation' | 'seq'>,
): -1 | 0 | 1 {
  if (a.generation !== b.generation) return a.generation < b.generation ? -1 : 1
  return a.seq === b.seq ? 0 : a.seq < b.seq ? -1 : 1
}

/** Whether two heads are of one manifest. */
export function sameHead(a: ManifestHead, b: ManifestHead): boolean {
  return compareHeads(a, b) === 0 && equalBytes(a.account, b.account) && equalBytes(a.hash, b.hash)
}
