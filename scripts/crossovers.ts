/** `npm run crossovers`: times the kernels against `node:crypto`, to keep `src/providers/node/crossovers.ts` true. */
import * as crypto from 'node:crypto'
import { cpus } from 'node:os'
import { stdout, versions } from 'node:process'
import { suiteParameters } from '../src/crypto/suites.ts'
import { nodeAead } from '../src/providers/node/aead.ts'
import { nodeEcdsaP256 } from '../src/providers/node/ecdsa.ts'
import { nodeKdf, nodeSha512 } from '../src/providers/node/kdf.ts'
import { inlineCore } from '../src/providers/wasm/inline-core.ts'

const partsOf = (id: number) => inlineCore.parts(suiteParameters(id))!
const rounds = 41

/** Medians in microseconds, the candidates in turns. */
function race(...candidates: (() => unknown)[]): number[] {
  const samples = candidates.map((): number[] => [])
  const repeat = candidates.map((run) => {
    const start = performance.now()
    for (let i = 0; i < 20; i++) run()
    return Math.max(1, Math.round(20 / Math.max(0.01, performance.now() - start)))
  })
  for (let round = 0; round < rounds; round++)
    candidates.forEach((run, c) => {
      const times = repeat[c]!
      const start = performance.now()
      for (let i = 0; i < times; i++) run()
      samples[c]!.push(((performance.now() - start) / times) * 1000)
    })
  return samples.map((list) => list.sort((a, b) => a - b)[rounds >> 1]!)
}

function row(name: string, run: readonly [() => unknown, () => unknown]): boolean {
  const [wasm = 0, native = 0] = race(...run)
  const wins = native < wasm
  stdout.write(
    `${name.padEnd(28)} wasm ${wasm.toFixed(2).padStart(9)} us  native ${native.toFixed(2).padStart(9)} us${wins ? '  native' : ''}\n`,
  )
  return wins
}

function sweep(
  name: string,
  sizes: readonly number[],
  make: (size: number) => readonly [() => unknown, () => unknown],
) {
  let from: number | undefined
  for (const size of sizes) {
    const wins = row(`${name} ${size} B`, make(size))
    from = wins ? (from ?? size) : undefined
  }
  stdout.write(`${name}: native from ${from ?? 'nowhere'}\n\n`)
}

const bytes = (length: number) => new Uint8Array(length).fill(9)
stdout.write(`${cpus()[0]?.model ?? ''}, Node ${versions.node}, OpenSSL ${versions.openssl}\n`)

const { kdf } = partsOf(1)
const native = nodeKdf(crypto, kdf, { hash: 0, hashMany: 0, hmac: 0 })
sweep('hash', [64, 128, 192, 256, 384, 512, 1024, 4096], (size) => {
  const data = bytes(size)
  return [() => kdf.hash(data), () => native.hash(data)]
})
sweep('hashMany of 64', [256, 512, 1024, 1536, 2048, 3072, 8192], (size) => {
  const data = Array.from({ length: 64 }, () => bytes(size))
  return [
    () => kdf.hashMany(data),
    () => data.map((item) => new Uint8Array(crypto.createHash('sha256').update(item).digest())),
  ]
})
sweep('hmac', [64, 128, 256, 384, 512, 1024, 4096], (size) => {
  const data = bytes(size)
  const key = bytes(32)
  return [() => kdf.hmac(key, data), () => native.hmac(key, data)]
})
for (const [id, name] of [
  [1, 'AES128GCM'],
  [3, 'CHACHA20POLY1305'],
] as const)
  sweep(name, [100, 256, 512, 768, 1024, 2048, 4096, 8192, 16_384, 65_536], (size) => {
    const { aead } = partsOf(id)
    const openssl = nodeAead(crypto, name, aead, 0)
    const [key, nonce, aad, data] = [bytes(id === 1 ? 16 : 32), bytes(12), bytes(32), bytes(size)]
    return [() => aead.seal(key, nonce, aad, data), () => openssl.seal(key, nonce, aad, data)]
  })
const ed25519 = partsOf(1).signature
const hashed = ed25519.withSha512?.(nodeSha512(crypto), 0) ?? ed25519
sweep('SHA-512 in Ed25519', [512, 1024, 2048, 4096, 8192, 65_536], (size) => {
  const [key, data] = [bytes(32), bytes(size)]
  return [() => ed25519.sign(key, data), () => hashed.sign(key, data)]
})
const { signature } = partsOf(2)
const message = bytes(300)
const privateKey = bytes(32)
const publicKey = signature.publicKey(privateKey)
const signed = signature.sign(privateKey, message)
const openssl = nodeEcdsaP256(crypto, signature)
row('ECDSA P-256 verify', [
  () => signature.verify(publicKey, message, signed),
  () => openssl.verify(publicKey, message, signed),
])
