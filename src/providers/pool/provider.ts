/**
 * A provider that spreads large batches over workers, each with its own instance of the kernels: the signatures of a join,
 * the recipients of a commit. Worth it from some 50 ms of work on; smaller batches, and everything else, stay where they are.
 */
import { type Bytes, copyBytes, wipe } from '../../bytes/bytes.ts'
import { at, MlsError } from '../../bytes/errors.ts'
import type {
  CipherSuite,
  CryptoProvider,
  HpkeCiphertext,
  HpkeSealRequest,
  VerifyRequest,
} from '../../crypto/cipher-suite.ts'
import type { KemName, SignatureName, SuiteParameters } from '../../crypto/suites.ts'
import { type PoolWorker, WorkerPool } from './pool.ts'
import { type Job, type Packed, pack, unpack } from './protocol.ts'
import { work } from './work.ts'

/** Settings of a pool. */
export interface PoolOptions {
  /** Who computes everything that stays, and how all results look. */
  readonly provider: CryptoProvider
  /** How many workers, at least 2. */
  readonly size: number
  /** Batches of less work, in milliseconds on one core, are not spread. */
  readonly minimum?: number
}

/** A provider with workers behind it. */
export interface PooledProvider extends CryptoProvider {
  /** Parts of batches that workers finished; stays 0 where workers cannot be started, and then all is done on one thread. */
  readonly finished: number
  /** Ends the workers. The provider goes on working: the next large batch starts new ones. */
  close(): void
}

/** Measured microseconds of one element in a batch, for suites that the kernels compute. */
const verifyCost: Partial<Record<SignatureName, number>> = { Ed25519: 30, P256: 135 }
const sealCost: Partial<Record<KemName, number>> = { DHKEMX25519: 95, DHKEMP256: 250 }
const secretLength = 32

/** A pool over workers that `start` makes. */
export function createPooledProvider(options: PoolOptions, start: () => PoolWorker): PooledProvider {
  const { provider, size, minimum = 50 } = options
  const pool = new WorkerPool(size, start)

  /** In a worker; here, when the worker is gone. */
  async function run(make: () => Omit<Job, 'id'>): Promise<Packed> {
    try {
      return await pool.run(make())
    } catch (error) {
      if (!(error instanceof MlsError) || error.code !== 'crypto/provider') throw error
      const { output } = await work({ ...make(), id: 0 })
      if (output === undefined) throw error
      return output
    }
  }

  /** Runs a part for each worker, in order. */
  async function spread<T, R>(
    items: readonly T[],
    part: (items: readonly T[], start: number) => Promise<R[]>,
  ): Promise<R[]> {
    const length = Math.ceil(items.length / size)
    const starts = Array.from({ length: Math.ceil(items.length / length) }, (_, i) => i * length)
    const parts = await Promise.all(starts.map((from) => part(items.slice(from, from + length), from)))
    return parts.flat()
  }

  function verifyMany(suite: CipherSuite, requests: readonly VerifyRequest[]): Promise<boolean[]> {
    return spread(requests, async (part) => {
      const secret = suite.randomBytes(secretLength)
      const items = part.flatMap(({ publicKey, message, signature }) => [publicKey, message, signature])
      const output = await run(() => ({
        suite: suite.parameters.id,
        operation: 'verifyMany',
        randomness: copyBytes(secret),
        input: pack(items),
      }))
      wipe(secret)
      return Array.from(output.bytes, (result) => result === 1)
    })
  }

  async function hpkeSealMany(suite: CipherSuite, requests: readonly HpkeSealRequest[]): Promise<HpkeCiphertext[]> {
    const { id, privateKeyLength } = suite.parameters
    // in the order in which one thread would draw them
    const seeds = requests.map(() => suite.randomBytes(privateKeyLength))
    try {
      return await spread(requests, async (part, start) => {
        const items = part.flatMap(({ publicKey, info, aad, plaintext }) => [publicKey, info, aad, plaintext])
        const output = await run(() => ({
          suite: id,
          operation: 'hpkeSealMany',
          randomness: pack(seeds.slice(start, start + part.length)).bytes,
          input: pack(items),
        }))
        const sealed: Bytes[] = unpack(output).map(copyBytes)
        return part.map((_, i) => ({ kemOutput: at(sealed, 2 * i), ciphertext: at(sealed, 2 * i + 1) }))
      })
    } finally {
      wipe(...seeds)
    }
  }

  const isLarge = (count: number, cost: number | undefined) => cost !== undefined && count * cost >= minimum * 1000

  return {
    name: provider.name,
    supports: (parameters) => provider.supports(parameters),
    get finished() {
      return pool.finished
    },
    close: () => pool.close(),
    open(parameters: SuiteParameters, rng) {
      const suite = provider.open(parameters, rng)
      const { signature, kem } = parameters
      return {
        ...bound(suite),
        verifyMany: (requests) =>
          isLarge(requests.length, verifyCost[signature]) ? verifyMany(suite, requests) : suite.verifyMany(requests),
        hpkeSealMany: (requests) =>
          isLarge(requests.length, sealCost[kem]) ? hpkeSealMany(suite, requests) : suite.hpkeSealMany(requests),
      }
    },
  }
}

const methods = [
  'randomBytes',
  'hash',
  'hashMany',
  'hmac',
  'extract',
  'expand',
  'expandMany',
  'seal',
  'open',
  'sign',
  'verify',
  'verifyMany',
  'generateSignatureKeyPair',
  'signaturePublicKey',
  'isSignaturePublicKey',
  'isHpkePublicKey',
  'deriveKeyPair',
  'deriveKeyPairs',
  'hpkeSeal',
  'hpkeSealMany',
  'hpkeOpen',
  'hpkeSenderExport',
  'hpkeReceiverExport',
] as const satisfies readonly (keyof CipherSuite)[]

/** An object with the methods of a suite, which is a class with private fields. */
function bound(suite: CipherSuite): CipherSuite {
  const own: Partial<Record<keyof CipherSuite, unknown>> = { parameters: suite.parameters, provider: suite.provider }
  for (const name of methods) own[name] = suite[name].bind(suite)
  return own as unknown as CipherSuite
}
