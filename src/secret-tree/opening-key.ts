import { wipe } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { KeyAndNonce } from './ratchet.ts'

/** How the key of a message ended: `failed` for what was not sent by the member, `released` for what is only not wanted. */
export type OpeningOutcome = 'accepted' | 'failed' | 'released'

/**
 * Key and nonce of a message that was received. Exactly one of {@link accept}, {@link reject} and {@link release} ends it; all
 * wipe the key. Until then nothing in the secret tree has changed.
 */
export class OpeningKey implements KeyAndNonce {
  readonly key: KeyAndNonce['key']
  readonly nonce: KeyAndNonce['nonce']
  readonly #settle: (outcome: OpeningOutcome) => void
  #settled = false

  /** Takes ownership of the key. `settle` changes the secret tree, or wipes the copy that it derived. */
  constructor({ key, nonce }: KeyAndNonce, settle: (outcome: OpeningOutcome) => void) {
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
    this.#end('accepted')
  }

  /** The message does not hold: nothing changes but a counter in memory (R05). Later calls do nothing. */
  reject(): void {
    if (!this.#settled) this.#end('failed')
  }

  /** The message holds, and is not wanted (yet): nothing changes, and nothing is held against its sender. */
  release(): void {
    if (!this.#settled) this.#end('released')
  }

  #end(outcome: OpeningOutcome): void {
    this.#settled = true
    wipe(this.key, this.nonce)
    this.#settle(outcome)
  }
}
