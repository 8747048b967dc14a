/** What a worker does with a job; in a worker or, when that fails, where the pool lives. */
import { type Bytes, copyBytes, wipe } from '../../bytes/bytes.ts'
import { at, MlsError } from '../../bytes/errors.ts'
import type { CryptoProvider, HpkeSealRequest, Rng } from '../../crypto/cipher-suite.ts'
import { type SuiteParameters, suiteParameters } from '../../crypto/suites.ts'
import { type Answer, type Job, pack, unpack } from './protocol.ts'

/** Runs one job. Never throws: an error becomes its code. `provider`: who computes; all give the same bytes. */
export async function work(job: Job, provider: CryptoProvider): Promise<Answer> {
  try {
    return { id: job.id, output: pack(await outputOf(job, provider)) }
  } catch (error) {
    return { id: job.id, error: error instanceof MlsError ? error.code : 'crypto/provider' }
  } finally {
    wipe(job.randomness, job.input.bytes)
  }
}

function outputOf(job: Job, provider: CryptoProvider): Promise<Bytes[]> {
  const items = unpack(job.input)
  const parameters = suiteParameters(job.suite)
  switch (job.operation) {
    case 'warmUp':
      return warmUp(provider, parameters)
    case 'verifyMany':
      return verify(provider, parameters, job.randomness, items)
    case 'hpkeSealMany':
      return seal(provider, parameters, job.randomness, separate(items))
    case 'hpkeSealManyAlike':
      return seal(provider, parameters, job.randomness, alike(items))
  }
}

/** Signatures and recipients of the warming up. */
const [warmSignatures, warmRecipients] = [128, 16]

/** Compiles what the batches run. Keys and messages are made up. */
async function warmUp(provider: CryptoProvider, parameters: SuiteParameters): Promise<Bytes[]> {
  let counter = 1
  const suite = provider.open(parameters, { randomBytes: (length) => new Uint8Array(length).fill(counter++) })
  const { publicKey, privateKey } = suite.generateSignatureKeyPair()
  const message = new Uint8Array(256)
  const request = { publicKey, message, signature: suite.sign(privateKey, message) }
  await suite.verifyMany(new Array(warmSignatures).fill(request))
  const recipient = await suite.deriveKeyPair(suite.randomBytes(parameters.hashLength))
  const sealed = { publicKey: recipient.publicKey, info: message, aad: message, plaintext: message }
  await suite.hpkeSealMany(new Array(warmRecipients).fill(sealed))
  return []
}

/** Items are key, message and signature, in turn. */
async function verify(
  provider: CryptoProvider,
  parameters: SuiteParameters,
  secret: Uint8Array,
  items: readonly Bytes[],
): Promise<Bytes[]> {
  const suite = provider.open(parameters, expandingRng(provider, parameters, secret))
  const requests = groups(items, 3).map((group) => ({
    publicKey: at(group, 0),
    message: at(group, 1),
    signature: at(group, 2),
  }))
  const results = await suite.verifyMany(requests)
  return [Uint8Array.from(results, Number)]
}

/** Items are key, info, aad and plaintext, in turn. */
function separate(items: readonly Bytes[]): HpkeSealRequest[] {
  return groups(items, 4).map((group) => ({
    publicKey: at(group, 0),
    info: at(group, 1),
    aad: at(group, 2),
    plaintext: at(group, 3),
  }))
}

/** Items are info and aad of all, then key and plaintext, in turn. */
function alike(items: readonly Bytes[]): HpkeSealRequest[] {
  const [info, aad] = [at(items, 0), at(items, 1)]
  return groups(items.slice(2), 2).map((group) => ({ publicKey: at(group, 0), info, aad, plaintext: at(group, 1) }))
}

/** The randomness is one seed for each recipient. Out come KEM output and ciphertext, in turn. */
async function seal(
  provider: CryptoProvider,
  parameters: SuiteParameters,
  seeds: Uint8Array,
  requests: readonly HpkeSealRequest[],
): Promise<Bytes[]> {
  let taken = 0
  const rng: Rng = {
    randomBytes(length) {
      taken += length
      return copyBytes(seeds.subarray(taken - length, taken))
    },
  }
  const sealed = await provider.open(parameters, rng).hpkeSealMany(requests)
  return sealed.flatMap(({ kemOutput, ciphertext }) => [kemOutput, ciphertext])
}

/** The coefficients of batches from one secret of the random port: outputs of HKDF-Expand, in turn. */
function expandingRng(provider: CryptoProvider, parameters: SuiteParameters, secret: Uint8Array): Rng {
  // a suite that only expands needs no randomness
  const suite = provider.open(parameters, { randomBytes: () => new Uint8Array(0) })
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
