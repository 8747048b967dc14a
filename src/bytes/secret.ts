import { type Bytes, copyBytes, wipe } from './bytes.ts'
import { MlsError } from './errors.ts'

declare const label: unique symbol

/**
 * A secret with an owner. `Label` is a phantom type: a `joiner_secret` cannot be passed where an `epoch_secret` is asked
 * for. It is used once with {@link take}, which hands the bytes to the caller, who wipes them; printing, JSON and
 * inspection never show the bytes.
 */
export class Secret<Label extends string> {
  declare readonly [label]: Label
  #bytes: Bytes | undefined

  /** Takes ownership of `bytes`: the caller must not keep or wipe them. */
  constructor(bytes: Bytes) {
    this.#bytes = bytes
  }

  /** The number of bytes, 0 when consumed. */
  get length(): number {
    return this.#bytes?.length ?? 0
  }

  /** Whether the bytes were taken or wiped. */
  get consumed(): boolean {
    return this.#bytes === undefined
  }

  /**
   * Consumes the secret and returns its bytes, which now belong to the caller.
   * @throws `secret/consumed` on a second call
   */
  take(): Bytes {
    const bytes = this.#bytes
    if (bytes === undefined) throw new MlsError('secret/consumed', 'this secret was used before')
    this.#bytes = undefined
    return bytes
  }

  /**
   * Lends the bytes for the duration of `use`; the borrower must neither keep nor change them.
   * @throws `secret/consumed`
   */
  use<T>(use: (bytes: Uint8Array) => T): T {
    if (this.#bytes === undefined) throw new MlsError('secret/consumed', 'this secret was used before')
    return use(this.#bytes)
  }

  /** A second owner with its own memory. */
  clone(): Secret<Label> {
    return this.use((bytes) => new Secret<Label>(copyBytes(bytes)))
  }

  /** Zeroes the bytes and marks the secret as consumed. */
  wipe(): void {
    wipe(this.#bytes)
    this.#bytes = undefined
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  /** What Node prints for this value. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]'
  }
}
