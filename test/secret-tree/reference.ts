import { ascii, type Bytes, empty } from '../../src/bytes/bytes.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { expandWithLabel } from '../../src/crypto/labels.ts'
import type { RatchetType } from '../../src/secret-tree/ratchet.ts'

/** RFC 9420 §9 read literally: everything is derived, nothing deleted. The oracle of the lazy tree. */
export class ReferenceTree {
  readonly #suite: CipherSuite
  readonly #root: Uint8Array
  readonly #leafCount: number

  constructor(suite: CipherSuite, encryptionSecret: Uint8Array, leafCount: number) {
    this.#suite = suite
    this.#root = encryptionSecret
    this.#leafCount = leafCount
  }

  /** The secret of the node above leaves `from`..`to - 1`. */
  node(from: number, to: number): Bytes {
    let [low, high, secret] = [0, this.#leafCount, this.#root]
    while (low !== from || high !== to) {
      const middle = (low + high) / 2
      const goLeft = to <= middle
      secret = this.#expand(secret, 'tree', ascii(goLeft ? 'left' : 'right'))
      if (goLeft) high = middle
      else low = middle
    }
    return new Uint8Array(secret)
  }

  /** Ratchet secret of a generation. */
  secret(leaf: number, type: RatchetType, generation: number): Bytes {
    let secret = this.#expand(this.node(leaf, leaf + 1), type, empty)
    for (let j = 0; j < generation; j++) secret = this.#expand(secret, 'secret', uint32(j))
    return secret
  }

  key(leaf: number, type: RatchetType, generation: number): Bytes {
    const { keyLength } = this.#suite.parameters
    return this.#expand(this.secret(leaf, type, generation), 'key', uint32(generation), keyLength)
  }

  nonce(leaf: number, type: RatchetType, generation: number): Bytes {
    const { nonceLength } = this.#suite.parameters
    return this.#expand(this.secret(leaf, type, generation), 'nonce', uint32(generation), nonceLength)
  }

  #expand(secret: Uint8Array, label: string, context: Uint8Array, length = this.#suite.parameters.hashLength): Bytes {
    return expandWithLabel(this.#suite, secret, label, context, length)
  }
}

function uint32(value: number): Bytes {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}
