import { Encoder } from 'cbor-x'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CborValue, decodeCbor, encodeCbor } from '../../src/storage/cbor.ts'
import { MemoryMedium, openMemoryStorage } from '../../src/storage/memory.ts'
import { putRecord, readRecord, recordType } from '../../src/storage/records.ts'
import { bool, bytes, fields, list, oneOf, optional, text, uint, uint64 } from '../../src/storage/schema.ts'

const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length))
const hex = (value: string) => Uint8Array.from(Buffer.from(value, 'hex'))
const damaged = expect.objectContaining({ code: 'storage/damaged' })

const sample = recordType({
  type: 'sample',
  version: 1,
  schema: fields({
    id: bytes({ length: 4 }),
    state: oneOf('open', 'closed'),
    count: uint(),
    last: optional(uint(255)),
    names: list(fields({ name: text(20), mine: bool }), 3),
  }),
})
const value = {
  id: Uint8Array.of(1, 2, 3, 4),
  state: 'open' as const,
  count: 2 ** 53 - 1,
  last: undefined,
  names: [{ name: 'a', mine: true }],
}

describe('CBOR', () => {
  // RFC 8949 appendix A, those of its examples that records may hold.
  test.each<[string, CborValue]>([
    ['00', 0],
    ['17', 23],
    ['1818', 24],
    ['1903e8', 1000],
    ['1a000f4240', 1000000],
    ['20', -1],
    ['3903e7', -1000],
    ['fb3ff199999999999a', 1.1],
    ['f4', false],
    ['f5', true],
    ['f6', null],
    ['4401020304', Uint8Array.of(1, 2, 3, 4)],
    ['6449455446', 'IETF'],
    ['62c3bc', 'ü'],
    ['83010203', [1, 2, 3]],
    ['8301820203820405', [1, [2, 3], [4, 5]]],
    [
      'a26161016162820203',
      new Map<string, CborValue>([
        ['a', 1],
        ['b', [2, 3]],
      ]),
    ],
    ['826161a161626163', ['a', new Map([['b', 'c']])]],
  ])('reads %s of RFC 8949 and writes it back', (encoded, expected) => {
    expect(decodeCbor(hex(encoded))).toEqual(expected)
    expect(decodeCbor(encodeCbor(expected))).toEqual(expected)
  })

  test.each([
    ['c074323031332d30332d32315432303a30343a30305a', 'tag: date'],
    ['c249010000000000000000', 'tag: bignum'],
    ['d81c80', 'tag: shared value'],
    ['d81b82656572726f7200', 'tag: object'],
    ['d869830084616161626163', 'tag: record'],
    ['a10102', 'key that is a number'],
    ['a1f600', 'key that is null'],
    ['5f42010243030405ff', 'indefinite bytes'],
    ['9fff', 'indefinite array'],
    ['bfff', 'indefinite map'],
    ['f7', 'undefined'],
    ['f0', 'simple value'],
    ['f818', 'wide simple value'],
    ['1c', 'reserved'],
    ['62c328', 'not UTF-8'],
    ['9b7fffffffffffffff', 'array of 2^63 items'],
    ['bb7fffffffffffffff', 'map of 2^63 items'],
    ['5b7fffffffffffffff', '2^63 bytes'],
    ['9affffffff', 'array of 2^32 items'],
    ['', 'nothing'],
    ['0000', 'two values'],
    [`${'81'.repeat(40)}00`, 'nested deeply'],
    ['81'.repeat(100_000), 'nested very deeply'],
  ])('refuses %.30s', (encoded) => {
    expect(() => decodeCbor(hex(encoded))).toThrow(damaged)
  })

  test('what is written is what cbor-x writes', () => {
    const library = new Encoder({
      mapsAsObjects: false,
      useRecords: false,
      tagUint8Array: false,
      variableMapSize: true,
    })
    const leaf = fc.oneof(
      fc.boolean(),
      fc.constant(null),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.nat(300),
      fc.nat(2 ** 32 + 5),
      fc.double(),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ maxLength: 300 }),
      fc.string({ unit: 'grapheme', maxLength: 90 }),
    )
    const { value: any } = fc.letrec<{ value: CborValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.array(tie('value'), { maxLength: 30 }),
        fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 30 }).map((entries) => new Map(entries)),
      ),
    }))
    fc.assert(
      fc.property(any, (one) => {
        expect(Buffer.from(encodeCbor(one)).toString('hex')).toBe(Buffer.from(library.encode(one)).toString('hex'))
      }),
      { numRuns: 2000 },
    )
    for (const length of [23, 24, 255, 256, 65_535, 65_536, 200_000])
      for (const text of ['x'.repeat(length), `${'x'.repeat(length)}ü`])
        expect(decodeCbor(encodeCbor([text, Uint8Array.of(1)]))).toEqual([text, Uint8Array.of(1)])
  })

  test('a key that names a property is a key like any other', () => {
    const map = decodeCbor(
      encodeCbor(
        new Map([
          ['__proto__', 1],
          ['constructor', 2],
        ]),
      ),
    )
    expect(map).toBeInstanceOf(Map)
    expect((map as Map<string, number>).get('__proto__')).toBe(1)
    expect((map as Map<string, number>).size).toBe(2)
  })

  test('any bytes give a value or storage/damaged, and every prefix of a value is damaged', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
        try {
          decodeCbor(input)
        } catch (error) {
          expect(error).toEqual(damaged)
        }
      }),
      { numRuns: 3000 },
    )
    const whole = sample.encode(value)
    for (let i = 0; i < whole.length; i++) expect(() => decodeCbor(whole.subarray(0, i))).toThrow(damaged)
  })
})

