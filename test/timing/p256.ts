/** Secret-dependent kernels of the P-256 module. */
import { fixed, fixedOrRandom, random, various, weights } from './inputs.ts'
import type { InputClass, Operation } from './measure.ts'
import { kernelOperation, rawKernels } from './slots.ts'

/** In [1, n - 1], up to a chance of 2^-31: the first byte is below that of n. */
function scalar(): Uint8Array {
  const out = random(32)
  out[0] = out[0]! & 0x7f
  out[31] = out[31]! | 1
  return out
}

const scalarWeights = (): readonly [InputClass, InputClass] => {
  const inRange = ({ name, values }: InputClass) => ({
    name,
    values: values.map((value) => value.map((byte, i) => (i === 0 ? byte & 0x7f : i === 31 ? byte | 1 : byte))),
  })
  const [light, heavy] = weights(32)
  return [inRange(light), inRange(heavy)]
}

/** Even scalars are negated by the kernel. */
const parities = (): readonly [InputClass, InputClass] => [
  various('odd', scalar),
  various('even', () => scalar().map((byte, i) => (i === 31 ? byte ^ 1 : byte))),
]

/** ECDH, public keys and ECDSA signatures, points and hashes public. */
export function p256Operations(): Operation[] {
  const kernel = rawKernels.p256()
  if (kernel === undefined) return []
  const { exports, arena } = kernel
  const [out, peer, hash] = [arena.reserve(80), arena.reserve(80), arena.put(random(32))]
  // also makes the tables of the fixed base
  exports.p256PublicKey(peer, arena.put(scalar()))
  const ecdh = (at: number) => exports.p256Ecdh(out, at, peer)
  const publicKey = (at: number) => exports.p256PublicKey(out, at)
  // a slot holds the private key and the nonce
  const sign = (at: number) => exports.p256Sign(out, at, hash, at + 32)
  const [key, nonce] = [scalar(), scalar()]
  const withKey = (k: Uint8Array) => Uint8Array.from([...key, ...k])
  const withNonce = (d: Uint8Array) => Uint8Array.from([...d, ...nonce])
  const [light, heavy] = scalarWeights()
  const nonceWeights = [light, heavy].map(({ name, values }) => ({ name, values: values.map(withKey) }))
  return [
    kernelOperation('P-256 ECDH', arena, 1, fixedOrRandom(scalar), ecdh),
    kernelOperation('P-256 ECDH', arena, 1, scalarWeights(), ecdh),
    kernelOperation('P-256 ECDH', arena, 1, parities(), ecdh),
    kernelOperation('P-256 public key', arena, 1, fixedOrRandom(scalar), publicKey),
    kernelOperation('P-256 public key', arena, 1, scalarWeights(), publicKey),
    kernelOperation(
      'P-256 sign, key',
      arena,
      1,
      [fixed(() => withNonce(scalar())), various('random', () => withNonce(scalar()))],
      sign,
    ),
    kernelOperation(
      'P-256 sign, nonce',
      arena,
      1,
      [fixed(() => withKey(scalar())), various('random', () => withKey(scalar()))],
      sign,
    ),
    kernelOperation('P-256 sign, nonce', arena, 1, [nonceWeights[0]!, nonceWeights[1]!], sign),
  ]
}
