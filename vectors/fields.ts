/**
 * Reading of parsed JSON without trust: every value is checked for its type, and a wrong one is an error that names the
 * field, so that a damaged file fails case by case.
 */
import type { Bytes } from '../src/bytes/bytes.ts'
import { fromHex } from '../src/bytes/text.ts'

/** A case that is not in the format of its family, or a value that differs from the expected one. */
export class VectorError extends Error {
  override readonly name = 'VectorError'
}

/** One JSON object of a test vector. */
export class Fields {
  readonly #values: ReadonlyMap<string, unknown>
  readonly #path: string

  /** @throws VectorError when `value` is no object */
  constructor(value: unknown, path = '') {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new VectorError(`${path || 'the case'} is not an object`)
    this.#values = new Map(Object.entries(value))
    this.#path = path
  }

  /** Whether the field is there and not `null`. */
  has(name: string): boolean {
    return (this.#values.get(name) ?? null) !== null
  }

  /** A field of hexadecimal digits as bytes. */
  hex(name: string): Bytes {
    return hexOf(this.#values.get(name), this.#at(name))
  }

  /** A field of hexadecimal digits, or `undefined` for `null` and for a field that is missing. */
  hexOrNull(name: string): Bytes | undefined {
    return this.has(name) ? this.hex(name) : undefined
  }

  /** A field with an integer that is not negative; at most 2^53 - 1, which JSON numbers hold exactly. */
  number(name: string): number {
    return numberOf(this.#values.get(name), this.#at(name))
  }

  text(name: string): string {
    const value = this.#values.get(name)
    if (typeof value !== 'string') throw new VectorError(`${this.#at(name)} is not a string`)
    return value
  }

  object(name: string): Fields {
    return new Fields(this.#values.get(name), this.#at(name))
  }

  objects(name: string): Fields[] {
    return this.list(name).map((value, i) => new Fields(value, `${this.#at(name)}[${i}]`))
  }

  /** An array of arrays of objects. */
  lists(name: string): Fields[][] {
    return this.list(name).map((list, i) => {
      const at = `${this.#at(name)}[${i}]`
      if (!Array.isArray(list)) throw new VectorError(`${at} is not an array`)
      return list.map((value, j) => new Fields(value, `${at}[${j}]`))
    })
  }

  /** An array of arrays of integers. */
  numberLists(name: string): number[][] {
    return this.list(name).map((list, i) => {
      const at = `${this.#at(name)}[${i}]`
      if (!Array.isArray(list)) throw new VectorError(`${at} is not an array`)
      return list.map((value, j) => numberOf(value, `${at}[${j}]`))
    })
  }

  /** An array, unread. */
  list(name: string): readonly unknown[] {
    const value = this.#values.get(name)
    if (!Array.isArray(value)) throw new VectorError(`${this.#at(name)} is not an array`)
    return value
  }

  numbers(name: string): number[] {
    return this.list(name).map((value, i) => numberOf(value, `${this.#at(name)}[${i}]`))
  }

  numbersOrNull(name: string): (number | undefined)[] {
    return this.list(name).map((value, i) => (value === null ? undefined : numberOf(value, `${this.#at(name)}[${i}]`)))
  }

  hexes(name: string): Bytes[] {
    return this.list(name).map((value, i) => hexOf(value, `${this.#at(name)}[${i}]`))
  }

  hexesOrNull(name: string): (Bytes | undefined)[] {
    return this.list(name).map((value, i) => (value === null ? undefined : hexOf(value, `${this.#at(name)}[${i}]`)))
  }

  #at(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`
  }
}

function hexOf(value: unknown, path: string): Bytes {
  if (typeof value !== 'string') throw new VectorError(`${path} is not a string`)
  try {
    return fromHex(value)
  } catch (cause) {
    throw new VectorError(`${path} is not hexadecimal`, { cause })
  }
}

function numberOf(value: unknown, path: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new VectorError(`${path} is not an unsigned integer`)
  return value as number
}
