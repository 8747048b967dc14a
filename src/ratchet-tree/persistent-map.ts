/**
 * An immutable map that shares structure between versions, for the indexes of a tree (keys of nodes, counts of types).
 *
 * It is a trie over the key itself, sixteen ways a step, read from the last character backwards, with steps that do not
 * distinguish any two keys left out. Nothing is hashed: keys that a peer chooses cannot collide, a map of n entries has
 * fewer than n forks whatever the keys are, and a look-up costs at most two steps a character. Uniform keys, such as
 * public keys, give a depth of about log16 n.
 *
 * Keys are strings of characters below 256, such as {@link trieKey} makes.
 */
import { bug } from '../bytes/errors.ts'

/** A key with its value. */
export class Entry<V> {
  readonly key: string
  readonly value: V

  constructor(key: string, value: V) {
    this.key = key
    this.value = value
  }
}

/** A step that distinguishes keys at nibble `at`; `slots` has one element for each bit of `bitmap`, always two or more. */
class Fork<V> {
  readonly at: number
  bitmap: number
  readonly slots: (Entry<V> | Fork<V>)[]
  readonly owner: object

  constructor(at: number, bitmap: number, slots: (Entry<V> | Fork<V>)[], owner: object) {
    this.at = at
    this.bitmap = bitmap
    this.slots = slots
    this.owner = owner
  }
}

type Slot<V> = Entry<V> | Fork<V>

/** Entries that are sorted between two stops. */
const entriesAtOnce = 4096
/** The end of a key counts as a seventeenth value, so that no key is a part of another. */
const end = 16

function nibble(key: string, at: number): number {
  const index = key.length - 1 - (at >> 1)
  if (index < 0) return end
  const character = key.charCodeAt(index)
  return (at & 1) === 0 ? character & 15 : (character >> 4) & 15
}

/** The first nibble at which two different keys differ. */
function firstDifference(a: string, b: string): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 1; i <= shared; i++) {
    const difference = a.charCodeAt(a.length - i) ^ b.charCodeAt(b.length - i)
    if (difference !== 0) return 2 * (i - 1) + ((difference & 15) === 0 ? 1 : 0)
  }
  return 2 * shared
}

/** The index of a value's slot: the number of smaller values that are present. */
function slotIndex(bitmap: number, value: number): number {
  let bits = bitmap & ((1 << value) - 1)
  bits -= (bits >> 1) & 0x55555
  bits = (bits & 0x33333) + ((bits >> 2) & 0x33333)
  bits = (bits + (bits >> 4)) & 0xf0f0f
  return (bits + (bits >> 8) + (bits >> 16)) & 0x1f
}

/** The key of a byte string of at most 4096 bytes: a character a byte. */
export function trieKey(bytes: Uint8Array): string {
  // one call with all bytes is several times faster than a loop; the length is bounded by the callers
  return String.fromCharCode.apply(null, bytes as unknown as number[])
}

/** One immutable version of a map. */
export class PersistentMap<V> {
  /** The number of entries. */
  readonly size: number
  readonly #root: Slot<V> | undefined

  /** For {@link MapDraft}. */
  constructor(root: Slot<V> | undefined, size: number) {
    this.#root = root
    this.size = size
  }

  /** A map without entries. */
  static empty<V>(): PersistentMap<V> {
    return new PersistentMap<V>(undefined, 0)
  }

