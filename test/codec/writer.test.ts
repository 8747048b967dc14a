import { describe, expect, test } from 'vitest'
import { Writer } from '../../src/codec/writer.ts'

describe('Writer', () => {
  test.each([
    ['uint8', 1, (writer: Writer) => writer.uint8(0xab), [0xab]],
    ['uint16', 2, (writer: Writer) => writer.uint16(0xabcd), [0xab, 0xcd]],
    ['uint32', 4, (writer: Writer) => writer.uint32(0xabcdef01), [0xab, 0xcd, 0xef, 0x01]],
    ['varint', 2, (writer: Writer) => writer.varint(0x3fff), [0x7f, 0xff]],
    ['raw', 2, (writer: Writer) => writer.raw(new Uint8Array([1, 2])), [1, 2]],
  ] as const)('%s is written also where the buffer grows', (_, size, write, bytes) => {
    for (let before = 0; before < 40; before++) {
      const writer = new Writer(16)
      for (let i = 0; i < before; i++) writer.uint8(0x11)
      write(writer)
      writer.uint8(0x22)
      const expected = [...new Array<number>(before).fill(0x11), ...bytes, 0x22]
      expect(expected.length).toBe(before + size + 1)
      expect([...writer.finish()]).toEqual(expected)
    }
  })

  test.each([
    [0, [0x00]],
    [0x3f, [0x3f]],
    [0x40, [0x40, 0x40]],
    [0x3fff, [0x7f, 0xff]],
    [0x4000, [0x80, 0x00, 0x40, 0x00]],
  ])('a vector of %i bytes has its shortest length, whatever length was expected', (length, head) => {
    for (const expected of [1, 2, 4] as const) {
      const writer = new Writer(16)
      writer.uint8(0x11)
      writer.vector(() => {
        for (let i = 0; i < length; i++) writer.uint8(0x33)
      }, expected)
      writer.uint8(0x22)
      expect(writer.finish()).toEqual(Uint8Array.of(0x11, ...head, ...new Array<number>(length).fill(0x33), 0x22))
    }
  })
})
