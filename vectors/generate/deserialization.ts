import { toHex } from '../../src/bytes/text.ts'
import { maxVectorLength, Writer } from '../../src/codec/writer.ts'

/** Both ends of each size of a header, and values between. */
const lengths = [0, 1, 37, 0x3e, 0x3f, 0x40, 0x41, 0x1234, 0x3ffe, 0x3fff, 0x4000, 0x4001, 0x123456, maxVectorLength]

/** Headers of vectors. */
export function generateDeserialization(): unknown[] {
  return lengths.map((length) => {
    const writer = new Writer()
    writer.varint(length)
    return { vlbytes_header: toHex(writer.finish()), length }
  })
}
