/** `xmpp-mls/testing/storage`: what third parties need to test a driver of the `Storage` port. */
export { type StorageCheck, type StorageSubject, storageChecks } from './conformance.ts'
