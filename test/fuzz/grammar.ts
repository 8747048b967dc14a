/** Changes of decoded values: the structure stays readable, its content does not stay right. */
import fc from 'fast-check'
import type { Bytes } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import { LeafNode } from '../../src/wire/leaf-node.ts'
import * as arbitraries from '../support/arbitraries.ts'
import { mutateBytes } from './mutator.ts'
import type { Random } from './random.ts'

/** Where a random value of the right type can stand, by the name of the field. */
const byField: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  capabilities: arbitraries.capabilities,
  commit: arbitraries.commit,
  credential: arbitraries.credential,
  extensions: fc.array(arbitraries.extension, { maxLength: 3 }),
  keyPackage: arbitraries.keyPackage,
  leafNode: arbitraries.leafNode,
  lifetime: arbitraries.lifetime,
  parentNode: arbitraries.parentNode,
  path: fc.option(arbitraries.updatePath, { nil: undefined }),
  proposal: arbitraries.proposal,
  proposals: fc.array(arbitraries.proposalOrRef, { maxLength: 3 }),
  psk: arbitraries.psk,
  psks: fc.array(arbitraries.psk, { maxLength: 3 }),
  sender: arbitraries.sender,
}

type Fields = Record<string, unknown>
/** A field of an object, or an element of a list. */
interface Place {
  readonly holder: Fields | unknown[]
  readonly key: string | number
}

/** A random value of an arbitrary. */
export function sample<T>(random: Random, arbitrary: fc.Arbitrary<T>): T {
  const [value] = fc.sample(arbitrary, { seed: random.uint32() | 0, numRuns: 1 })
  return value as T
}

/**
 * A copy of a decoded value with a few fields changed. `donors` are other decoded values, whose fields of the same name may
 * be taken over; `fixed` are names of fields at the top that stay.
 */
export function mutateValue<T>(
  random: Random,
  value: T,
  donors: readonly unknown[] = [],
  fixed: readonly string[] = [],
): T {
  const copy = structuredClone(value)
  const times = random.oneIn(2) ? 1 : 1 + random.below(3)
  for (let i = 0; i < times; i++) {
    const places = placesOf(copy, fixed)
    if (places.length > 0) change(random, random.pick(places), donors)
  }
  encodeLeaves(copy)
  return copy
}

function placesOf(value: unknown, fixed: readonly string[] = [], found: Place[] = []): Place[] {
  if (Array.isArray(value)) {
    value.forEach((item, key) => {
      found.push({ holder: value, key })
      placesOf(item, [], found)
    })
  } else if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
    for (const [key, item] of Object.entries(value)) {
      // the bytes of a leaf are written again from its fields
      if (fixed.includes(key) || (key === 'bytes' && 'leafNode' in value)) continue
      found.push({ holder: value as Fields, key })
      placesOf(item, [], found)
    }
  }
  return found
}

function change(random: Random, { holder, key }: Place, donors: readonly unknown[]): void {
  if (Array.isArray(holder) && random.oneIn(2)) {
    changeList(random, holder, key as number)
    return
  }
  const fields = holder as Fields
  const old = fields[key]
  const arbitrary = byField[key]
  if (arbitrary !== undefined && random.oneIn(3)) {
    fields[key] = likeOld(old, sample(random, arbitrary))
    return
  }
  if (donors.length > 0 && random.oneIn(3)) {
    const same = placesOf(random.pick(donors)).filter((place) => place.key === key)
    if (same.length > 0) {
      const place = random.pick(same)
      fields[key] = likeOld(old, structuredClone((place.holder as Fields)[place.key]))
      return
    }
  }
  if (old instanceof Uint8Array) fields[key] = changeBytes(random, old as Bytes)
  else if (typeof old === 'number') fields[key] = changeNumber(random, old)
  else if (typeof old === 'bigint')
    fields[key] = random.pick([0n, 1n, old + 1n, old > 0n ? old - 1n : 0n, 2n ** 64n - 1n])
  else if (Array.isArray(old)) changeList(random, old, random.below(old.length))
}

/** A leaf with or without its bytes, as it was before. */
function likeOld(old: unknown, value: unknown): unknown {
  const [wasPair, isPair] = [isLeafPair(old), isLeafPair(value)]
  if (wasPair && !isPair) return { leafNode: value, bytes: new Uint8Array(0) }
  return isPair && !wasPair ? (value as Fields)['leafNode'] : value
}

function isLeafPair(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'leafNode' in value && 'bytes' in value
}

function changeList(random: Random, list: unknown[], at: number): void {
  const item = list[at]
  if (item === undefined) return
  switch (random.below(5)) {
    case 0:
      list.splice(at, 1)
      break
    case 1:
      list.push(structuredClone(item))
      break
    case 2:
      list.reverse()
      break
    case 3:
      list.length = 0
      break
    default:
      // very many of one; rarely, for it is slow
      for (let i = random.oneIn(20) ? 300 : 3; i > 0; i--) list.push(structuredClone(item))
  }
}

function changeBytes(random: Random, bytes: Bytes): Bytes {
  switch (random.below(4)) {
    case 0:
      return new Uint8Array(0)
    case 1:
      return new Uint8Array(bytes.length)
    case 2:
      return random.randomBytes(bytes.length)
    default:
      return mutateBytes(random, bytes).slice(0, 4096)
  }
}

function changeNumber(random: Random, value: number): number {
  const edges = [0, 1, value ^ 1, value + 1, Math.max(0, value - 1), 0xff, 0xffff, 0x0a0a, 0x7fffffff, 0xffffffff]
  return random.pick(edges)
}

/** Writes the bytes of every leaf of a value again. */
function encodeLeaves(value: unknown): void {
  for (const { holder, key } of placesOf(value)) {
    if (key === 'leafNode' && !Array.isArray(holder) && 'bytes' in holder)
      holder['bytes'] = encode(LeafNode, holder[key] as LeafNode)
  }
}
