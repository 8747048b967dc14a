/** What an observer outside of a crashing client sees: every encryption, and who was shown what. */
import { sha256 } from '@noble/hashes/sha2.js'
import { type Bytes, copyBytes, equalBytes } from '../../src/bytes/bytes.ts'
import { MlsError } from '../../src/bytes/errors.ts'
import { fromUtf8, toHex, utf8 } from '../../src/bytes/text.ts'
import type { CipherSuite, Rng } from '../../src/crypto/cipher-suite.ts'
import type { Group } from '../../src/group/group.ts'
import { tables } from '../../src/group-store/layout.ts'
import type { Storage } from '../../src/ports/storage.ts'

const hash = (...parts: readonly Uint8Array[]) => {
  const digest = sha256.create()
  for (const part of parts) digest.update(part)
  return toHex(copyBytes(digest.digest()))
}

/** Randomness that depends on a seed alone. */
export function seededRng(seed: string): Rng & { randomBytes(length: number): Bytes } {
  let counter = 0
  const randomBytes = (length: number): Bytes => {
    const out = new Uint8Array(length)
    for (let at = 0; at < length; at += 32) out.set(sha256(utf8(`${seed} ${counter++}`)).subarray(0, length - at), at)
    return out
  }
  return { randomBytes } as Rng & { randomBytes(length: number): Bytes }
}

/** I1: each key of a message encrypts one plaintext, and each pair of key and nonce does. */
export class SealLog {
  readonly violations: string[] = []
  /** Keys that were used, for the search of I5. */
  readonly keys: Bytes[] = []
  seals = 0
  readonly #byKey = new Map<string, string>()
  readonly #byPair = new Map<string, string>()

  note(key: string, pair: string, plaintext: string): void {
    this.seals++
    for (const [map, id, what] of [
      [this.#byKey, key, 'key'],
      [this.#byPair, pair, 'pair of key and nonce'],
    ] as const) {
      const known = map.get(id)
      if (known !== undefined && known !== plaintext) this.violations.push(`I1: one ${what}, two plaintexts`)
      map.set(id, plaintext)
    }
  }

  /** The suite with every encryption written down before it happens. */
  watch(suite: CipherSuite, write?: (line: string) => void): CipherSuite {
    return new Proxy(suite, {
      get: (target, name) => {
        if (name === 'seal')
          return (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array) => {
            const line = [hash(key), hash(key, nonce), hash(plaintext)] as const
            write?.(line.join(' '))
            this.note(...line)
            this.keys.push(copyBytes(key))
            return target.seal(key, nonce, aad, plaintext)
          }
        if (name === 'open')
          return (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array) => {
            const plaintext = target.open(key, nonce, aad, ciphertext)
            this.keys.push(copyBytes(key))
            return plaintext
          }
        const value = Reflect.get(target, name, target) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
}

/** A member that lives in memory alone. */
export class PlainMember {
  readonly name: string
  readonly group: Group
  readonly shown = new Map<string, number>()
  readonly violations: string[] = []
  #read: number

  constructor(name: string, group: Group, read: number) {
    this.name = name
    this.group = group
    this.#read = read
  }

  /** Reads what is new in the archive; `expected` messages are lost ones of races, whose epoch is over. */
  async read(archive: readonly { readonly from: string; readonly message: Bytes }[]): Promise<void> {
    for (; this.#read < archive.length && this.group.status === 'active'; this.#read++) {
      const { message } = archive[this.#read]!
      try {
        const result = await this.group.receive(message)
        if (result.kind === 'message') {
          const text = fromUtf8(result.data)
          this.shown.set(text, (this.shown.get(text) ?? 0) + 1)
        }
        if (result.kind === 'future-epoch') this.violations.push(`I3: ${this.name} is behind`)
      } catch (error) {
        this.violations.push(`I3: ${this.name} refused a message: ${String(error)}`)
      }
    }
  }
}

/** The whole content of a group store, as one hash. */
export async function contentHash(storage: Storage): Promise<string> {
  const digest = sha256.create()
  for (const table of Object.values(tables))
    for (const { key, value } of await storage.scan(table, { limit: 65_536 }))
      digest.update(utf8(`${table} ${toHex(key)} `)).update(value)
  return toHex(copyBytes(digest.digest()))
}

/** I5: whether any row holds one of these keys. */
export async function holdsAny(storage: Storage, keys: readonly Uint8Array[]): Promise<boolean> {
  const rows: Buffer[] = []
  for (const table of Object.values(tables))
    for (const { value } of await storage.scan(table, { limit: 65_536 })) rows.push(Buffer.from(value))
  const all = Buffer.concat(rows)
  return keys.some((key) => all.includes(Buffer.from(key)))
}

/** A storage that counts the batches that it has acknowledged. */
export function counting(storage: Storage, after: () => void | Promise<void>): Storage {
  return new Proxy(storage, {
    get: (target, name) => {
      if (name === 'apply')
        return async (batch: Parameters<Storage['apply']>[0]) => {
          await target.apply(batch)
          await after()
        }
      const value = Reflect.get(target, name, target) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** I8: whether an error is one that a client may see. */
export function isTyped(error: unknown): boolean {
  return error instanceof MlsError && error.kind !== 'bug'
}

export const same = equalBytes
