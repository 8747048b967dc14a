/** The messages of one conversation, when the application wants them kept. Encrypted as every value of a sealed store. */
import { concatBytes } from '../bytes/bytes.ts'
import type { Storage, StorageOperation } from '../ports/storage.ts'
import { putRecord } from '../storage/records.ts'
import { key64, number64, tables } from './layout.ts'
import { type MessageRecord, records } from './records.ts'

/** A message that was kept. */
export interface StoredMessage extends Omit<MessageRecord, 'epoch'> {
  /** Its place in the conversation: later messages have greater numbers. */
  readonly number: bigint
  readonly epoch: bigint
}

/** Which messages to read. */
export interface HistoryPage {
  /** Messages before this number; the newest, when absent. */
  readonly before?: bigint
  /** 1 to 1,000; 50 by default. */
  readonly limit?: number
}

/** See the file. */
export class History {
  readonly #storage: Storage
  readonly #name: Uint8Array
  #next: bigint | undefined

  constructor(storage: Storage, name: Uint8Array) {
    this.#storage = storage
    this.#name = name
  }

  /** Finds where the next message goes; before the first {@link append}. */
  async open(): Promise<void> {
    if (this.#next !== undefined) return
    const [last] = await this.#storage.scanKeys(tables.history, { prefix: this.#name, reverse: true, limit: 1 })
    this.#next = last === undefined ? 0n : number64(last, this.#name.length) + 1n
  }

  /** The operation that keeps a message. */
  append(message: Omit<StoredMessage, 'number'>): StorageOperation {
    const number = this.#next ?? 0n
    this.#next = number + 1n
    const record = { ...message, epoch: key64(message.epoch) }
    return putRecord(tables.history, concatBytes(this.#name, key64(number)), records.message, record)
  }

  /** A page of messages, newest first. @throws `storage/damaged`, `storage/io` */
  async page({ before, limit = 50 }: HistoryPage = {}): Promise<StoredMessage[]> {
    const bound = before === undefined ? {} : { before: concatBytes(this.#name, key64(before)) }
    const rows = await this.#storage.scan(tables.history, {
      prefix: this.#name,
      ...bound,
      reverse: true,
      limit: Math.min(Math.max(limit, 1), 1000),
    })
    return rows.map(({ key, value }) => {
      const { epoch, ...message } = records.message.decode(value)
      return { ...message, epoch: number64(epoch), number: number64(key, this.#name.length) }
    })
  }

  /** All messages, oldest first, read a page at a time: for an export. @throws `storage/damaged`, `storage/io` */
  async *export(): AsyncGenerator<StoredMessage, void> {
    for (let from = 0n; ; ) {
      const rows = await this.#storage.scan(tables.history, {
        prefix: this.#name,
        from: concatBytes(this.#name, key64(from)),
        limit: 256,
      })
      for (const { key, value } of rows) {
        const { epoch, ...message } = records.message.decode(value)
        from = number64(key, this.#name.length) + 1n
        yield { ...message, epoch: number64(epoch), number: from - 1n }
      }
      if (rows.length < 256) return
    }
  }

  /** What deletes all messages. */
  forget(): StorageOperation {
    return { kind: 'delete_prefix', table: tables.history, prefix: this.#name }
  }

  /**
   * What deletes messages that came before a time, in milliseconds, and those beyond a number of newest ones.
   * @throws `storage/damaged`, `storage/io`
   */
  async expire(bounds: { readonly before?: number; readonly keep?: number }): Promise<StorageOperation[]> {
    const keys = await this.#storage.scanKeys(tables.history, { prefix: this.#name, limit: 65_536 })
    const beyond = bounds.keep === undefined ? 0 : Math.max(0, keys.length - bounds.keep)
    let count = beyond
    if (bounds.before !== undefined)
      for await (const { at, number } of this.export()) {
        if (at >= bounds.before) break
        count = Math.max(count, keys.findIndex((key) => number64(key, this.#name.length) === number) + 1)
      }
    return keys.slice(0, count).map((key) => ({ kind: 'delete', table: tables.history, key }))
  }
}
