/**
 * What a field of a record may be. A schema reads a decoded value into its type, or says that the record is damaged, and
 * writes it back. Objects list their fields: missing and unknown fields are refused.
 */
import { type Bytes, copyBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { CborValue } from './cbor.ts'

/** Reads and writes one kind of value. */
export interface Schema<T> {
  /**
   * The value, checked; it shares no memory with what was read.
   * @throws `storage/damaged`; `at` names the field in the message
   */
  read(value: CborValue | undefined, at: string): T
  /** The value as CBOR; `undefined` leaves the field out. */
  write(value: T): CborValue | undefined
}

/** The type that a schema reads. */
export type Infer<S> = S extends Schema<infer T> ? T : never

type Fields = Readonly<Record<string, Schema<unknown>>>
type Values<F extends Fields> = { readonly [K in keyof F]: Infer<F[K]> }

function wrong(at: string): MlsError {
  return new MlsError('storage/damaged', `record: field ${at}`)
}

function test(ok: boolean, at: string): asserts ok {
  if (!ok) throw wrong(at)
}

/** An integer from 0 to `max`, at most 2^53 - 1. */
export function uint(max: number = Number.MAX_SAFE_INTEGER): Schema<number> {
  return {
    read(value, at) {
      const number = typeof value === 'bigint' ? Number(value) : value
      test(typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 && number <= max, at)
      return number
    },
    write: (value) => value,
  }
}

/** An integer from 0 to 2^64 - 1, as decimal text. */
export const uint64: Schema<bigint> = {
  read(value, at) {
    test(typeof value === 'string' && /^\d{1,20}$/.test(value), at)
    const number = BigInt(value)
    test(number < 1n << 64n, at)
    return number
  },
  write: (value) => String(value),
}

/** True or false. */
export const bool: Schema<boolean> = {
  read(value, at) {
    test(typeof value === 'boolean', at)
    return value
  },
  write: (value) => value,
}

/** Bytes of exactly `length`, or of any length up to `max`. */
export function bytes(bounds: { readonly length: number } | { readonly max: number }): Schema<Bytes> {
  return {
    read(value, at) {
      test(value instanceof Uint8Array, at)
      test('length' in bounds ? value.length === bounds.length : value.length <= bounds.max, at)
      return copyBytes(value)
    },
    write: (value) => value,
  }
}

/** Text of up to `max` UTF-16 units. */
export function text(max: number): Schema<string> {
  return {
    read(value, at) {
      test(typeof value === 'string' && value.length <= max, at)
      return value
    },
    write: (value) => value,
  }
}

/** One of the given texts. */
export function oneOf<const T extends string>(...choices: readonly T[]): Schema<T> {
  return {
    read(value, at) {
      const found = choices.find((choice) => choice === value)
      test(found !== undefined, at)
      return found
    },
    write: (value) => value,
  }
}

/** A value that may be absent, as `undefined`. */
export function optional<T>(of: Schema<T>): Schema<T | undefined> {
  return {
    read: (value, at) => (value === undefined ? undefined : of.read(value, at)),
    write: (value) => (value === undefined ? undefined : of.write(value)),
  }
}

/** A list of up to `max` values. */
export function list<T>(of: Schema<T>, max: number): Schema<readonly T[]> {
  return {
    read(value, at) {
      test(Array.isArray(value) && value.length <= max, at)
      return (value as readonly CborValue[]).map((item, i) => of.read(item, `${at}[${i}]`))
    },
    write: (value) => value.map((item) => of.write(item) ?? null),
  }
}

/** Named fields, exactly these. */
export function fields<const F extends Fields>(of: F): Schema<Values<F>> {
  const names = Object.keys(of) as (keyof F & string)[]
  return {
    read(value, at) {
      test(value instanceof Map, at)
      for (const name of value.keys()) test(names.includes(name as string), at)
      // Names come from the schema, never from the record.
      const out: Partial<Record<keyof F, unknown>> = Object.create(null)
      for (const name of names) out[name] = of[name]?.read(value.get(name) as CborValue | undefined, `${at}.${name}`)
      return out as Values<F>
    },
    write(value) {
      const out = new Map<string, CborValue>()
      for (const name of names) {
        const written = of[name]?.write(value[name])
        if (written !== undefined) out.set(name, written)
      }
      return out
    },
  }
}
