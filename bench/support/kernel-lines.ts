/** What `npm run bench -- kernels` compares: each line with the same work done by the kernels, noble, libsodium and Node. */
import * as node from 'node:crypto'
import { gcm } from '@noble/ciphers/aes.js'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { expand } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import sodium from 'libsodium-wrappers'
import type { Work } from './interleave.ts'
import { loadWasmKernels } from './wasm-kernels.ts'

/** One line; `goal` is the ratio against noble on Node 20 that is wanted. */
export interface Line {
  readonly name: string
  readonly n: number
  readonly goal: number | undefined
  readonly works: { readonly ours: Work; readonly noble: Work; readonly libsodium?: Work; readonly node?: Work }
}

const random = (length: number): Uint8Array => Uint8Array.from(node.randomBytes(length))
const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i))
const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

/** All lines, with inputs of their own. */
export async function kernelLines(): Promise<Line[]> {
  await sodium.ready
  const kernels = await loadWasmKernels()
  return [
    ...x25519Lines(kernels),
    ...ed25519Lines(kernels),
    ...hashLines(kernels),
    ...aeadLines(kernels),
    ...p256Lines(kernels),
  ]
}

type Kernels = Awaited<ReturnType<typeof loadWasmKernels>>

function x25519Lines(kernels: Kernels): Line[] {
  const scalar = random(32)
  const point = x25519.getPublicKey(random(32))
  const scalars = times(16, () => random(32))
  const points = scalars.map((one) => x25519.getPublicKey(one))
  const privateKey = node.createPrivateKey({
    key: { kty: 'OKP', crv: 'X25519', d: base64url(scalar), x: base64url(x25519.getPublicKey(scalar)) },
    format: 'jwk',
  })
  const publicKey = node.createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: base64url(point) }, format: 'jwk' })
  const noble: Work = { run: () => x25519.getSharedSecret(scalar, point) }
  const nobleBase: Work = { run: () => x25519.getPublicKey(scalar) }
  const libsodium: Work = { run: () => sodium.crypto_scalarmult(scalar, point) }
  const nodeDh: Work = { run: () => node.diffieHellman({ privateKey, publicKey }) }
  return [
    {
      name: 'X25519',
      n: 1,
      goal: 12,
      works: { ours: { run: () => kernels.x25519(scalar, point) }, noble, libsodium, node: nodeDh },
    },
    {
      name: 'X25519, four lanes',
      n: 16,
      goal: 16,
      works: { ours: { run: () => kernels.x25519Many(scalars, points), per: 16 }, noble, libsodium, node: nodeDh },
    },
    {
      name: 'X25519, fixed base',
      n: 1,
      goal: 12,
      works: {
        ours: { run: () => kernels.x25519Base(scalar) },
        noble: nobleBase,
        libsodium: { run: () => sodium.crypto_scalarmult_base(scalar) },
        node: { run: () => node.generateKeyPairSync('x25519') },
      },
    },
  ]
}

function ed25519Lines(kernels: Kernels): Line[] {
  const item = () => {
    const seed = random(32)
    const expanded = kernels.ed25519Expand(seed)
    const message = random(300)
    return { seed, expanded, pk: expanded.slice(64), message, signature: kernels.ed25519Sign(expanded, message) }
  }
  const one = item()
  const { seed, expanded, pk, message, signature } = one
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: base64url(pk) }
  const publicKey = node.createPublicKey({ key: jwk, format: 'jwk' })
  const privateKey = node.createPrivateKey({ key: { ...jwk, d: base64url(seed) }, format: 'jwk' })
  const secretKey = new Uint8Array([...seed, ...pk])
  const peers = {
    noble: { run: () => ed25519.verify(signature, message, pk, { zip215: false }) },
    libsodium: { run: () => sodium.crypto_sign_verify_detached(signature, message, pk) },
    node: { run: () => node.verify(null, message, publicKey, signature) },
  }
  const batch = (n: number, goal: number | undefined): Line => {
    const items = times(n, item)
    const z = random(16 * n)
    const run = () => {
      if (!kernels.ed25519VerifyBatch(items, z)) throw new Error('a good batch was refused')
    }
    return { name: `Ed25519 verify, batch of ${n}`, n, goal, works: { ours: { run, per: n }, ...peers } }
  }
  return [
    { name: 'Ed25519 verify', n: 1, goal: 13, works: { ours: { run: () => kernels.ed25519Verify(one) }, ...peers } },
    batch(64, 22),
    batch(1024, 35),
    {
      name: 'Ed25519 sign',
      n: 1,
      goal: 18,
      works: {
        ours: { run: () => kernels.ed25519Sign(expanded, message) },
        noble: { run: () => ed25519.sign(message, seed) },
        libsodium: { run: () => sodium.crypto_sign_detached(message, secretKey) },
        node: { run: () => node.sign(null, message, privateKey) },
      },
    },
  ]
}

