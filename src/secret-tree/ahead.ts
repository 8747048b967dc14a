import { copyBytes, wipe } from '../bytes/bytes.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import { deriveJump, type RatchetType } from './ratchet.ts'
import type { Way } from './tree-secrets.ts'

/** A ratchet secret of a generation that is not over. */
export interface AheadSecret {
  readonly leaf: LeafIndex
  readonly type: RatchetType
  readonly generation: number
  readonly secret: Uint8Array
}

/**
 * Where the ratchet would be after the last message that holds and was let go. It, or the one that comes in its place, costs a
 * few expansions instead of the whole way from what is stored. In memory alone, and nothing that the tree could not derive: it is
 * wiped before its ratchet moves.
 */
export class Ahead {
  #kept: AheadSecret | undefined

  /** The secret to start from for a generation, lent; none when there is none at or before it. */
  find(leaf: LeafIndex, type: RatchetType, generation: number): AheadSecret | undefined {
    const kept = this.#kept
    return kept?.leaf === leaf && kept.type === type && kept.generation <= generation ? kept : undefined
  }

  /** Keeps a copy in place of what was kept. */
  keep(ahead: AheadSecret): void {
    this.wipe()
    this.#kept = { ...ahead, secret: copyBytes(ahead.secret) }
  }

  /** Forgets what is kept: of any leaf when none is named. */
  wipe(leaf = this.#kept?.leaf): void {
    if (this.#kept === undefined || this.#kept.leaf !== leaf) return
    wipe(this.#kept.secret)
    this.#kept = undefined
  }
}

/** Derives on from a secret that is kept; the keys of the generations before it are not on this way. */
export function continueTo(suite: CipherSuite, ahead: AheadSecret, generation: number): Way {
  const jump = deriveJump(suite, copyBytes(ahead.secret), ahead.generation, generation, 0)
  return { jump, path: undefined }
}
