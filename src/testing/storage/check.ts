import type { Storage } from '../../ports/storage.ts'

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
