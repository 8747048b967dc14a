/**
 * The Ed25519 edge cases of CCTV against any provider. Every vector satisfies the cofactored equation; its flags say which
 * other conditions fail. The rule of `spec-notes/adr/0011-ed25519.md` in terms of the flags:
 *
 * | flag                                          | policy                                          |
 * |-----------------------------------------------|-------------------------------------------------|
 * | non_canonical_A, non_canonical_R              | refuse                                          |
 * | low_order_A                                   | refuse                                          |
 * | low_order_R, low_order_component_A/R, low_order_residue | accept: the cofactored equation decides |
 * | reencoded_k                                   | refuse: implies a non-canonical encoding        |
 */
import { describe, expect, test } from 'vitest'
import { fromHex, utf8 } from '../../../src/bytes/text.ts'
import type { CryptoProvider } from '../../../src/crypto/cipher-suite.ts'
import { loadVectors } from '../../support/vectors.ts'
import { openSuite } from './oracle.ts'

interface Vector {
  readonly number: number
  readonly key: string
  readonly sig: string
  readonly msg: string
  readonly flags: readonly string[] | null
}

const refused = ['non_canonical_A', 'non_canonical_R', 'low_order_A', 'reencoded_k']

/** One acceptance rule, alone and in batches (V037, V038). */
export function cctvConformance(provider: CryptoProvider): void {
  describe(`CCTV Ed25519, ${provider.name}`, () => {
    test('V037 V038: the flags decide, in a batch as alone', async () => {
      const vectors = loadVectors<Vector[]>('cctv/ed25519vectors.json')
      if (vectors === undefined) return
      const suite = openSuite(provider, 1)
      const requests = vectors.map(({ key, sig, msg }) => ({
        publicKey: fromHex(key),
        message: utf8(msg),
        signature: fromHex(sig),
      }))
      const expected = vectors.map(({ flags }) => !flags?.some((flag) => refused.includes(flag)))
      const differing = (found: readonly boolean[]) =>
        vectors.filter((_, i) => found[i] !== expected[i]).map(({ number, flags }) => `${number}: ${flags}`)
      const alone = requests.map((item) => suite.verify(item.publicKey, item.message, item.signature))
      expect(differing(alone)).toEqual([])
      expect(differing(await suite.verifyMany(requests))).toEqual([])
      // signatures that only the cofactored equation accepts are among them
      const residues = vectors.filter(({ flags }, i) => expected[i] && flags?.includes('low_order_residue'))
      expect(residues.length).toBeGreaterThan(0)
      // a batch in which all hold
      const good = requests.filter((_, i) => expected[i])
      expect(await suite.verifyMany(good)).toEqual(good.map(() => true))
    })
  })
}
