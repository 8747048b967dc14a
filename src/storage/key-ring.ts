/**
 * The wrapping keys of a sealed store: what a key record holds once the master key has opened it. Usually one wrapping key;
 * two while a rotation is under way. Layout: name key (32), then for each generation its number (4, big-endian) and key (32),
 * ascending.
 */
import { type Bytes, copyBytes, wipe } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { RandomBytes } from './owner.ts'

/** The keys, owned by the store that is open. */
export class KeyRing {
  /** Names identifiers (see `SealedStorage.blind`); lives as long as the store. */
  readonly nameKey: Bytes
  readonly #keys: Map<number, Bytes>

  constructor(nameKey: Bytes, keys: ReadonlyMap<number, Bytes>) {
    this.nameKey = nameKey
    this.#keys = new Map(keys)
  }

  /** A ring for a new store. */
  static create(random: RandomBytes): KeyRing {
    return new KeyRing(copyBytes(random(32)), new Map([[1, copyBytes(random(32))]]))
  }

  /** The ring of bytes that {@link encode} made. @throws `storage/damaged` */
  static decode(bytes: Uint8Array): KeyRing {
    const keys = new Map<number, Bytes>()
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    if (bytes.length < 68 || (bytes.length - 32) % 36 !== 0) throw new MlsError('storage/damaged', 'key record')
    for (let offset = 32; offset < bytes.length; offset += 36)
      keys.set(view.getUint32(offset), copyBytes(bytes.subarray(offset + 4, offset + 36)))
    return new KeyRing(copyBytes(bytes.subarray(0, 32)), keys)
  }

  /** The bytes to seal; the caller wipes them. */
  encode(): Bytes {
    const generations = this.generations
    const out = new Uint8Array(32 + 36 * generations.length)
    const view = new DataView(out.buffer)
    out.set(this.nameKey)
    for (const [i, generation] of generations.entries()) {
      view.setUint32(32 + 36 * i, generation)
      out.set(this.key(generation), 36 + 36 * i)
    }
    return out
  }

  /** The generations that are held, ascending. */
  get generations(): number[] {
    return [...this.#keys.keys()].sort((a, b) => a - b)
  }

  /** The generation under which new rows are wrapped. */
  get current(): number {
    return Math.max(...this.#keys.keys())
  }

  /** The wrapping key of a generation. @throws `storage/damaged` when it is not held */
  key(generation: number): Bytes {
    const key = this.#keys.get(generation)
    if (key === undefined) throw new MlsError('storage/damaged', 'a row is wrapped by a key that is gone')
    return key
  }

  /** A ring with one more generation. */
  next(random: RandomBytes): KeyRing {
    return new KeyRing(this.nameKey, new Map([...this.#keys, [this.current + 1, copyBytes(random(32))]]))
  }

  /** A ring with the current generation only. */
  last(): KeyRing {
    return new KeyRing(this.nameKey, new Map([[this.current, this.key(this.current)]]))
  }

  /** Wipes every key. */
  wipe(): void {
    wipe(this.nameKey, ...this.#keys.values())
  }
}
