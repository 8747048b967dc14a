/**
 * A provider that spreads large batches over workers, each with its own instance of the kernels: the signatures of a join,
 * the recipients of a commit. Worth it from some 50 ms of work on; smaller batches, and everything else, stay where they are.
 */
import { type Bytes, copyBytes, wipe } from '../../bytes/bytes.ts'
import { at } from '../../bytes/errors.ts'
import type {
  CipherSuite,
  CryptoProvider,
  HpkeCiphertext,
  HpkeSealRequest,
  VerifyRequest,
} from '../../crypto/cipher-suite.ts'
import type { KemName, SignatureName, SuiteParameters } from '../../crypto/suites.ts'
import { type PoolWorker, type Task, WorkerPool } from './pool.ts'
import { errorOf, type Packed, pack, unpack } from './protocol.ts'
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
  /**
   * Starts the workers and compiles the kernels in them, so that the first batch need not wait for that; for a suite number, 1
   * by default. Settles when they are ready, or cannot be started.
   */
  warm(suite?: number): Promise<void>
  /** Ends the workers. The provider goes on working: the next large batch starts new ones. */
  close(): void
}

/** Measured microseconds of one element in a batch, for suites that the kernels compute. */
const verifyCost: Partial<Record<SignatureName, number>> = { Ed25519: 30, P256: 135 }
const sealCost: Partial<Record<KemName, number>> = { DHKEMX25519: 95, DHKEMP256: 250 }
const secretLength = 32
/** Elements of one part: workers that have finished early take more parts, and more elements in one are hardly cheaper. */
const largestPart = 2048

/** A pool over workers that `start` makes. */
export function createPooledProvider(options: PoolOptions, start: () => PoolWorker): PooledProvider {
  const { provider, size, minimum = 50 } = options
  const pool = new WorkerPool(size, start, async (task) => {
    const { output, error = '' } = await work({ ...task, id: 0 }, provider)
    if (output === undefined) throw errorOf(error)
    return output
  })

  const warmUp = (suite: number) => (): Task => ({
    suite,
    operation: 'warmUp',
    randomness: new Uint8Array(0),
    input: pack([]),
  })

  /** Runs a batch in parts of a similar length; `make` makes the job of one. The outputs are in order. */
  async function spread<T>(
    suite: CipherSuite,
    items: readonly T[],
    make: (items: readonly T[], start: number) => Task,
  ): Promise<Packed[]> {
    if (items.length === 0) return []
    const count = Math.max(size, Math.ceil(items.length / largestPart))
    const length = Math.ceil(items.length / count)
    const starts = Array.from({ length: Math.ceil(items.length / length) }, (_, i) => i * length)
    return await pool.run(
      starts.map((from) => () => make(items.slice(from, from + length), from)),
      warmUp(suite.parameters.id),
    )
  }

  async function verifyMany(suite: CipherSuite, requests: readonly VerifyRequest[]): Promise<boolean[]> {
    const outputs = await spread(suite, requests, (part) => ({
      suite: suite.parameters.id,
      operation: 'verifyMany',
      randomness: suite.randomBytes(secretLength),
      input: pack(part.flatMap(({ publicKey, message, signature }) => [publicKey, message, signature])),
    }))
    return outputs.flatMap(({ bytes }) => Array.from(bytes, (result) => result === 1))
  }

  async function hpkeSealMany(suite: CipherSuite, requests: readonly HpkeSealRequest[]): Promise<HpkeCiphertext[]> {
    const { privateKeyLength } = suite.parameters
    // in the order in which one thread would draw them
    const seeds = requests.map(() => suite.randomBytes(privateKeyLength))
    try {
      const outputs = await spread(suite, requests, (part, from) => {
        const randomness = pack(seeds.slice(from, from + part.length)).bytes
        return { suite: suite.parameters.id, randomness, ...sealInput(part) }
      })
      const sealed: Bytes[] = outputs.flatMap((output) => unpack(output).map(copyBytes))
      return requests.map((_, i) => ({ kemOutput: at(sealed, 2 * i), ciphertext: at(sealed, 2 * i + 1) }))
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
    warm: (suite = 1) => pool.warm(warmUp(suite)),
    close: () => pool.close(),
    open(parameters: SuiteParameters, rng) {
      const suite = provider.open(parameters, rng)
      const { signature, kem } = parameters
      return {
        ...bound(suite),
        workers: size,
        verifyMany: (requests) =>
          isLarge(requests.length, verifyCost[signature]) ? verifyMany(suite, requests) : suite.verifyMany(requests),
        hpkeSealMany: (requests) =>
          isLarge(requests.length, sealCost[kem]) ? hpkeSealMany(suite, requests) : suite.hpkeSealMany(requests),
      }
    },
  }
}

/** The items of a part: what all recipients share is sent once. */
function sealInput(part: readonly HpkeSealRequest[]): Pick<Task, 'operation' | 'input'> {
  const [first] = part
  if (first === undefined || part.some(({ info, aad }) => info !== first.info || aad !== first.aad)) {
    const items = part.flatMap(({ publicKey, info, aad, plaintext }) => [publicKey, info, aad, plaintext])
    return { operation: 'hpkeSealMany', input: pack(items) }
  }
  const items = part.flatMap(({ publicKey, plaintext }) => [publicKey, plaintext])
  return { operation: 'hpkeSealManyAlike', input: pack([first.info, first.aad, ...items]) }
}

const methods = [
  'randomBytes',
  'hash',
  'hashMany',
  'hmac',
  'extract',
  'expand',
  'expandMany',
  'expandChain',
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
