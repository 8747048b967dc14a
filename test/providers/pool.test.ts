import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toHex } from '../../src/bytes/text.ts'
import type { CryptoProvider } from '../../src/crypto/cipher-suite.ts'
import { cipherSuite, createGroup, createIdentity, createKeyPackage, joinGroup } from '../../src/index.ts'
import { createNodePool } from '../../src/providers/pool/node.ts'
import type { PoolWorker } from '../../src/providers/pool/pool.ts'
import { type Answer, pack, unpack } from '../../src/providers/pool/protocol.ts'
import { createPooledProvider, type PooledProvider } from '../../src/providers/pool/provider.ts'
import { work } from '../../src/providers/pool/work.ts'
import { systemRng } from '../../src/providers/system-rng.ts'
import { wasmProvider } from '../../src/providers/wasm/provider.ts'
import { differentialMethods } from './conformance/differential.ts'
import { codeOf, countingRng, openSuite } from './conformance/oracle.ts'

const none = new Uint8Array(0)
let folder = ''
let pool: PooledProvider

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'xmpp-mls-pool-'))
  const outfile = join(folder, 'worker.mjs')
  const entry = join(import.meta.dirname, '../../src/providers/pool/node-worker.ts')
  await build({ entryPoints: [entry], outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20' })
  pool = createNodePool({ size: 2, minimum: 0, worker: pathToFileURL(outfile) })
  await pool.warm()
})
afterAll(() => {
  pool.close()
  rmSync(folder, { recursive: true, force: true })
})

async function requestsFor(provider: CryptoProvider, id: number, count: number) {
  const suite = openSuite(provider, id, systemRng)
  const signers = Array.from({ length: 5 }, () => suite.generateSignatureKeyPair())
  const pairs = await suite.deriveKeyPairs(signers.map(({ privateKey }) => privateKey))
  const verify = Array.from({ length: count }, (_, i) => {
    const { publicKey, privateKey } = signers[i % 5]!
    const message = new Uint8Array(i).fill(i)
    return { publicKey, message, signature: suite.sign(privateKey, message) }
  })
  const seal = Array.from({ length: count }, (_, i) => ({
    publicKey: pairs[i % 5]!.publicKey,
    info: new Uint8Array(i).fill(1),
    aad: new Uint8Array(i % 7),
    plaintext: new Uint8Array(32 + (i % 3)).fill(i),
  }))
  return { verify, seal }
}

describe.each([1, 2, 3])('suite %i over two threads', (id) => {
  test('signatures: the answers of one thread, culprits by their place', async () => {
    const { verify } = await requestsFor(wasmProvider, id, 45)
    const suite = openSuite(pool, id)
    const before = pool.finished
    expect(await suite.verifyMany(verify)).toEqual(verify.map(() => true))
    expect(pool.finished).toBeGreaterThanOrEqual(before + 2)
    const bad = verify.map((request, i) => (i === 3 || i === 44 ? { ...request, publicKey: none } : request))
    expect(await suite.verifyMany(bad)).toEqual(bad.map((_, i) => i !== 3 && i !== 44))
    expect(await suite.verifyMany([])).toEqual([])
  })

  test('recipients: the bytes of one thread, and its errors', async () => {
    const { seal } = await requestsFor(wasmProvider, id, 33)
    const expected = await openSuite(wasmProvider, id, countingRng(5)).hpkeSealMany(seal)
    const before = pool.finished
    const found = await openSuite(pool, id, countingRng(5)).hpkeSealMany(seal)
    expect(pool.finished).toBeGreaterThanOrEqual(before + 2)
    const text = (list: typeof found) => list.map(({ kemOutput, ciphertext }) => [toHex(kemOutput), toHex(ciphertext)])
    expect(text(found)).toEqual(text(expected))
    for (const { kemOutput } of found) expect(kemOutput.buffer.byteLength).toBe(kemOutput.length)
    const bad = [...seal.slice(0, 20), { ...seal[0]!, publicKey: none }]
    expect(await codeOf(() => openSuite(pool, id).hpkeSealMany(bad))).toBe('crypto/key')
  })
})

test('recipients that share a long info: it goes to a worker once, and the bytes are those of one thread', async () => {
  const { seal } = await requestsFor(wasmProvider, 1, 33)
  const [info, aad] = [new Uint8Array(100_000).fill(3), Uint8Array.of(7)]
  const alike = seal.map((request) => ({ ...request, info, aad }))
  const expected = await openSuite(wasmProvider, 1, countingRng(6)).hpkeSealMany(alike)
  expect(await openSuite(pool, 1, countingRng(6)).hpkeSealMany(alike)).toEqual(expected)
})

test('a group over a pool: what it seals and verifies goes through workers', async () => {
  const suite = await cipherSuite(1, { provider: pool })
  const identities = ['a', 'b', 'c', 'd', 'e'].map((name) => createIdentity(suite, name))
  const packages = await Promise.all(identities.map((identity) => createKeyPackage({ suite, identity })))
  const group = await createGroup({ suite, identity: identities[0]! })
  let before = pool.finished
  const { welcome } = group.merge((await group.commit({ add: packages.slice(1) })).staged)
  // KeyPackages, and group secrets
  expect(pool.finished).toBeGreaterThanOrEqual(before + 4)
  before = pool.finished
  const joined = await joinGroup({ suite, welcome: welcome!, keyPackage: packages[4]! })
  expect(pool.finished).toBeGreaterThanOrEqual(before + 2)
  expect(joined.epochAuthenticator).toEqual(group.epochAuthenticator)
})

