import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { expandWithLabel } from '../crypto/labels.ts'

/**
 * Twelve groups of five decimal digits from an epoch authenticator (RFC 9420 §8.7), for people to compare. About 199 bits;
 * it changes with every epoch, so it says "we are in the same group right now", not "this is you".
 */
export function safetyNumber(suite: CipherSuite, epochAuthenticator: Uint8Array): string {
  const bytes = expandWithLabel(suite, epochAuthenticator, 'safety number', new Uint8Array(0), 60)
  const groups: string[] = []
  for (let i = 0; i < 60; i += 5) {
    let value = 0
    for (const byte of bytes.subarray(i, i + 5)) value = value * 256 + byte
    groups.push(String(value % 100_000).padStart(5, '0'))
  }
  return groups.join(' ')
}
