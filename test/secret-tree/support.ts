import type { Bytes } from '../../src/bytes/bytes.ts'
import { type ErrorCode, MlsError } from '../../src/bytes/errors.ts'
import { Secret } from '../../src/bytes/secret.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { suiteParameters } from '../../src/crypto/suites.ts'
import { nobleProvider } from '../../src/providers/noble/provider.ts'
import { systemRng } from '../../src/providers/system-rng.ts'
import { type SecretTreeLimits, secretTreeLimits } from '../../src/secret-tree/limits.ts'
import { SecretTree } from '../../src/secret-tree/secret-tree.ts'

export const suite = nobleProvider.open(suiteParameters(1), systemRng)

/** A suite that counts expansions and remembers every secret that the KDF gave out. */
export function watched(): { suite: CipherSuite; outputs: Bytes[]; count: () => number } {
  const outputs: Bytes[] = []
  let expansions = 0
  const watchedSuite = new Proxy(suite, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown
      if (name === 'expandMany')
        return (prks: readonly Uint8Array[], infos: readonly Uint8Array[], length: number) => {
          const many = target.expandMany(prks, infos, length)
          expansions += many.length
          outputs.push(...many)
          return many
        }
      if (name === 'expandChain')
        return (prk: Uint8Array, infos: Uint8Array, count: number) => {
          const chain = target.expandChain(prk, infos, count)
          expansions += count
          outputs.push(chain)
          return chain
        }
      if (name === 'extract')
        return (salt: Uint8Array, ikm: Uint8Array) => {
          const output = target.extract(salt, ikm)
          outputs.push(output)
          return output
        }
      if (name !== 'expand') return typeof member === 'function' ? member.bind(target) : member
      return (prk: Uint8Array, info: Uint8Array, length: number) => {
        const output = target.expand(prk, info, length)
        expansions += 1
        outputs.push(output)
        return output
      }
    },
  })
  return { suite: watchedSuite, outputs, count: () => expansions }
}

/** A fixed encryption secret; a new array each time. */
export const encryptionSecret = (): Bytes => new Uint8Array(32).map((_, i) => 0xa0 + i)

/** A tree over {@link encryptionSecret}. */
export function makeTree(
  leafCount: number,
  limits: Partial<SecretTreeLimits> = {},
  on: CipherSuite = suite,
): SecretTree {
  return new SecretTree(on, new Secret(encryptionSecret()), leafCount, { ...secretTreeLimits, ...limits })
}

/** Code and rule of what `run` throws. */
export function thrown(run: () => unknown): [ErrorCode, string | undefined] | undefined {
  try {
    run()
  } catch (error) {
    if (!(error instanceof MlsError)) throw error
    return [error.code, error.rule]
  }
  return undefined
}
