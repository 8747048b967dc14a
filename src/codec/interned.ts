import type { Bytes } from '../bytes/bytes.ts'
import { type Codec, skip } from './codec.ts'
import type { Reader } from './reader.ts'

/** How many values an {@link interned} codec remembers, and how long their encodings may be. */
const [internedValues, internedLength] = [4, 256]

/**
 * A codec whose values are often equal, as the capabilities of the members of a group are: what comes again as it came before
 * is not decoded again, and all share one value. `freeze` makes that value immutable.
 */
export function interned<T>(item: Codec<T>, freeze: (value: T) => T): Codec<T> {
  /** The latest first. */
  const known: { readonly bytes: Bytes; readonly value: T }[] = []
  const find = (reader: Reader): { readonly value: T } | undefined => {
    const [first] = known
    if (first === undefined || reader.accept(first.bytes)) return first
    const index = known.findIndex(({ bytes }) => reader.accept(bytes))
    const [found] = index < 0 ? [] : known.splice(index, 1)
    if (found !== undefined) known.unshift(found)
    return found
  }
  return {
    read(reader) {
      const found = find(reader)
      if (found !== undefined) return found.value
      const start = reader.offset
      const value = freeze(item.read(reader))
      if (reader.offset - start > internedLength) return value
      known.unshift({ bytes: reader.since(start), value })
      known.length = Math.min(known.length, internedValues)
      return value
    },
    write: (writer, value) => item.write(writer, value),
    skip(reader) {
      if (find(reader) === undefined) skip(item, reader)
    },
  }
}