function hashLines(kernels: Kernels): Line[] {
  const data = random(64)
  const many = times(64, () => random(64))
  const prk = random(32)
  const info = random(40)
  const prks = times(64, () => random(32))
  const infos = times(64, () => random(40))
  const hash = {
    noble: { run: () => sha256(data) },
    node: { run: () => node.createHash('sha256').update(data).digest() },
  }
  const one = Buffer.from([1])
  const hkdf = {
    noble: { run: () => expand(sha256, prk, info, 32) },
    // one HMAC: what node:crypto offers for the expansion alone
    node: { run: () => node.createHmac('sha256', prk).update(info).update(one).digest() },
  }
  return [
    { name: 'SHA-256 64 B', n: 1, goal: 2.3, works: { ours: { run: () => kernels.sha256(data) }, ...hash } },
    {
      name: 'SHA-256 64 B, four-way',
      n: 64,
      goal: 6.5,
      works: { ours: { run: () => kernels.sha256Many(many), per: 64 }, ...hash },
    },
    { name: 'HKDF-Expand', n: 1, goal: 3, works: { ours: { run: () => kernels.hkdfExpand(prk, info, 32) }, ...hkdf } },
    {
      name: 'HKDF-Expand, four-way',
      n: 64,
      goal: 6.5,
      works: { ours: { run: () => kernels.hkdfExpandMany(prks, infos, 32), per: 64 }, ...hkdf },
    },
  ]
}

function aeadLines(kernels: Kernels): Line[] {
  const nonce = random(12)
  const aad = random(40)
  const sealed = (name: 'chacha20-poly1305' | 'aes-128-gcm', key: Uint8Array, message: Uint8Array) => {
    const cipher = node.createCipheriv(name as 'aes-128-gcm', key, nonce)
    cipher.setAAD(aad)
    return Buffer.concat([cipher.update(message), cipher.final(), cipher.getAuthTag()])
  }
  const sizes = [
    { name: '100 B', message: random(100), chacha: 7, aes: 7 },
    { name: '64 KiB', message: random(65536), chacha: 5, aes: 4 },
  ]
  const key32 = random(32)
  const key16 = random(16)
  return [
    ...sizes.map(({ name, message, chacha }): Line => {
      const run = () => sodium.crypto_aead_chacha20poly1305_ietf_encrypt(message, aad, null, nonce, key32)
      return {
        name: `ChaCha20-Poly1305 ${name}`,
        n: message.length,
        goal: chacha,
        works: {
          ours: { run: () => kernels.chacha20poly1305Seal(key32, nonce, aad, message) },
          noble: { run: () => chacha20poly1305(key32, nonce, aad).encrypt(message) },
          libsodium: { run },
          node: { run: () => sealed('chacha20-poly1305', key32, message) },
        },
      }
    }),
    ...sizes.map(
      ({ name, message, aes }): Line => ({
        name: `AES-128-GCM ${name}`,
        n: message.length,
        goal: aes,
        works: {
          ours: { run: () => kernels.aes128gcmSeal(key16, nonce, aad, message) },
          noble: { run: () => gcm(key16, nonce, aad).encrypt(message) },
          node: { run: () => sealed('aes-128-gcm', key16, message) },
        },
      }),
    ),
  ]
}

function p256Lines(kernels: Kernels): Line[] {
  const scalar = p256.utils.randomSecretKey()
  const point = p256.getPublicKey(p256.utils.randomSecretKey(), false)
  const message = random(300)
  const hash = sha256(message)
  const signer = p256.utils.randomSecretKey()
  const publicKey = p256.getPublicKey(signer, false)
  const signature = p256.sign(message, signer)
  const ecdh = node.createECDH('prime256v1')
  ecdh.setPrivateKey(scalar)
  const coordinates = { x: base64url(publicKey.slice(1, 33)), y: base64url(publicKey.slice(33)) }
  const nodeKey = node.createPublicKey({ key: { kty: 'EC', crv: 'P-256', ...coordinates }, format: 'jwk' })
  if (!kernels.p256Verify(publicKey, signature, hash)) throw new Error('a good signature was refused')
  return [
    {
      name: 'P-256 ECDH',
      n: 1,
      goal: 9,
      works: {
        ours: { run: () => kernels.p256Ecdh(scalar, point) },
        noble: { run: () => p256.getSharedSecret(scalar, point) },
        node: { run: () => ecdh.computeSecret(point) },
      },
    },
    {
      name: 'P-256 ECDSA verify',
      n: 1,
      goal: 9,
      works: {
        // the hash of the message is part of the work, as it is for the others
        ours: { run: () => kernels.p256Verify(publicKey, signature, kernels.sha256(message)) },
        noble: { run: () => p256.verify(signature, message, publicKey) },
        node: { run: () => node.verify('sha256', message, { key: nodeKey, dsaEncoding: 'ieee-p1363' }, signature) },
      },
    },
  ]
}
