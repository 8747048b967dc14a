/**
 * Many real key pairs quickly, for fixtures only: the scalars are an arithmetic sequence, so the next public key costs one
 * point addition. The private keys are known to anyone who reads this; the keys and signatures are valid all the same.
 */
import { createHash } from 'node:crypto'
import { FpInvertBatch } from '@noble/curves/abstract/modular.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import type { Bytes } from '../../src/bytes/bytes.ts'
import type { HpkeKeyPair } from '../../src/crypto/cipher-suite.ts'
import type { SyncSigner } from '../../src/signed/signer.ts'

const { Point } = ed25519
const { Fp, Fn } = Point
const order = Fn.ORDER
type EdwardsPoint = InstanceType<typeof Point>

function sequence(start: bigint, step: bigint, count: number): EdwardsPoint[] {
  const points: EdwardsPoint[] = []
  const increment = Point.BASE.multiply(step)
  let point = Point.BASE.multiply(start % order)
  for (let i = 0; i < count; i++) {
    points.push(point)
    point = point.add(increment)
  }
  return points
}

function littleEndian(value: bigint): Bytes {
  const out = new Uint8Array(32)
  const view = new DataView(out.buffer)
  for (let i = 0; i < 4; i++) view.setBigUint64(8 * i, (value >> BigInt(64 * i)) & 0xffffffffffffffffn, true)
  return out
}

/** X25519 key pairs: scalars 2^254 + 8 i, which clamping leaves as they are. */
export class X25519Sequence {
  readonly #publicKeys: Bytes[]
  readonly #start: bigint

  constructor(count: number, offset = 1n) {
    this.#start = 2n ** 254n + 8n * offset
    const points = sequence(this.#start, 8n, count)
    const inverses = FpInvertBatch(
      Fp,
      points.map(({ Y, Z }) => Fp.sub(Z, Y)),
    )
    this.#publicKeys = points.map(({ Y, Z }, i) => littleEndian(Fp.mul(Fp.add(Z, Y), inverses[i]!)))
  }

  publicKey(i: number): Bytes {
    return this.#publicKeys[i]!
  }

  keyPair(i: number): HpkeKeyPair {
    return { publicKey: this.publicKey(i), privateKey: littleEndian(this.#start + 8n * BigInt(i)) }
  }
}

/** Ed25519 signers with sequential scalars and sequential nonces. */
export class Ed25519Sequence {
  readonly #publicKeys: Bytes[]
  readonly #nonces: Bytes[]
  readonly #start: bigint
  readonly #nonceStart: bigint

  constructor(count: number, offset = 1n) {
    this.#start = 2n ** 251n + offset
    this.#nonceStart = 2n ** 250n + offset
    this.#publicKeys = encodePoints(sequence(this.#start, 1n, count))
    this.#nonces = encodePoints(sequence(this.#nonceStart, 1n, count))
  }

  publicKey(i: number): Bytes {
    return this.#publicKeys[i]!
  }

  /** A signature of RFC 8032; the nonce is that of the key, so one key signs one message here. */
  sign(i: number, message: Uint8Array): Bytes {
    const [encodedR, encodedA] = [this.#nonces[i]!, this.#publicKeys[i]!]
    const digest = createHash('sha512').update(encodedR).update(encodedA).update(message).digest()
    let challenge = 0n
    for (let word = 7; word >= 0; word--) challenge = (challenge << 64n) | digest.readBigUInt64LE(8 * word)
    const index = BigInt(i)
    const s = (this.#nonceStart + index + (challenge % order) * (this.#start + index)) % order
    const signature = new Uint8Array(64)
    signature.set(encodedR)
    signature.set(littleEndian(s), 32)
    return signature
  }

  signer(i: number): SyncSigner {
    return { publicKey: this.publicKey(i), sign: (message) => this.sign(i, message) }
  }
}

function encodePoints(points: EdwardsPoint[]): Bytes[] {
  const inverses = FpInvertBatch(
    Fp,
    points.map(({ Z }) => Z),
  )
  return points.map(({ X, Y }, i) => {
    const encoded = littleEndian(Fp.mul(Y, inverses[i]!))
    if (Fp.mul(X, inverses[i]!) & 1n) encoded[31]! |= 0x80
    return encoded
  })
}
