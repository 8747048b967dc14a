/** `xmpp-mls/testing/storage`: what third parties need to test a driver of the `Storage` port, or code that stands on one. */
export type { StorageCheck, StorageSubject } from './check.ts'
export { storageChecks } from './conformance.ts'
export { DiskError, type DiskFault, diskFaults, SimulatedDisk, type SimulatedDiskOptions } from './simulated-disk.ts'
export { openSimulatedStorage, type SimulatedStorageOptions } from './simulated-store.ts'