  /**
   * A map of many entries at once, in time linear in the sum of their lengths; stops after some of them.
   * @param duplicate the error for two entries with one key
   */
  static *of<V>(
    entries: readonly Entry<V>[],
    duplicate: (a: V, b: V) => Error,
  ): Generator<void, PersistentMap<V>, void> {
    const roots: Slot<V>[] = []
    const parts: Part<V>[] = [{ entries, from: 0, slots: roots, index: 0 }]
    const owner = {}
    let work = 0
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      split(part, parts, owner, duplicate)
      work += part.entries.length
      if (work < entriesAtOnce) continue
      work = 0
      yield
    }
    return new PersistentMap(roots[0], entries.length)
  }

  /** The value of a key. */
  get(key: string): V | undefined {
    return find(this.#root, key)
  }

  /**
   * A draft of a new version; this version stays as it is. Forks that the draft itself made are edited in place, so many
   * changes in one draft cost few allocations.
   */
  draft(): MapDraft<V> {
    return new MapDraft<V>(this.#root, this.size)
  }
}

/** Entries that are equal before nibble `from`, and the slot that their trie goes into. */
interface Part<V> {
  readonly entries: readonly Entry<V>[]
  readonly from: number
  readonly slots: Slot<V>[]
  readonly index: number
}

/** Makes the first fork of a part, and parts of what lies below it. */
function split<V>(
  { entries, from, slots, index }: Part<V>,
  parts: Part<V>[],
  owner: object,
  duplicate: (a: V, b: V) => Error,
): void {
  const [first, second] = entries
  if (first === undefined) return
  if (second === undefined) {
    slots[index] = first
    return
  }
  let at = Number.POSITIVE_INFINITY
  // no further than the difference that is known: nothing is looked at again above the next fork
  for (const entry of entries) if (entry !== first) at = differenceWithin(first.key, entry.key, from, at)
  if (at === Number.POSITIVE_INFINITY) throw duplicate(first.value, second.value)
  const below = new Array<Entry<V>[] | undefined>(end + 1)
  for (const entry of entries) {
    const value = nibble(entry.key, at)
    const part = below[value]
    if (part === undefined) below[value] = [entry]
    else part.push(entry)
  }
  const fork = new Fork<V>(at, 0, [], owner)
  slots[index] = fork
  for (let value = 0; value <= end; value++) {
    const part = below[value]
    if (part === undefined) continue
    fork.bitmap |= 1 << value
    const [only, other] = part
    if (only === undefined) continue
    // its place is taken at once, so that the slots stay in order
    if (other !== undefined) parts.push({ entries: part, from: at + 1, slots: fork.slots, index: fork.slots.length })
    fork.slots.push(only)
  }
}

/** The first nibble from `from` on and before `limit` at which two keys differ, or `limit`. */
function differenceWithin(a: string, b: string, from: number, limit: number): number {
  const last = Math.min(limit, 2 * Math.max(a.length, b.length))
  for (let at = from; at < last; at++) if (nibble(a, at) !== nibble(b, at)) return at
  return limit
}

function find<V>(root: Slot<V> | undefined, key: string): V | undefined {
  let slot = root
  while (slot instanceof Fork) {
    const value = nibble(key, slot.at)
    if ((slot.bitmap & (1 << value)) === 0) return undefined
    slot = slot.slots[slotIndex(slot.bitmap, value)]
  }
  return slot !== undefined && slot.key === key ? slot.value : undefined
}

/** Changes on their way to a new {@link PersistentMap}; valid until {@link finish}. */
export class MapDraft<V> {
  size: number
  #root: Slot<V> | undefined
  #owner: object | undefined = {}

  constructor(root: Slot<V> | undefined, size: number) {
    this.#root = root
    this.size = size
  }

  /** The value of a key. */
  get(key: string): V | undefined {
    return find(this.#root, key)
  }

  /** Sets the value of a key. */
  set(key: string, value: V): void {
    this.#put(key, value, this.#nearest(key))
  }

  /** Sets the value of a key that is absent. @returns the value of a key that is there, which it keeps */
  insert(key: string, value: V): V | undefined {
    const near = this.#nearest(key)
    if (near?.key === key) return near.value
    this.#put(key, value, near)
    return undefined
  }

  #put(key: string, value: V, near: Entry<V> | undefined): void {
    const entry = new Entry(key, value)
    if (near === undefined) {
      this.#root = entry
      this.size++
      return
    }
    const at = near.key === key ? Number.POSITIVE_INFINITY : firstDifference(near.key, key)
    let above: Fork<V> | undefined
    let index = 0
    let slot = this.#root
    while (slot instanceof Fork && slot.at < at) {
      const fork: Fork<V> = this.#own(slot)
      if (fork !== slot) this.#place(above, index, fork)
      above = fork
      index = slotIndex(fork.bitmap, nibble(key, fork.at))
      slot = fork.slots[index]
    }
    if (slot === undefined) throw bug('a fork without a slot')
    if (at !== Number.POSITIVE_INFINITY) this.size++
    this.#place(above, index, at === Number.POSITIVE_INFINITY ? entry : this.#split(slot, entry, near.key, at))
  }

  /** Removes a key; a key that is absent is passed over. */
  delete(key: string): void {
    let above: Fork<V> | undefined
    let aboveIndex = 0
    let last: Fork<V> | undefined
    let index = 0
    let slot = this.#root
    while (slot instanceof Fork) {
      const fork: Fork<V> = this.#own(slot)
      this.#place(last, index, fork)
      above = last
      aboveIndex = index
      last = fork
      index = slotIndex(fork.bitmap, nibble(key, fork.at))
      slot = fork.slots[index]
    }
    if (slot?.key !== key) return
    this.size--
    if (last === undefined) {
      this.#root = undefined
      return
    }
    last.slots.splice(index, 1)
    last.bitmap &= ~(1 << nibble(key, last.at))
    const [only, second] = last.slots
    if (only !== undefined && second === undefined) this.#place(above, aboveIndex, only)
  }

  /** Ends the draft. */
  finish(): PersistentMap<V> {
    this.#owner = undefined
    return new PersistentMap<V>(this.#root, this.size)
  }

  /** An entry that shares with `key` every nibble that the map distinguishes on the way. */
  #nearest(key: string): Entry<V> | undefined {
    let slot = this.#root
    while (slot instanceof Fork) {
      const value = nibble(key, slot.at)
      slot = slot.slots[(slot.bitmap & (1 << value)) === 0 ? 0 : slotIndex(slot.bitmap, value)]
    }
    return slot
  }

  /** The slot that holds `slot` and a new entry, which differ first at nibble `at`. */
  #split(slot: Slot<V>, entry: Entry<V>, nearKey: string, at: number): Fork<V> {
    const value = nibble(entry.key, at)
    const bit = 1 << value
    if (slot instanceof Fork && slot.at === at) {
      const fork = this.#own(slot)
      fork.slots.splice(slotIndex(fork.bitmap, value), 0, entry)
      fork.bitmap |= bit
      return fork
    }
    const other = 1 << nibble(nearKey, at)
    return new Fork(at, bit | other, bit < other ? [entry, slot] : [slot, entry], this.#token())
  }

  #place(above: Fork<V> | undefined, index: number, slot: Slot<V>): void {
    if (above === undefined) this.#root = slot
    else above.slots[index] = slot
  }

  #own(fork: Fork<V>): Fork<V> {
    const owner = this.#token()
    return fork.owner === owner ? fork : new Fork(fork.at, fork.bitmap, fork.slots.slice(), owner)
  }

  #token(): object {
    if (this.#owner === undefined) throw bug('a map draft after its end')
    return this.#owner
  }
}
