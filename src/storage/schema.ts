/**
 * What a field of a record may be. A schema reads a decoded value into its type, or says that the record is damaged, and
 * writes it back. Objects list their fields: missing and unknown fields are refused.
 */
import { type Bytes, copyBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { type CborValue, encodeCbor } from './cbor.ts'
import { type CborWriter, majorTypes } from './cbor-writer.ts'

/** Reads and writes one kind of value. */
export interface Schema<T> {
  /**
   * The value, checked; it shares no memory with what was read.
   * @throws `storage/damaged`; `at` names the field in the message
   */
  read(value: CborValue | undefined, at: string): T
  /**
   * Writes the value as CBOR.
   * @throws `storage/damaged` for one that could not be read again; `at` names the field in the message
   */
  write(to: CborWriter, value: T, at: string): void
  /** Whether `undefined` leaves the field out. */
  readonly optional?: boolean
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
  const checked = (value: unknown, at: string): number => {
    test(typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max, at)
    return value
  }
  return {
    read: (value, at) => checked(typeof value === 'bigint' ? Number(value) : value, at),
    write: (to, value, at) => to.number(checked(value, at)),
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
  write(to, value, at) {
    test(typeof value === 'bigint' && value >= 0n && value < 1n << 64n, at)
    to.text(String(value))
  },
}

/** True or false. */
export const bool: Schema<boolean> = {
  read: flag,
  write: (to, value, at) => to.simple(flag(value, at)),
}

function flag(value: unknown, at: string): boolean {
  test(typeof value === 'boolean', at)
  return value
}

/** Bytes of exactly `length`, or of any length up to `max`. */
export function bytes(bounds: { readonly length: number } | { readonly max: number }): Schema<Bytes> {
  const checked = (value: unknown, at: string): Uint8Array => {
    test(value instanceof Uint8Array, at)
    test('length' in bounds ? value.length === bounds.length : value.length <= bounds.max, at)
    return value
  }
  return {
    read: (value, at) => copyBytes(checked(value, at)),
    write: (to, value, at) => to.bytes(checked(value, at)),
  }
}

/** Text of up to `max` UTF-16 units. */
export function text(max: number): Schema<string> {
  const checked = (value: unknown, at: string): string => {
    test(typeof value === 'string' && value.length <= max, at)
    return value
  }
  return { read: checked, write: (to, value, at) => to.text(checked(value, at)) }
}

/** One of the given texts. */
export function oneOf<const T extends string>(...choices: readonly T[]): Schema<T> {
  const checked = (value: unknown, at: string): T => {
    const found = choices.find((choice) => choice === value)
    test(found !== undefined, at)
    return found
  }
  return { read: checked, write: (to, value, at) => to.text(checked(value, at)) }
}

/** A value that may be absent, as `undefined`. */
export function optional<T>(of: Schema<T>): Schema<T | undefined> {
  return {
    read: (value, at) => (value === undefined ? undefined : of.read(value, at)),
    write(to, value, at) {
      test(value !== undefined, at)
      of.write(to, value, at)
    },
    optional: true,
  }
}

/** A list of up to `max` values. */
export function list<T>(of: Schema<T>, max: number): Schema<readonly T[]> {
  return {
    read(value, at) {
      test(Array.isArray(value) && value.length <= max, at)
      return (value as readonly CborValue[]).map((item, i) => of.read(item, `${at}[${i}]`))
    },
    write(to, value, at) {
      test(Array.isArray(value) && value.length <= max, at)
      to.head(majorTypes.array, value.length)
      for (const item of value) of.write(to, item, at)
    },
  }
}

/** Named fields, exactly these. */
export function fields<const F extends Fields>(of: F): Schema<Values<F>> {
  const names = Object.keys(of) as (keyof F & string)[]
  const written = names.map((name) => ({ name, key: encodeCbor(name), schema: of[name] as Schema<unknown> }))
  return {
    read(value, at) {
      test(value instanceof Map, at)
      for (const name of value.keys()) test(names.includes(name as string), at)
      // Names come from the schema, never from the record.
      const out: Partial<Record<keyof F, unknown>> = Object.create(null)
      for (const name of names) out[name] = of[name]?.read(value.get(name) as CborValue | undefined, `${at}.${name}`)
      return out as Values<F>
    },
    write(to, value, at) {
      test(typeof value === 'object' && value !== null, at)
      let count = 0
      for (const { name, schema } of written) if (value[name] !== undefined || schema.optional !== true) count++
      to.head(majorTypes.map, count)
      for (const { name, key, schema } of written) {
        const item = value[name]
        if (item === undefined && schema.optional === true) continue
        to.raw(key)
        schema.write(to, item, name)
      }
    },
  }
}
