import { SeededRandom } from '../../../src/testing/xmpp/index.ts'
import type { RandomSource } from '../../../src/xmpp/port.ts'

/** Random bytes that follow from a seed. */
export function seededRandom(seed: string): RandomSource & { randomBytes(length: number): Uint8Array<ArrayBuffer> } {
  const source = new SeededRandom(seed)
  return { randomBytes: (length) => Uint8Array.from(source.randomBytes(length)) }
}
