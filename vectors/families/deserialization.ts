import { Reader } from '../../src/codec/reader.ts'
import { expectEqual } from '../expect.ts'
import type { Fields } from '../fields.ts'

/** Family `deserialization`: the headers of vectors, RFC 9420 §2.1.2. */
export function checkDeserialization(vector: Fields): void {
  const reader = new Reader(vector.hex('vlbytes_header'))
  const length = reader.varint()
  reader.finish()
  expectEqual('length', length, vector.number('length'))
}
