import type { Bytes } from '../bytes/bytes.ts'
import { type Codec, encode, skip } from './codec.ts'

/** A codec that knows the encoding of what it decoded. */
export interface Remembered<T extends object> extends Codec<T> {
  /** The encoding of a value: as it came, when this codec decoded it. Not to be changed. */
  bytesOf(value: T): Bytes
  /** Encodes a value that was made here, and remembers that as if it had been decoded. */
  keep(value: T): T
}

/**
 * A codec for values that are encoded again after they were decoded: to be hashed, to check a signature, to be sent on. The
 * bytes as they came are kept for as long as the value itself, which must not be changed: the law that `encode(decode(b))` is
 * `b` holds either way.
 */
export function remembered<T extends object>(item: Codec<T>): Remembered<T> {
  const known = new WeakMap<T, Bytes>()
  return {
    read(reader) {
      const start = reader.offset
      const value = item.read(reader)
      known.set(value, reader.since(start))
      return value
    },
    write(writer, value) {
      const bytes = known.get(value)
      if (bytes === undefined) item.write(writer, value)
      else writer.raw(bytes)
    },
    skip: (reader) => skip(item, reader),
    bytesOf: (value) => known.get(value) ?? encode(item, value),
    keep(value) {
      known.set(value, encode(item, value))
      return value
    },
  }
}