describe('records', () => {
  test('what was written is read', () => {
    expect({ ...sample.decode(sample.encode(value)) }).toEqual({
      ...value,
      names: [expect.objectContaining(value.names[0]!)],
    })
    expect(sample.decode(sample.encode({ ...value, last: 255 })).last).toBe(255)
  })

  test('values that the schema does not allow are refused when written', () => {
    const bad = [
      { last: 256 },
      { count: -1 },
      { count: 1.5 },
      { id: new Uint8Array(5) },
      { names: Array(4).fill(value.names[0]) },
    ]
    for (const change of bad)
      expect(() => sample.encode({ ...value, ...change })).toThrow(expect.objectContaining({ code: 'storage/range' }))
  })

  test('a wrong field of any kind, a missing and an unknown one, another type and shape are damaged', () => {
    const body = () => decodeCbor(sample.encode(value)) as [string, number, Map<string, CborValue>]
    const wrong: CborValue[] = [
      null,
      5,
      [],
      [1, 2, 3],
      ['sample', 1],
      ['other', 1, body()[2]],
      ['sample', 0, body()[2]],
    ]
    wrong.push(['sample', 1.5, body()[2]], ['sample', '1', body()[2]], ['sample', 1, null], ['sample', 1, []])
    for (const name of ['id', 'state', 'count', 'names']) {
      for (const other of [null, 'x', -1, 1.5, [5], new Map(), Uint8Array.of(1)]) {
        const changed = body()
        changed[2].set(name, other)
        wrong.push(changed)
      }
      const less = body()
      less[2].delete(name)
      wrong.push(less)
    }
    for (const name of ['unknown', '__proto__']) {
      const more = body()
      more[2].set(name, 1)
      wrong.push(more)
    }
    for (const record of wrong) expect(() => sample.decode(encodeCbor(record))).toThrow(damaged)
    expect(() => sample.decode(new Encoder({ tagUint8Array: true }).encode(['sample', 1, { id: value.id }]))).toThrow(
      damaged,
    )
  })

  test('numbers of 64 bits are decimal text of their range', () => {
    const big = recordType({ type: 'big', version: 1, schema: fields({ number: uint64 }) })
    const stored = (number: CborValue) => encodeCbor(['big', 1, new Map([['number', number]])])
    for (const number of [0n, 2n ** 53n + 1n, 2n ** 64n - 1n])
      expect(big.decode(big.encode({ number })).number).toBe(number)
    expect(decodeCbor(big.encode({ number: 7n }))).toEqual(['big', 1, new Map([['number', '7']])])
    for (const number of [7, '', ' 7', '-1', '0x7', '7n', String(2n ** 64n), '1'.repeat(21)])
      expect(() => big.decode(stored(number))).toThrow(damaged)
    for (const number of [-1n, 2n ** 64n])
      expect(() => big.encode({ number })).toThrow(expect.objectContaining({ code: 'storage/range' }))
  })

  test('any changed byte gives a record or a typed error', () => {
    const good = sample.encode(value)
    for (let i = 0; i < good.length; i++)
      for (const mask of [1, 0x20, 0x80, 0xff]) {
        const bad = good.slice()
        bad[i]! ^= mask
        try {
          sample.decode(bad)
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^storage\/(damaged|version)$/) })
        }
      }
  })

  test('older versions are migrated step by step, newer ones are refused', () => {
    const first = recordType({ type: 'note', version: 1, schema: fields({ title: text(9) }) })
    const third = recordType({
      type: 'note',
      version: 3,
      schema: fields({ title: text(9), length: uint(), read: bool }),
      migrations: [(body) => body.set('length', String(body.get('title')).length), (body) => body.set('read', false)],
    })
    expect({ ...third.decode(first.encode({ title: 'abc' })) }).toEqual({ title: 'abc', length: 3, read: false })
    const newer = third.encode({ title: 'abc', length: 3, read: true })
    expect(() => first.decode(newer)).toThrow(expect.objectContaining({ code: 'storage/version' }))
    const failing = recordType({
      type: 'note',
      version: 2,
      schema: fields({ title: text(9) }),
      migrations: [(body) => body.get('nothing') as never as Map<string, CborValue>],
    })
    expect(() => failing.decode(first.encode({ title: 'abc' }))).toThrow(damaged)
    expect(() => recordType({ type: 'note', version: 2, schema: fields({}) })).toThrow(
      expect.objectContaining({ code: 'storage/range' }),
    )
  })

  test('a damaged record in a store is an error and not absent', async () => {
    const store = await openMemoryStorage({ medium: new MemoryMedium(), randomBytes })
    const [good, bad] = [Uint8Array.of(1), Uint8Array.of(2)]
    await store.apply([putRecord('t', good, sample, value), { kind: 'put', table: 't', key: bad, value: hex('ff00') }])
    expect((await readRecord(store, 't', good, sample))?.count).toBe(value.count)
    expect(await readRecord(store, 't', Uint8Array.of(3), sample)).toBeUndefined()
    await expect(readRecord(store, 't', bad, sample)).rejects.toMatchObject({ code: 'storage/damaged' })
  })
})
