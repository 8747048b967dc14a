/** Secret-dependent kernels of the curve25519 module. */
import { fixedOrRandom, random, various, weights } from './inputs.ts'
import type { Operation } from './measure.ts'
import { kernelOperation, rawKernels } from './slots.ts'

const messageLength = 100

/** X25519 and Ed25519 with secret scalars, points and messages public. */
export function curve25519Operations(): Operation[] {
  const { exports, arena } = rawKernels.curve25519()
  const out = arena.reserve(256)
  const message = arena.put(random(messageLength))
  const seedAt = arena.reserve(32)
  const expand = (seed: Uint8Array) => {
    arena.write(seedAt, seed)
    exports.ed25519Expand(out, seedAt)
    return arena.read(out, 96)
  }
  const points = arena.putAll(
    [1, 2, 3, 4].map(() => {
      arena.write(seedAt, random(32))
      exports.x25519BaseMany(1, out, seedAt)
      return arena.read(out, 32)
    }),
  )
  const one = (at: number) => exports.x25519Many(1, out, at, points)
  const four = (at: number) => exports.x25519Many(4, out, at, points)
  const base = (at: number) => exports.x25519BaseMany(1, out, at)
  const baseFour = (at: number) => exports.x25519BaseMany(4, out, at)
  // lanes are used from the 128th key on
  for (let asked = 0; asked < 128; asked += 4) baseFour(points)
  const expandKey = (at: number) => exports.ed25519Expand(out, at)
  const sign = (at: number) => exports.ed25519Sign(out, at, message, messageLength)
  // the nonce of a long message, whose hashes the platform makes; and the scalar with that nonce
  const signNonce = (at: number) => exports.ed25519SignNonce(out, at)
  const digest = arena.put(random(64))
  const challenge = arena.put(random(64))
  const finish = (at: number) => exports.ed25519SignFinish(out, at, digest, challenge)
  const finishWith = (at: number) => exports.ed25519SignFinish(out, seedAt, at, challenge)
  const prefixed = (scalar: Uint8Array) => Uint8Array.from([...scalar, ...random(64)])
  const [light, heavy] = weights(32)
  const signWeights = [light, heavy].map(({ name, values }) => ({ name, values: values.map(prefixed) }))
  return [
    kernelOperation(
      'X25519',
      arena,
      1,
      fixedOrRandom(() => random(32)),
      one,
    ),
    kernelOperation('X25519', arena, 1, weights(32), one),
    kernelOperation(
      'X25519, four lanes',
      arena,
      1,
      fixedOrRandom(() => random(128)),
      four,
    ),
    kernelOperation('X25519, four lanes', arena, 1, weights(128), four),
    kernelOperation(
      'X25519, fixed base',
      arena,
      2,
      fixedOrRandom(() => random(32)),
      base,
    ),
    kernelOperation('X25519, fixed base', arena, 2, weights(32), base),
    kernelOperation(
      'X25519, fixed base, four lanes',
      arena,
      1,
      fixedOrRandom(() => random(128)),
      baseFour,
    ),
    kernelOperation('X25519, fixed base, four lanes', arena, 1, weights(128), baseFour),
    kernelOperation(
      'Ed25519 expand key',
      arena,
      2,
      fixedOrRandom(() => random(32)),
      expandKey,
    ),
    kernelOperation(
      'Ed25519 sign',
      arena,
      2,
      fixedOrRandom(() => expand(random(32))),
      sign,
    ),
    kernelOperation('Ed25519 sign, scalar', arena, 2, [signWeights[0]!, signWeights[1]!], sign),
    kernelOperation(
      'Ed25519 sign, nonce hashed',
      arena,
      2,
      fixedOrRandom(() => random(64)),
      signNonce,
    ),
    kernelOperation(
      'Ed25519 sign, S: scalar',
      arena,
      64,
      fixedOrRandom(() => random(32)),
      finish,
    ),
    kernelOperation('Ed25519 sign, S: scalar', arena, 64, weights(32), finish),
    kernelOperation(
      'Ed25519 sign, S: nonce',
      arena,
      64,
      fixedOrRandom(() => random(64)),
      finishWith,
    ),
  ]
}

/**
 * Ed25519 verification takes as long as the digits of S demand: it sees public data alone. A second control, which shows
 * that the test finds a leak in compiled WASM as well.
 */
export function variableTimeVerify(): Operation {
  const { exports, arena } = rawKernels.curve25519()
  const [seed, out, signed] = [arena.put(random(32)), arena.reserve(96), arena.reserve(64)]
  const message = arena.put(random(messageLength))
  exports.ed25519Expand(out, seed)
  exports.ed25519Sign(signed, out, message, messageLength)
  const [publicKey, R] = [arena.put(arena.read(out + 64, 32)), arena.read(signed, 32)]
  const withS = (scalar: Uint8Array) => Uint8Array.from([...R, ...scalar.subarray(0, 31), scalar[31]! & 0x0f])
  const [light] = weights(32)
  const low = { name: light.name, values: light.values.map(withS) }
  const classes = [low, various('random', () => withS(random(32).fill(0, 31)))] as const
  return kernelOperation('control: Ed25519 verify', arena, 1, classes, (at) =>
    exports.ed25519Verify(publicKey, at, message, messageLength),
  )
}
