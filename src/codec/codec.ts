/**
 * The presentation language of RFC 9420 §2.1 as values: one `Codec` describes both directions, and the TypeScript type is
 * inferred from it, so a struct is written once.
 *
 * Laws, tested for every exported codec: `decode(encode(v))` equals `v`; `encode(decode(b))` equals `b` for every accepted
 * `b` (V029); every proper prefix and every input with trailing bytes is rejected; a length is accepted in its minimal form
 * only; no allocation exceeds a constant times the input.
 */
import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { Reader } from './reader.ts'
import { type Writer, written } from './writer.ts'

/** Both directions of one structure. */
export interface Codec<T> {
  read(reader: Reader): T
  write(writer: Writer, value: T): void
  /** Reads past the structure with all checks of {@link read}, and makes no value of it. */
  skip?(reader: Reader): void
}

/** A codec of named fields, which can be joined with others into one flat object. */
export interface Fields<T> extends Codec<T> {
  /** Reads the fields into an object that is being built. */
  fill(reader: Reader, into: Record<string, unknown>): void
}

/** The type that a codec describes. */
export type Infer<C> = C extends Codec<infer T> ? T : never

type Spec = Readonly<Record<string, Codec<unknown>>>
type Struct<S extends Spec> = { readonly [K in keyof S]: Infer<S[K]> }
type Arms = Readonly<Record<string, readonly [code: number, body: Spec]>>
type Variant<D extends string, A extends Arms> = {
  [K in keyof A]: { readonly [P in D]: K } & Struct<A[K][1]>
}[keyof A]

/** Encodes a value. @throws `codec/range` for a value that the structure cannot hold */
export function encode<T>(codec: Codec<T>, value: T): Bytes {
  return written((writer) => codec.write(writer, value))
}

/**
 * Decodes a whole byte string; `trailing` is the rule that bytes after it break. Byte strings of `shareFrom` bytes are views of
 * `bytes`, see {@link Reader}. @throws codes of kind `malformed`
 */
export function decode<T>(
  codec: Codec<T>,
  bytes: Uint8Array,
  trailing: 'V009' | 'V010' = 'V010',
  shareFrom?: number,
): T {
  const reader = new Reader(bytes, shareFrom)
  const value = codec.read(reader)
  reader.finish(trailing)
  return value
}

/** Reads past a structure: everything that decoding would refuse is refused. @throws codes of kind `malformed` */
export function skip<T>(codec: Codec<T>, reader: Reader): void {
  if (codec.skip === undefined) codec.read(reader)
  else codec.skip(reader)
}

/** `uint8` of RFC 9420 §2.1, big-endian; a number. @throws `codec/short`, `codec/range` */
export const uint8: Codec<number> = { read: (r) => r.uint8(), write: (w, v) => w.uint8(v) }
/** `uint16` of RFC 9420 §2.1, big-endian; a number. @throws `codec/short`, `codec/range` */
export const uint16: Codec<number> = { read: (r) => r.uint16(), write: (w, v) => w.uint16(v) }
/** `uint32` of RFC 9420 §2.1, big-endian; a number. @throws `codec/short`, `codec/range` */
export const uint32: Codec<number> = { read: (r) => r.uint32(), write: (w, v) => w.uint32(v) }
/** `uint64` of RFC 9420 §2.1, big-endian; a bigint. @throws `codec/short`, `codec/range` */
export const uint64: Codec<bigint> = {
  read: (r) => r.uint64(),
  write: (w, v) => w.uint64(v),
  skip: (r) => r.skip(8),
}

/** `opaque x<V>`, decoded to a copy. */
export const opaque: Codec<Bytes> = {
  read: (r) => r.take(r.varint()),
  write: (w, v) => w.opaque(v),
  skip: (r) => r.skip(r.varint()),
}

/** `opaque x[length]`. */
export function fixed(length: number): Codec<Bytes> {
  return {
    read: (r) => r.take(length),
    write: (w, v) => {
      if (v.length !== length) throw new MlsError('codec/range', 'a byte string of another length')
      w.raw(v)
    },
    skip: (r) => r.skip(length),
  }
}

/** `T x<V>` with at most `max` elements (R03). */
export function vec<T>(item: Codec<T>, max = 0x3fffffff): Codec<readonly T[]> {
  return {
    read(reader) {
      const list: T[] = []
      const outer = reader.enter(reader.varint())
      while (reader.left > 0) {
        if (list.length === max) throw tooMany()
        list.push(item.read(reader))
      }
      reader.leave(outer)
      return list
    },
    write(writer, list) {
      writer.vector(() => {
        for (const value of list) item.write(writer, value)
      })
    },
    skip(reader) {
      const outer = reader.enter(reader.varint())
      for (let count = 0; reader.left > 0; count++) {
        if (count === max) throw tooMany()
        skip(item, reader)
      }
      reader.leave(outer)
    },
  }
}

function tooMany(): MlsError {
  return new MlsError('codec/limit', 'too many elements', { rule: 'R03' })
}