test('a pooled suite has every method of the suite, and its results', async () => {
  const suite = openSuite(pool, 1) as unknown as Record<string, unknown>
  for (const { name } of differentialMethods)
    if (name !== 'verifyCrafted') expect(typeof suite[name], name).toBe('function')
  expect(openSuite(pool, 3).hash(none)).toEqual(openSuite(wasmProvider, 3).hash(none))
  expect(pool.supports(openSuite(pool, 7).parameters)).toBe(true)
})

/** A worker on this thread that counts its jobs and may go away. */
function fakeWorkers(behaviour: 'works' | 'dies' | 'lies' | 'sleeps') {
  const seen = { started: 0, jobs: 0, bytes: 0 }
  const start = (): PoolWorker => {
    seen.started++
    let answer: (answer: Answer) => void = () => undefined
    let gone: () => void = () => undefined
    return {
      post(job) {
        seen.jobs++
        seen.bytes += job.input.bytes.length
        if (behaviour === 'works') void work(job, wasmProvider).then(answer)
        else if (behaviour === 'sleeps') return
        else if (behaviour === 'lies') queueMicrotask(() => answer({ id: job.id, error: 'nonsense' }))
        else queueMicrotask(gone)
      },
      listen(onAnswer, onGone) {
        answer = onAnswer
        gone = onGone
      },
      terminate: () => undefined,
    }
  }
  return { seen, start }
}

test('small batches never leave the thread', async () => {
  const { seen, start } = fakeWorkers('works')
  const provider = createPooledProvider({ provider: wasmProvider, size: 2 }, start)
  const suite = openSuite(provider, 1)
  const { verify, seal } = await requestsFor(wasmProvider, 1, 40)
  await suite.verifyMany(verify)
  await suite.hpkeSealMany(seal)
  expect(seen).toMatchObject({ started: 0, jobs: 0 })
  await provider.warm()
  expect(seen).toMatchObject({ started: 2, jobs: 2 })
  const many = Array.from({ length: 1700 }, (_, i) => verify[i % 40]!)
  expect((await suite.verifyMany(many)).every(Boolean)).toBe(true)
  expect(seen).toMatchObject({ started: 2, jobs: 4 })
  const [before, info] = [seen.bytes, new Uint8Array(100_000)]
  await suite.hpkeSealMany(Array.from({ length: 600 }, (_, i) => ({ ...seal[i % 40]!, info, aad: none })))
  expect(seen.bytes - before).toBeLessThan(300_000)
})

test('while workers start, the thread of the pool does their parts', async () => {
  const { seen, start } = fakeWorkers('sleeps')
  const suite = openSuite(createPooledProvider({ provider: wasmProvider, size: 2, minimum: 0 }, start), 1)
  const { verify } = await requestsFor(wasmProvider, 1, 9)
  expect(await suite.verifyMany(verify)).toEqual(verify.map(() => true))
  expect(seen.jobs).toBe(2)
})

test.each(['dies', 'lies'] as const)(
  'a worker that %s costs time only, and is not started for ever',
  async (behaviour) => {
    const { seen, start } = fakeWorkers(behaviour)
    const provider = createPooledProvider({ provider: wasmProvider, size: 2, minimum: 0 }, start)
    const suite = openSuite(provider, 1)
    const { verify, seal } = await requestsFor(wasmProvider, 1, 9)
    for (let i = 0; i < 4; i++) expect(await suite.verifyMany(verify)).toEqual(verify.map(() => true))
    await provider.warm()
    expect(await suite.hpkeSealMany(seal)).toHaveLength(9)
    expect(seen.started).toBeLessThanOrEqual(2)
  },
)

test('one of two workers is enough', async () => {
  const [works, dies] = [fakeWorkers('works'), fakeWorkers('dies')]
  const start = () => (works.seen.started === 0 ? works.start() : dies.start())
  const provider = createPooledProvider({ provider: wasmProvider, size: 2, minimum: 0 }, start)
  await provider.warm()
  const { verify } = await requestsFor(wasmProvider, 1, 9)
  expect(await openSuite(provider, 1).verifyMany(verify)).toEqual(verify.map(() => true))
})

test('a pool that is closed starts anew', async () => {
  const { seen, start } = fakeWorkers('works')
  const provider = createPooledProvider({ provider: wasmProvider, size: 2, minimum: 0 }, start)
  const { verify } = await requestsFor(wasmProvider, 1, 9)
  await openSuite(provider, 1).verifyMany(verify)
  const underWay = openSuite(provider, 1).verifyMany(verify)
  provider.close()
  expect(await underWay).toEqual(verify.map(() => true))
  await openSuite(provider, 1).verifyMany(verify)
  expect(seen.started).toBe(4)
})

test('packing keeps every byte string, and none of their memory', () => {
  const items = [none, Uint8Array.of(1, 2, 3), none, new Uint8Array(300).fill(9).subarray(7)]
  const packed = pack(items)
  expect(unpack(packed)).toEqual(items.map((item) => Uint8Array.from(item)))
  expect(packed.bytes.buffer.byteLength).toBe(296)
  expect(unpack(pack([]))).toEqual([])
})
