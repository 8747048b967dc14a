import { type Bytes, equalBytes, wipe } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { Rng } from '../crypto/cipher-suite.ts'

/** What `getRandomValues` fills in one call, at most (Web Cryptography API §10.1.1). */
const chunkLength = 65_536
const selfTestLength = 32

/** Where the random bytes of the platform come from: `globalThis.crypto`. */
export interface RandomSource {
  getRandomValues(array: Uint8Array<ArrayBuffer>): unknown
}

/**
 * An {@link Rng} over a source with the interface of WebCrypto. It fails closed: nothing is returned when the source is
 * missing, throws, or repeats itself: each call first draws a sample of 32 bytes, which is never given out, and compares
 * it with the one before.
 */
export function webRng(source: () => RandomSource | undefined): Rng {
  let last: Bytes | undefined

  function fill(bytes: Bytes): void {
    try {
      const crypto = source()
      if (crypto === undefined) throw new MlsError('crypto/rng', 'this platform has no random source')
      for (let offset = 0; offset < bytes.length; offset += chunkLength)
        crypto.getRandomValues(bytes.subarray(offset, offset + chunkLength))
    } catch (cause) {
      wipe(bytes)
      if (cause instanceof MlsError) throw cause
      throw new MlsError('crypto/rng', 'the random source failed', { cause })
    }
  }

  /** Compares a sample that is never given out with the one before, and remembers it. */
  function selfTest(sample: Uint8Array): void {
    if (last === undefined) {
      last = new Uint8Array(selfTestLength)
      fill(last)
    }
    const repeated = equalBytes(sample, last)
    last.set(sample)
    if (repeated) throw new MlsError('crypto/rng', 'the random source repeats itself')
  }

  return {
    randomBytes(length) {
      if (!Number.isSafeInteger(length) || length < 0) throw new MlsError('crypto/rng', 'not a number of bytes')
      // one draw for the sample and for what is given out
      const drawn = new Uint8Array(selfTestLength + length)
      fill(drawn)
      try {
        selfTest(drawn.subarray(0, selfTestLength))
        return drawn.slice(selfTestLength)
      } finally {
        wipe(drawn)
      }
    },
  }
}

/** The random source of the platform: Node, browsers, workers. @throws `crypto/rng` */
export const systemRng: Rng = webRng(() => globalThis.crypto)
