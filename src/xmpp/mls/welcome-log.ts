/** Which Welcomes were dealt with, and how far the account's archive was read: an invitation is one only once. */
import { sha256 } from '@noble/hashes/sha2.js'
import type { Bytes } from '../../bytes/bytes.ts'
import { mapKey, utf8 } from '../../bytes/text.ts'
import type { Storage } from '../../ports/storage.ts'
import { putRecord, readRecord, recordType } from '../../storage/records.ts'
import { bytes, fields, list, optional, text } from '../../storage/schema.ts'

/** As many as an archive may show again at once. */
const maxHandled = 1024

const LogRecord = recordType({
  type: 'mls_welcome_log',
  version: 1,
  schema: fields({ cursor: optional(text(256)), handled: list(bytes({ length: 32 }), maxHandled) }),
})
const table = 'mls_welcome_log'
const key = utf8('log')

/** See the file. */
export class WelcomeLog {
  readonly #storage: Storage
  readonly #handled = new Map<string, Bytes>()
  #cursor: string | undefined
  #begun = false

  constructor(storage: Storage) {
    this.#storage = storage
  }

  /** Reads the log from the storage. @throws `storage/…` */
  async load(): Promise<void> {
    const found = await readRecord(this.#storage, table, key, LogRecord)
    this.#begun = found !== undefined
    this.#cursor = found?.cursor
    for (const hash of found?.handled ?? []) this.#handled.set(mapKey(hash), hash)
  }

  /** Whether the archive was read before. */
  get begun(): boolean {
    return this.#begun
  }

  /** Archive id of the newest own message that was read; `undefined` where there was none. */
  get cursor(): string | undefined {
    return this.#cursor
  }

  /** Whether a Welcome was dealt with before. */
  has(welcome: Bytes): boolean {
    return this.#handled.has(mapKey(sha256(welcome)))
  }

  /** Notes that a Welcome was dealt with. @throws `storage/…` */
  async handled(welcome: Bytes): Promise<void> {
    const hash = sha256(welcome)
    this.#handled.set(mapKey(hash), hash)
    for (const oldest of this.#handled.keys()) {
      if (this.#handled.size <= maxHandled) break
      this.#handled.delete(oldest)
    }
    await this.#save()
  }

  /** Notes how far the archive was read. @throws `storage/…` */
  async reached(cursor: string | undefined): Promise<void> {
    if (this.#begun && cursor === this.#cursor) return
    this.#begun = true
    this.#cursor = cursor
    await this.#save()
  }

  async #save(): Promise<void> {
    const handled = [...this.#handled.values()]
    await this.#storage.apply([putRecord(table, key, LogRecord, { cursor: this.#cursor, handled })])
  }
}
