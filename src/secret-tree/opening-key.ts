import { wipe } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { KeyAndNonce } from './ratchet.ts'

/**
 * Key and nonce of a message that was received. Exactly one of {@link accept} and {@link reject} ends it; both wipe the
 * key. Until then nothing in the secret tree has changed.
 */
export class OpeningKey implements KeyAndNonce {
  readonly key: KeyAndNonce['key']
  readonly nonce: KeyAndNonce['nonce']
  readonly #settle: (accepted: boolean) => void
  #settled = false

  /** Takes ownership of the key. `settle` changes the secret tree, or wipes the copy that it derived. */
  constructor({ key, nonce }: KeyAndNonce, settle: (accepted: boolean) => void) {
    this.key = key
    this.nonce = nonce
    this.#settle = settle
  }

  /**
   * The message holds: the ratchet moves and its key is gone.
   * @throws `ratchet/generation_gone` V211 when the same generation was accepted meanwhile; `secret/consumed` when settled
   */
  accept(): void {
    if (this.#settled) throw new MlsError('secret/consumed', 'this key was used before')
    this.#end(true)
  }

  /** The message does not hold, or is not wanted: nothing changes but a counter in memory (R05). Later calls do nothing. */
  reject(): void {
    if (!this.#settled) this.#end(false)
  }

  #end(accepted: boolean): void {
    this.#settled = true
    wipe(this.key, this.nonce)
    this.#settle(accepted)
  }
}
