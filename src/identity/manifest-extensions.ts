/** Extensions of a manifest that this version knows; unknown ones are carried along unchanged. */
import { concat, fixed, type Infer, struct, uint32, uint64, vec } from '../codec/codec.ts'
import { type Extension, readExtension, setExtension } from '../wire/extension.ts'
import { AccountName } from './bounded.ts'
import { identityLimits } from './limits.ts'
import { RootSignature } from './root-keys.ts'

/** Extension types, from the range for private use. */
export const manifestExtensionTypes = { checkpoint: 0xf0b1, merged: 0xf0b2, backup: 0xf0b3 } as const

/** What the root signs when revocations are dropped: those with `effectiveSeq <= prunedThrough` may be missing. */
export const CheckpointTbs = struct({ account: AccountName, generation: uint32, prunedThrough: uint64 })
export type CheckpointTbs = Infer<typeof CheckpointTbs>

/** The root's permission to drop old revocations; later manifests carry it along. */
export const Checkpoint = concat(CheckpointTbs, struct({ signature: RootSignature }))
export type Checkpoint = Infer<typeof Checkpoint>

/** Hashes of manifests that this one continues beside its predecessor: two devices had published at once. */
export const MergedParents = vec(fixed(32), identityLimits.mergedParents)

const BackupCounter = struct({ counter: uint64 })

interface HasExtensions {
  readonly extensions: readonly Extension[]
}

/** The checkpoint of a manifest. @throws codes of kind `malformed` */
export function checkpointOf(manifest: HasExtensions): Checkpoint | undefined {
  return readExtension(manifest.extensions, manifestExtensionTypes.checkpoint, Checkpoint)
}

/** The hashes of the manifests that a manifest merges, 32 bytes each. @throws codes of kind `malformed` */
export function mergedParentsOf(manifest: HasExtensions): readonly Uint8Array[] {
  return readExtension(manifest.extensions, manifestExtensionTypes.merged, MergedParents) ?? []
}

/** The extensions without those of one manifest alone: merged parents do not go on to the next. */
export function lastingExtensions(extensions: readonly Extension[]): readonly Extension[] {
  return extensions.filter(({ extensionType }) => extensionType !== manifestExtensionTypes.merged)
}

/** The extensions with a checkpoint. */
export function withCheckpoint(extensions: readonly Extension[], checkpoint: Checkpoint): readonly Extension[] {
  return setExtension(extensions, manifestExtensionTypes.checkpoint, Checkpoint, checkpoint)
}

/** The number of the newest sealed backup; `undefined` when none was made. @throws codes of kind `malformed` */
export function backupCounterOf(manifest: HasExtensions): bigint | undefined {
  return readExtension(manifest.extensions, manifestExtensionTypes.backup, BackupCounter)?.counter
}

/** The extensions with the number of a backup. */
export function withBackupCounter(extensions: readonly Extension[], counter: bigint): readonly Extension[] {
  return setExtension(extensions, manifestExtensionTypes.backup, BackupCounter, { counter })
}