/** `optional<T>` (RFC 9420 §2.1.1); an absent value is `undefined`. */
export function optional<T>(item: Codec<T>): Codec<T | undefined> {
  return {
    read: (reader) => (isPresent(reader) ? item.read(reader) : undefined),
    write(writer, value) {
      writer.uint8(value === undefined ? 0 : 1)
      if (value !== undefined) item.write(writer, value)
    },
    skip(reader) {
      if (isPresent(reader)) skip(item, reader)
    },
  }
}

/** The presence octet of an optional value. @throws `codec/presence` (V001) */
export function isPresent(reader: Reader): boolean {
  const presence = reader.uint8()
  if (presence > 1) throw new MlsError('codec/presence', 'a presence octet other than 0 and 1', { rule: 'V001' })
  return presence === 1
}

/** A closed enum: names as in the RFC, unknown numbers are malformed. `rule` is the id of that check. */
export function enumeration<const E extends Readonly<Record<string, number>>>(
  base: Codec<number>,
  values: E,
  rule: string,
): Codec<keyof E & string> {
  const names = new Map(Object.entries(values).map(([name, value]) => [value, name]))
  return {
    read(reader) {
      const name = names.get(base.read(reader))
      if (name === undefined) throw new MlsError('codec/enum', 'a value outside a closed enumeration', { rule })
      return name
    },
    write(writer, name) {
      base.write(writer, values[name] as number)
    },
  }
}

/** A struct: the fields in order. */
export function struct<const S extends Spec>(spec: S): Fields<Struct<S>> {
  const names = Object.keys(spec)
  const codecs = Object.values(spec)
  const { length } = names
  // each message and each leaf of a tree goes through these: no iterators
  return {
    fill(reader, into) {
      for (let i = 0; i < length; i++) into[names[i] as string] = (codecs[i] as Codec<unknown>).read(reader)
    },
    read(reader) {
      const value: Record<string, unknown> = {}
      this.fill(reader, value)
      return value as Struct<S>
    },
    write(writer, value) {
      for (let i = 0; i < length; i++) (codecs[i] as Codec<unknown>).write(writer, value[names[i] as string])
    },
    skip(reader) {
      for (let i = 0; i < length; i++) skip(codecs[i] as Codec<unknown>, reader)
    },
  }
}

/** A `select` on a closed enum: `discriminant` is a field of the flat result. `rule` is the id of the check of its value. */
export function variant<const D extends string, const A extends Arms>(
  discriminant: D,
  base: Codec<number>,
  arms: A,
  rule: string,
): Fields<Variant<D, A>> {
  const byCode = new Map(Object.entries(arms).map(([name, [code, body]]) => [code, { name, body: struct(body) }]))
  const byName = new Map(Object.entries(arms).map(([name, [code, body]]) => [name, { code, body: struct(body) }]))
  const armOf = (reader: Reader) => {
    const arm = byCode.get(base.read(reader))
    if (arm === undefined) throw new MlsError('codec/enum', 'a value outside a closed enumeration', { rule })
    return arm
  }
  return {
    fill(reader, into) {
      const arm = armOf(reader)
      into[discriminant] = arm.name
      arm.body.fill(reader, into)
    },
    read(reader) {
      const value: Record<string, unknown> = {}
      this.fill(reader, value)
      return value as Variant<D, A>
    },
    write(writer, value) {
      const arm = byName.get((value as Record<string, unknown>)[discriminant] as string)
      if (arm === undefined) throw new MlsError('codec/range', 'a value outside a closed enumeration')
      base.write(writer, arm.code)
      arm.body.write(writer, value as never)
    },
    skip(reader) {
      skip(armOf(reader).body, reader)
    },
  }
}

/** Joins groups of fields into one flat object. */
export function concat<A, B>(a: Fields<A>, b: Fields<B>): Fields<A & B>
export function concat<A, B, C>(a: Fields<A>, b: Fields<B>, c: Fields<C>): Fields<A & B & C>
export function concat(...parts: readonly Fields<unknown>[]): Fields<unknown> {
  return {
    fill(reader, into) {
      for (const part of parts) part.fill(reader, into)
    },
    read(reader) {
      const value: Record<string, unknown> = {}
      this.fill(reader, value)
      return value
    },
    write(writer, value) {
      for (const part of parts) part.write(writer, value)
    },
    skip(reader) {
      for (const part of parts) skip(part, reader)
    },
  }
}

/** `T` inside `opaque<V>`: a nested structure with its own length, which it must use up (V010). */
export function nested<T>(item: Codec<T>): Codec<T> {
  return {
    read: (reader) => reader.within(reader.varint(), () => item.read(reader)),
    write: (writer, value) => writer.vector(() => item.write(writer, value)),
    skip: (reader) => reader.within(reader.varint(), () => skip(item, reader)),
  }
}

/** A codec with a check after reading; `test` throws to reject. Writing is not checked. */
export function checked<T>(item: Codec<T>, test: (value: T) => void): Codec<T> {
  return {
    read(reader) {
      const value = item.read(reader)
      test(value)
      return value
    },
    write: (writer, value) => item.write(writer, value),
  }
}
