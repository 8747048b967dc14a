/** What `advance` tells about a contact, and how loudly. */
import type { Bytes } from '../bytes/bytes.ts'
import type { MlsError } from '../bytes/errors.ts'
import type { ConflictGrade } from './chain.ts'
import type { RevocationReason } from './device-entry.ts'
import type { VerifiedManifest } from './manifest.ts'
import type { ManifestHead } from './manifest-head.ts'

/** One thing that was found. Hashes are 32 bytes, device ids 16. */
export type Finding =
  | { readonly kind: 'first_seen'; readonly head: ManifestHead }
  | { readonly kind: 'advanced'; readonly from: ManifestHead; readonly to: ManifestHead; readonly gap: boolean }
  | { readonly kind: 'device_added'; readonly deviceId: Bytes }
  | { readonly kind: 'device_removed'; readonly deviceId: Bytes; readonly reason: RevocationReason | undefined }
  | { readonly kind: 'rotated'; readonly generation: number; readonly strength: 'strong' | 'soft' }
  /** Two manifests that contradict each other and that nothing merges; `evidence.ts` makes a proof of them. */
  | {
      readonly kind: 'equivocation'
      readonly first: VerifiedManifest
      readonly second: VerifiedManifest
      readonly rule: string
      readonly grade: ConflictGrade
    }
  /** All contradictions were settled by the owner. */
  | { readonly kind: 'settled' }
  /** The server shows less than we have. */
  | { readonly kind: 'rollback'; readonly known: ManifestHead | undefined; readonly shown: ManifestHead }
  /** Another root that nothing proves. */
  | { readonly kind: 'changed'; readonly rootHash: Bytes }
  | { readonly kind: 'root_accepted'; readonly rootHash: Bytes }
  | { readonly kind: 'verified'; readonly rootHash: Bytes }
  | { readonly kind: 'link_verified'; readonly rootHash: Bytes }
  /** A link names another root than the one that is believed. */
  | { readonly kind: 'link_mismatch'; readonly rootHash: Bytes }
  | { readonly kind: 'compromised'; readonly rootHash: Bytes }
  /** There is something newer: read the account's node. When that does not show it, the server withholds it. */
  | { readonly kind: 'fetch'; readonly head: ManifestHead | undefined; readonly from: 'account' | 'member' }
  /** The other side has not seen our newest head: send it. */
  | { readonly kind: 'behind'; readonly head: ManifestHead; readonly from: 'account' | 'member' }
  | { readonly kind: 'confirmed'; readonly from: 'account' | 'member' }
  /** Same number, other hash: ask who said it for the manifest. */
  | {
      readonly kind: 'head_conflict'
      readonly known: ManifestHead
      readonly heard: ManifestHead
      readonly from: 'account' | 'member'
    }
  /** A leaf in a group is certified by a root that is not the one that is believed. */
  | { readonly kind: 'certificate_of_other_root'; readonly generation: number }
  /** The input did not hold; nothing changed. */
  | { readonly kind: 'rejected'; readonly error: MlsError }

/** How loudly to tell: not at all, in the log of the conversation, as a warning, as an alarm. */
export type Loudness = 'silent' | 'note' | 'warning' | 'alarm'

const loudness: Readonly<Record<Finding['kind'], Loudness>> = {
  first_seen: 'silent',
  advanced: 'silent',
  // one verification per person: an honest new device asks nobody anything
  device_added: 'note',
  device_removed: 'note',
  rotated: 'note',
  equivocation: 'alarm',
  settled: 'note',
  rollback: 'warning',
  changed: 'alarm',
  root_accepted: 'note',
  verified: 'note',
  link_verified: 'note',
  link_mismatch: 'warning',
  compromised: 'alarm',
  fetch: 'silent',
  behind: 'silent',
  confirmed: 'silent',
  head_conflict: 'warning',
  certificate_of_other_root: 'warning',
  rejected: 'silent',
}

/** How loudly to tell a finding. */
export function loudnessOf(finding: Finding): Loudness {
  // two devices that published at once, and one of them was cut off before it could merge: the next of them settles it
  if (finding.kind === 'equivocation' && finding.grade === 'race') return 'warning'
  return loudness[finding.kind]
}
