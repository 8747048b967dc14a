import { type Bytes, wipe } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { Rng } from '../crypto/cipher-suite.ts'

/** What `getRandomValues` fills in one call, at most (Web Cryptography API §10.1.1). */
const chunkLength = 65_536
const selfTestLength = 32
/** Up to so many bytes, draws share one buffer: a message costs no more than its call of the platform. */
const shortLength = 64

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
  const short = new Uint8Array(selfTestLength + shortLength)
  let last: Bytes | undefined

  function fill(bytes: Bytes): void {
    try {
      const crypto = source()
      if (crypto === undefined) throw new MlsError('crypto/rng', 'this platform has no random source')
      if (bytes.length <= chunkLength) crypto.getRandomValues(bytes)
      else
        for (let offset = 0; offset < bytes.length; offset += chunkLength)
          crypto.getRandomValues(bytes.subarray(offset, offset + chunkLength))
    } catch (cause) {
      wipe(bytes)
      if (cause instanceof MlsError) throw cause
      throw new MlsError('crypto/rng', 'the random source failed', { cause })
    }
  }

  /** Compares the sample at the front of a draw, which is never given out, with the one before, and remembers it. */
  function selfTest(drawn: Uint8Array): void {
    if (last === undefined) {
      last = new Uint8Array(selfTestLength)
      fill(last)
    }
    let difference = 0
    for (let i = 0; i < selfTestLength; i++) {
      difference |= (drawn[i] as number) ^ (last[i] as number)
      last[i] = drawn[i] as number
    }
    if (difference === 0) throw new MlsError('crypto/rng', 'the random source repeats itself')
  }

  return {
    randomBytes(length) {
      if (!Number.isSafeInteger(length) || length < 0) throw new MlsError('crypto/rng', 'not a number of bytes')
      // one draw for the sample and for what is given out
      const drawn = length <= shortLength ? short : new Uint8Array(selfTestLength + length)
      fill(drawn)
      try {
        selfTest(drawn)
        return drawn.slice(selfTestLength, selfTestLength + length)
      } finally {
        wipe(drawn)
      }
    },
  }
}

/** The random source of the platform: Node, browsers, workers. @throws `crypto/rng` */
export const systemRng: Rng = webRng(() => globalThis.crypto)
