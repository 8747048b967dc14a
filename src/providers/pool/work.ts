/** What a worker does with a job; in a worker or, when that fails, where the pool lives. */
import { type Bytes, wipe } from '../../bytes/bytes.ts'
import { at, MlsError } from '../../bytes/errors.ts'
import type { Rng } from '../../crypto/cipher-suite.ts'
import { type SuiteParameters, suiteParameters } from '../../crypto/suites.ts'
import { wasmProvider } from '../wasm/provider.ts'
import { type Answer, type Job, pack, unpack } from './protocol.ts'

/** Runs one job. Never throws: an error becomes its code. */
export async function work(job: Job): Promise<Answer> {
  try {
    const items = unpack(job.input)
    const parameters = suiteParameters(job.suite)
    const output =
      job.operation === 'verifyMany' ? await verify(job, parameters, items) : await seal(job, parameters, items)
    return { id: job.id, output: pack(output) }
  } catch (error) {
    return { id: job.id, error: error instanceof MlsError ? error.code : 'crypto/provider' }
  } finally {
    wipe(job.randomness, job.input.bytes)
  }
}

/** Items are key, message and signature, in turn. */
async function verify({ randomness }: Job, parameters: SuiteParameters, items: readonly Bytes[]): Promise<Bytes[]> {
  const suite = wasmProvider.open(parameters, expandingRng(parameters, randomness))
  const requests = groups(items, 3).map((group) => ({
    publicKey: at(group, 0),
    message: at(group, 1),
    signature: at(group, 2),
  }))
  const results = await suite.verifyMany(requests)
  return [Uint8Array.from(results, Number)]
}

/** Items are key, info, aad and plaintext, in turn; the randomness is one seed for each. Out come KEM output and ciphertext. */
async function seal({ randomness }: Job, parameters: SuiteParameters, items: readonly Bytes[]): Promise<Bytes[]> {
  let taken = 0
  const rng: Rng = {
    randomBytes(length) {
      taken += length
      return randomness.slice(taken - length, taken)
    },
  }
  const requests = groups(items, 4).map((group) => ({
    publicKey: at(group, 0),
    info: at(group, 1),
    aad: at(group, 2),
    plaintext: at(group, 3),
  }))
  const sealed = await wasmProvider.open(parameters, rng).hpkeSealMany(requests)
  return sealed.flatMap(({ kemOutput, ciphertext }) => [kemOutput, ciphertext])
}

/** The coefficients of batches from one secret of the random port: outputs of HKDF-Expand, in turn. */
function expandingRng(parameters: SuiteParameters, secret: Uint8Array): Rng {
  // a suite that only expands needs no randomness
  const suite = wasmProvider.open(parameters, { randomBytes: () => new Uint8Array(0) })
  let counter = 0
  return {
    randomBytes(length) {
      const out = new Uint8Array(length)
      for (let start = 0; start < length; start += 32) {
        const block = suite.expand(secret, Uint8Array.of(counter >>> 24, counter >>> 16, counter >>> 8, counter), 32)
        counter++
        out.set(block.subarray(0, length - start), start)
      }
      return out
    },
  }
}

function groups<T>(items: readonly T[], size: number): T[][] {
  const out: T[][] = []
  for (let i = 0; i < items.length; i += size) out.push(items.slice(i, i + size))
  return out
}
