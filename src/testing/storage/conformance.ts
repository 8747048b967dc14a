/**
 * What a driver of the `Storage` port must do, as a list of named checks without a test framework. A third party runs each
 * against its own driver: a check resolves when the driver passes and rejects with an explanation when it does not.
 *
 * @example
 * for (const check of storageChecks) test(check.name, () => check.run(subject))
 */
import type { Storage, StorageEntry, StorageOperation } from '../../ports/storage.ts'
import { batchChecks } from './checks-batches.ts'
import { ownerChecks } from './checks-owner.ts'
import { readChecks } from './checks-reads.ts'

/** A driver under test: a medium that is empty at the start and that can be opened many times. */
export interface StorageSubject {
  /** Opens the medium of this subject, taking it from any earlier owner. */
  open(): Promise<Storage>
  /** Opens it with the policy `refuse`; absent for drivers that cannot see whether another owner lives. */
  openPolitely?(): Promise<Storage>
}

/** One requirement. `run` gets a fresh subject and leaves no open handle. */
export interface StorageCheck {
  readonly name: string
  run(subject: StorageSubject): Promise<void>
}

/** All checks, in a fixed order. */
export const storageChecks: readonly StorageCheck[] = [...batchChecks, ...readChecks, ...ownerChecks]

export type { Storage, StorageEntry, StorageOperation }
