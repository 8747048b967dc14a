/** Changes of bytes that know nothing of their structure but how a length is written (RFC 9420 §2.1.2). */
import { type Bytes, concatBytes } from '../../src/bytes/bytes.ts'
import type { Random } from './random.ts'

/** Bytes that stand at the edge of something: presence octets, lengths, signs. */
const edges = [0, 1, 2, 3, 4, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xff] as const
/** What inputs may grow to. */
export const longest = 64 * 1024

/** One kind of change. `others` are further valid messages. */
type Mutation = (random: Random, bytes: Bytes, others: readonly Bytes[]) => Bytes

const flipBit: Mutation = (random, bytes) => {
  const copy = bytes.slice()
  const at = random.below(copy.length)
  if (copy.length > 0) copy[at] = copy[at]! ^ (1 << random.below(8))
  return copy
}

const setByte: Mutation = (random, bytes) => {
  const copy = bytes.slice()
  const at = random.below(copy.length)
  if (copy.length > 0) copy[at] = random.oneIn(2) ? random.pick(edges) : random.uint32() & 0xff
  return copy
}

const setWord: Mutation = (random, bytes) => {
  const copy = bytes.slice()
  const width = random.pick([2, 4, 8])
  const at = random.below(copy.length - width + 1)
  const value = random.pick([0x00, 0xff, 0x80, 0x7f])
  for (let i = 0; i < width && at + i < copy.length; i++) copy[at + i] = i === 0 ? value : random.pick([value, 0, 0xff])
  return copy
}

const truncate: Mutation = (random, bytes) => bytes.slice(0, random.below(bytes.length))

const extend: Mutation = (random, bytes) => concatBytes(bytes, random.randomBytes(1 + random.below(8)))

const cut: Mutation = (random, bytes) => {
  const start = random.below(bytes.length)
  const end = start + 1 + random.below(Math.min(64, bytes.length - start))
  return concatBytes(bytes.subarray(0, start), bytes.subarray(end))
}

const repeat: Mutation = (random, bytes) => {
  const start = random.below(bytes.length)
  const part = bytes.subarray(start, start + 1 + random.below(64))
  const times = 1 + random.below(random.oneIn(50) ? longest / Math.max(1, part.length) : 4)
  return concatBytes(bytes.subarray(0, start), ...new Array<Bytes>(times).fill(part as Bytes), bytes.subarray(start))
}

const insert: Mutation = (random, bytes) => {
  const at = random.below(bytes.length + 1)
  return concatBytes(bytes.subarray(0, at), random.randomBytes(1 + random.below(16)), bytes.subarray(at))
}

const splice: Mutation = (random, bytes, others) => {
  const other = others.length === 0 ? bytes : random.pick(others)
  const at = random.below(bytes.length)
  // mostly at the same place of both, where the structures may agree
  const from = random.oneIn(4) ? random.below(other.length) : Math.min(at, other.length)
  return concatBytes(bytes.subarray(0, at), other.subarray(from))
}

const overwrite: Mutation = (random, bytes, others) => {
  const copy = bytes.slice()
  const other = others.length === 0 ? bytes : random.pick(others)
  const from = random.below(other.length)
  const part = other.subarray(from, from + 1 + random.below(64))
  const at = random.below(copy.length)
  copy.set(part.subarray(0, copy.length - at), at)
  return copy
}

/** Changes a length, or a vector with its length, at a place that may be one. */
const editLength: Mutation = (random, bytes) => {
  const found = findVector(random, bytes)
  if (found === undefined) return setByte(random, bytes, [])
  const { start, header, length } = found
  const [head, body, tail] = [
    bytes.subarray(0, start),
    bytes.subarray(start + header, start + header + length),
    bytes.subarray(start + header + length),
  ]
  switch (random.below(6)) {
    case 0: // a length that is a little wrong
      return concatBytes(head, varint(Math.max(0, length + random.pick([-1, 1, -2, 2, 8, -8]))), body, tail)
    case 1: // a length of another form
      return concatBytes(head, longForm(length, random.pick([2, 4])), body, tail)
    case 2: // a length beyond everything
      return concatBytes(head, random.pick([varint(0x3fffffff), varint(0x3fff), new Uint8Array([0xff])]), body, tail)
    case 3: // nothing in the vector
      return concatBytes(head, varint(0), tail)
    case 4: {
      const less = body.subarray(0, random.below(length))
      return concatBytes(head, varint(less.length), less, tail)
    }
    default: {
      const more = concatBytes(body, random.oneIn(2) ? body : random.randomBytes(1 + random.below(40)))
      return concatBytes(head, varint(more.length), more, tail)
    }
  }
}

const mutations: readonly (readonly [weight: number, mutation: Mutation])[] = [
  [6, flipBit],
  [6, setByte],
  [2, setWord],
  [2, truncate],
  [1, extend],
  [2, cut],
  [2, repeat],
  [2, insert],
  [3, splice],
  [2, overwrite],
  [6, editLength],
]
const table = mutations.flatMap(([weight, mutation]) => new Array<Mutation>(weight).fill(mutation))

/** Random bytes of some length. */
export function randomInput(random: Random): Bytes {
  return random.randomBytes(random.below(random.oneIn(100) ? longest : 200))
}

/** One or a few changes of a valid message. */
export function mutateBytes(random: Random, bytes: Bytes, others: readonly Bytes[] = []): Bytes {
  let mutated = bytes
  const times = random.oneIn(2) ? 1 : 1 + random.below(4)
  for (let i = 0; i < times; i++) mutated = random.pick(table)(random, mutated, others)
  return mutated.length > longest && bytes.length <= longest ? mutated.slice(0, longest) : mutated
}

/** A place where a length and as many bytes stand. */
function findVector(random: Random, bytes: Bytes) {
  for (let tries = 0; tries < 16; tries++) {
    const start = random.below(bytes.length)
    const first = bytes[start] ?? 0xff
    const header = [1, 2, 4, 0][first >> 6] as number
    if (header === 0 || start + header > bytes.length) continue
    let length = first & 0x3f
    for (let i = 1; i < header; i++) length = length * 256 + bytes[start + i]!
    if (length > 0 && start + header + length <= bytes.length) return { start, header, length }
  }
  return undefined
}

/** A length in its minimal form. */
function varint(length: number): Bytes {
  return longForm(length, length < 0x40 ? 1 : length < 0x4000 ? 2 : 4)
}

function longForm(length: number, width: number): Bytes {
  const bytes = new Uint8Array(width)
  let rest = length
  for (let i = width - 1; i >= 0; i--) {
    bytes[i] = rest & 0xff
    rest = Math.floor(rest / 256)
  }
  bytes[0] = (bytes[0]! & 0x3f) | ({ 1: 0, 2: 0x40, 4: 0x80 }[width] ?? 0)
  return bytes
}
