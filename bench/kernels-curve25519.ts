/**
 * The curve25519 kernels against @noble/curves: one process, interleaved rounds, medians. Batches and lanes are given per item.
 * `npx tsx bench/kernels-curve25519.ts [rounds]`
 */
import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { loadCurve25519 } from '../test/wasm/curve25519-module.ts'
import { buildCurve25519 } from '../wasm/curve25519/build.ts'

const ROUNDS = Number(process.argv[2] ?? 40)
const WARM_MS = 150
const SAMPLE_MS = 1.5

interface Operation {
  readonly name: string
  readonly against?: string
  readonly per?: number
  readonly run: () => void
}

const random = (n: number): Uint8Array => Uint8Array.from(randomBytes(n))
const wasm = await buildCurve25519()
const curve = await loadCurve25519(wasm)
const { kernel } = curve
/** A second instance makes keys and signatures, so that the arena of the first keeps its arguments for the whole run. */
const signer = await loadCurve25519(wasm)

const seed = random(32)
const message = random(300)
const u = x25519.getPublicKey(random(32))
const expanded = signer.ed25519Expand(seed)
const pk = expanded.slice(64)
const signature = signer.ed25519Sign(expanded, message)

const out = curve.reserve(1 << 16)
const scalarAt = curve.put(seed)
const uAt = curve.put(u)
const expandedAt = curve.put(expanded)
const messageAt = curve.put(message)
const pkAt = curve.put(pk)
const keyAt = curve.reserve(2592)
kernel.ed25519VerifyKeyExpand(keyAt, pkAt)
const signatureAt = curve.put(signature)
const scalars16 = curve.put(random(16 * 32))
const us16 = curve.put(random(16 * 32))

const batch = (n: number): Operation => {
  const items = Array.from({ length: n }, () => {
    const key = signer.ed25519Expand(random(32))
    const text = random(300)
    return { pk: key.slice(64), message: text, signature: signer.ed25519Sign(key, text) }
  })
  const args = curve.batchArguments(items, random(16 * n))
  const run = (): void => {
    if (kernel.ed25519VerifyBatch(...args) !== 1) throw new Error(`batch of ${n} refused`)
  }
  return { name: `ed25519 verify, batch of ${n}`, against: 'noble verify', per: n, run }
}

const operations: Operation[] = [
  { name: 'noble x25519', run: () => x25519.getSharedSecret(seed, u) },
  { name: 'noble x25519 base', run: () => x25519.getPublicKey(seed) },
  { name: 'noble sign', run: () => ed25519.sign(message, seed) },
  { name: 'noble verify', run: () => ed25519.verify(signature, message, pk, { zip215: false }) },
  { name: 'x25519', against: 'noble x25519', run: () => kernel.x25519(out, scalarAt, uAt) },
  { name: 'x25519, lanes', against: 'noble x25519', per: 16, run: () => kernel.x25519Many(16, out, scalars16, us16) },
  { name: 'x25519 base', against: 'noble x25519 base', run: () => kernel.x25519Base(out, scalarAt) },
  {
    name: 'x25519 base, 16',
    against: 'noble x25519 base',
    per: 16,
    run: () => kernel.x25519BaseMany(16, out, scalars16),
  },
  { name: 'ed25519 sign', against: 'noble sign', run: () => kernel.ed25519Sign(out, expandedAt, messageAt, 300) },
  {
    name: 'ed25519 verify',
    against: 'noble verify',
    run: () => kernel.ed25519Verify(pkAt, signatureAt, messageAt, 300),
  },
  { name: 'ed25519 key expansion', run: () => kernel.ed25519VerifyKeyExpand(keyAt, pkAt) },
  {
    name: 'ed25519 verify, expanded key',
    against: 'noble verify',
    run: () => kernel.ed25519VerifyExpanded(keyAt, signatureAt, messageAt, 300),
  },
]
for (const n of [2, 4, 8, 16, 32, 64, 128, 256, 1024]) operations.push(batch(n))

const samples = new Map<string, number[]>()
const counts = operations.map(({ run }) => {
  const end = performance.now() + WARM_MS
  let calls = 0
  for (; performance.now() < end; calls++) run()
  return Math.max(1, Math.round((calls * SAMPLE_MS) / WARM_MS))
})
for (let round = 0; round < ROUNDS; round++) {
  for (const [i, { name, per, run }] of operations.entries()) {
    const count = counts[i]!
    const start = performance.now()
    for (let k = 0; k < count; k++) run()
    const list = samples.get(name) ?? []
    list.push(((performance.now() - start) * 1000) / count / (per ?? 1))
    samples.set(name, list)
  }
}
const quantile = (name: string, q: number): number => {
  const sorted = (samples.get(name) ?? []).toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length * q)] ?? Number.NaN
}
console.log(`node ${process.version}, module ${wasm.length} bytes, gzip ${gzipSync(wasm, { level: 9 }).length}`)
console.log('us per operation: median, 10th percentile; ratio against noble of medians, of 10th percentiles')
for (const { name, against } of operations) {
  const columns = [0.5, 0.1].map((q) => quantile(name, q).toFixed(1))
  const ratios = [0.5, 0.1].map((q) =>
    against === undefined ? '' : `${(quantile(against, q) / quantile(name, q)).toFixed(1)}x`,
  )
  console.log(name.padEnd(32), ...[...columns, ...ratios].map((cell) => cell.padStart(8)))
}
