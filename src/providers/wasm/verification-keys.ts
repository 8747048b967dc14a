import { mapKey } from '../../bytes/text.ts'
import type { Arena } from './arena.ts'
import type { Curve25519Exports } from './kernel.ts'

/** What the kernel makes of a key: odd multiples of A, 2^32 A, .. 2^224 A, and the key. */
const expandedLength = 10272
const slots = 128
/** Names of keys that were seen, or are known to be valid. */
const remembered = 4096

/**
 * Public signature keys in the form in which a signature costs an eighth of the doublings. Making that form costs as much as a
 * verification, so it is made when a key comes for the second time; the least recently used one gives way. All in the
 * kernel's own memory, and public.
 */
export class VerificationKeys {
  readonly #arena: Arena
  readonly #exports: Curve25519Exports
  /** The address of each expanded key, least recently used first. */
  readonly #addresses = new Map<string, number>()
  readonly #free: number[] = []
  readonly #seen = new RecentNames()
  readonly #valid = new RecentNames()

  constructor(arena: Arena, exports: Curve25519Exports) {
    this.#arena = arena
    this.#exports = exports
    const first = arena.keep(slots * expandedLength)
    for (let i = 0; i < slots; i++) this.#free.push(first + i * expandedLength)
  }

  /** The address of the expanded key; nothing at first sight, and for keys that are not valid. @param name its `mapKey` */
  find(name: string, publicKey: Uint8Array): number | undefined {
    const known = this.#addresses.get(name)
    if (known !== undefined) {
      this.#addresses.delete(name)
      this.#addresses.set(name, known)
      return known
    }
    if (this.#seen.delete(name)) return this.#make(name, publicKey)
    this.#seen.add(name)
    return undefined
  }

  /** Whether the key is a canonical encoding of a point that is not of small order. */
  isValid(name: string, publicKey: Uint8Array): boolean {
    if (this.#addresses.has(name) || this.#valid.has(name)) return true
    try {
      const valid = this.#exports.ed25519IsKey(this.#arena.put(publicKey)) === 1
      if (valid) this.accept(name)
      return valid
    } finally {
      this.#arena.clear()
    }
  }

  /** Remembers that a key is valid, as one is that a signature was accepted for. */
  accept(name: string): void {
    if (!this.#addresses.has(name) && !this.#valid.has(name)) this.#valid.add(name)
  }

  /** Remembers the keys of accepted signatures. */
  acceptAll(requests: readonly { readonly publicKey: Uint8Array }[]): void {
    for (const { publicKey } of requests) this.accept(mapKey(publicKey))
  }

  #make(name: string, publicKey: Uint8Array): number | undefined {
    let address = this.#free.pop()
    if (address === undefined) {
      const oldest = first(this.#addresses.entries())
      if (oldest === undefined) return undefined
      this.#addresses.delete(oldest[0])
      address = oldest[1]
    }
    try {
      if (this.#exports.ed25519VerifyKeyExpand(address, this.#arena.put(publicKey)) === 1) {
        this.#addresses.set(name, address)
        return address
      }
      this.#free.push(address)
      return undefined
    } finally {
      this.#arena.clear()
    }
  }
}

/** A bounded set: the older half gives way at once, since to take the oldest name out of a set costs more than all else. */
class RecentNames {
  #young = new Set<string>()
  #old = new Set<string>()

  has(name: string): boolean {
    return this.#young.has(name) || this.#old.has(name)
  }

  add(name: string): void {
    if (this.#young.size >= remembered / 2) {
      this.#old = this.#young
      this.#young = new Set()
    }
    this.#young.add(name)
  }

  delete(name: string): boolean {
    const wasYoung = this.#young.delete(name)
    return this.#old.delete(name) || wasYoung
  }
}

function first<T>(items: Iterator<T>): T | undefined {
  const { done, value } = items.next()
  return done ? undefined : value
}
