/**
 * What a driver of the `Storage` port must do, as a list of named checks without a test framework. A third party runs each
 * against its own driver: a check resolves when the driver passes and rejects with an explanation when it does not.
 *
 * @example
 * for (const check of storageChecks) test(check.name, () => check.run(subject))
 */
import type { StorageCheck } from './check.ts'
import { batchChecks } from './checks-batches.ts'
import { ownerChecks } from './checks-owner.ts'
import { readChecks } from './checks-reads.ts'

/** All checks, in a fixed order. */
export const storageChecks: readonly StorageCheck[] = [...batchChecks, ...readChecks, ...ownerChecks]
