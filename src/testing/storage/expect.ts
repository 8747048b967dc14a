/** Small assertions for the checks: each throws an `Error` that says what was expected. */
import { ascii, type Bytes } from '../../bytes/bytes.ts'
import { toHex } from '../../bytes/text.ts'
import type { Storage, StorageOperation } from '../../ports/storage.ts'
import type { StorageCheck, StorageSubject } from './check.ts'

/** Fails with `message` unless `condition` holds. */
export function expectTrue(condition: boolean, message: string): void {
  if (!condition) throw new Error(message)
}

/** Fails unless the two values are equal; byte strings compare by content, lists by element. */
export function expectSame(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [show(actual), show(expected)]
  if (a !== b) throw new Error(`${what}: expected ${b}, got ${a}`)
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `<${toHex(value)}>`
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`
  if (value instanceof Map) return show([...value].sort())
  if (typeof value === 'object' && value !== null)
    return show(Object.entries(value).map(([key, item]) => `${key}=${show(item)}`))
  return String(value)
}

/** Fails unless the promise rejects with an error of this code. */
export async function expectCode(work: Promise<unknown>, code: string, what: string): Promise<void> {
  try {
    await work
  } catch (error) {
    const actual = (error as { code?: unknown }).code
    if (actual === code) return
    throw new Error(`${what}: expected ${code}, got ${String(actual ?? error)}`)
  }
  throw new Error(`${what}: expected ${code}, but it succeeded`)
}

/** A key or value of ASCII text. */
export function bytes(text: string): Bytes {
  return ascii(text)
}

/** The operation that puts a text at a text. */
export function put(table: string, key: string, value: string): StorageOperation {
  return { kind: 'put', table, key: bytes(key), value: bytes(value) }
}

/** The operation that deletes a text key. */
export function remove(table: string, key: string): StorageOperation {
  return { kind: 'delete', table, key: bytes(key) }
}

/** The operation that deletes all keys with a text prefix. */
export function removePrefix(table: string, prefix: string): StorageOperation {
  return { kind: 'delete_prefix', table, prefix: bytes(prefix) }
}

/** The value at a text key as text, or `undefined`. */
export async function textAt(store: Storage, table: string, key: string): Promise<string | undefined> {
  const value = await store.get(table, bytes(key))
  return value === undefined ? undefined : String.fromCharCode(...value)
}

/** A check that works on one open store, which is closed at the end. */
export function onStore(name: string, body: (store: Storage, subject: StorageSubject) => Promise<void>): StorageCheck {
  return {
    name,
    async run(subject) {
      const store = await subject.open()
      try {
        await body(store, subject)
      } finally {
        await store.close()
      }
    },
  }
}
