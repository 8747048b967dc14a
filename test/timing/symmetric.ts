/** Secret-dependent kernels of the symmetric module. */
import type { SymmetricExports } from '../../src/providers/wasm/kernel.ts'
import { fixed, fixedOrRandom, random, various } from './inputs.ts'
import type { Operation } from './measure.ts'
import { kernelOperation, rawKernels } from './slots.ts'

const textLength = 256
const sealedLength = textLength + 16
const aadLength = 32

const join = (...parts: Uint8Array[]) => Uint8Array.from(Buffer.concat(parts))

/** AEADs, HMAC and HKDF with secret keys and secret data. */
export function symmetricOperations(): Operation[] {
  return [
    ...aead('AES-128-GCM', 16, 'aes128gcm'),
    ...aead('ChaCha20-Poly1305', 32, 'chacha20poly1305'),
    ...hmac(),
    ...hpke(),
  ]
}

function aead(name: string, keyLength: number, prefix: 'aes128gcm' | 'chacha20poly1305'): Operation[] {
  const { exports, arena } = rawKernels.symmetric()
  const sealKernel: SymmetricExports['aes128gcmSeal'] = exports[`${prefix}Seal`]
  const openKernel: SymmetricExports['aes128gcmOpen'] = exports[`${prefix}Open`]
  const [nonce, aad, out] = [arena.put(random(12)), arena.put(random(aadLength)), arena.reserve(sealedLength)]
  // a slot holds the key and what follows it
  const seal = (at: number) => sealKernel(out, at, nonce, aad, aadLength, at + keyLength, textLength)
  const open = (at: number) => openKernel(out, at, nonce, aad, aadLength, at + keyLength, sealedLength)
  const scratch = arena.reserve(keyLength + sealedLength)
  const sealed = (key: Uint8Array, text: Uint8Array) => {
    arena.write(scratch, join(key, text))
    seal(scratch)
    return join(key, arena.read(out, sealedLength))
  }
  const [key, text] = [random(keyLength), random(textLength)]
  const zeros = new Uint8Array(textLength)
  const forged = (wrongByte: number) => {
    const slot = sealed(key, random(textLength))
    const at = keyLength + textLength + wrongByte
    slot[at] = slot[at]! ^ 0x55
    return slot
  }
  const operation = (what: string, classes: Operation['classes'], call: (at: number) => unknown) =>
    kernelOperation(`${name} ${what}`, arena, 8, classes, call)
  return [
    operation(
      'seal, key',
      fixedOrRandom(() => join(random(keyLength), text)),
      seal,
    ),
    operation(
      'seal, data',
      [fixed(() => join(key, zeros), 'zeros'), various('random', () => join(key, random(textLength)))],
      seal,
    ),
    operation(
      'open, key',
      fixedOrRandom(() => sealed(random(keyLength), text)),
      open,
    ),
    operation(
      'open, data',
      [fixed(() => sealed(key, zeros), 'zeros'), various('random', () => sealed(key, random(textLength)))],
      open,
    ),
    operation(
      'open, forged',
      [various('first tag byte', () => forged(0)), various('last tag byte', () => forged(15))],
      open,
    ),
  ]
}

function hmac(): Operation[] {
  const { exports, arena } = rawKernels.symmetric()
  const [messageLength, infoLength] = [64, 41]
  const [out, key, info] = [arena.reserve(128), arena.put(random(32)), arena.put(random(infoLength))]
  const hmacOfSlot = (at: number) => exports.hmacSha256(out, at, 32, at + 32, messageLength)
  const message = random(messageLength)
  const data = (at: number) => exports.hmacSha256(out, key, 32, at, messageLength)
  const expand = (at: number) => exports.hkdfExpand(out, 32, at, 32, info, infoLength)
  // of each key: its address, and address and length of its info
  const triples = new Uint32Array([0, 1, 2, 3].flatMap(() => [0, info, infoLength]))
  const table = arena.reserve(triples.byteLength)
  const expandFour = (at: number) => {
    for (let i = 0; i < 4; i++) triples[3 * i] = at + 32 * i
    arena.write(table, new Uint8Array(triples.buffer))
    exports.hkdfExpandMany(4, out, 32, table)
  }
  const zeros = fixed(() => new Uint8Array(messageLength), 'zeros')
  return [
    kernelOperation(
      'HMAC-SHA256, key',
      arena,
      16,
      fixedOrRandom(() => join(random(32), message)),
      hmacOfSlot,
    ),
    kernelOperation('HMAC-SHA256, data', arena, 16, [zeros, various('random', () => random(messageLength))], data),
    kernelOperation(
      'HKDF-Expand',
      arena,
      16,
      fixedOrRandom(() => random(32)),
      expand,
    ),
    kernelOperation(
      'HKDF-Expand, four lanes',
      arena,
      8,
      fixedOrRandom(() => random(128)),
      expandFour,
    ),
  ]
}

/** Ephemeral private keys and key schedules of HPKE, for four recipients as a commit seals them and for one; labels, infos and points public. */
function hpke(): Operation[] {
  const { exports, arena } = rawKernels.symmetric()
  const [labelLength, infoLength] = [24, 80]
  const [out, label, info] = [arena.reserve(256), arena.put(random(labelLength)), arena.put(random(infoLength))]
  const [encs, points] = [arena.put(random(128)), arena.put(random(128))]
  const pairs = [label, labelLength, label, labelLength, label, labelLength, info, infoLength, info, infoLength]
  const labels = arena.put(new Uint8Array(Uint32Array.from(pairs).buffer))
  const derive = (at: number) => exports.hpkeDerive(4, out, at, label, labelLength, info, infoLength)
  const keys = (count: number) => (at: number) => exports.hpkeKeys(count, out, at, encs, points, labels)
  const classes = () => fixedOrRandom(() => random(128))
  return [
    kernelOperation('HPKE private keys, four lanes', arena, 4, classes(), derive),
    kernelOperation('HPKE keys, four lanes', arena, 2, classes(), keys(4)),
    kernelOperation('HPKE keys, one recipient', arena, 4, classes(), keys(1)),
  ]
}
