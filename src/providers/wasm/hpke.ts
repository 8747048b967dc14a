import { type Bytes, wipe } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import type { HpkeCiphertext, HpkeSealRequest } from '../../crypto/cipher-suite.ts'
import { tagLength } from '../../crypto/suites.ts'
import { decryptError } from '../decrypt-error.ts'
import type { HpkeInfos, HpkeKernel, HpkeLabels } from '../parts.ts'
import type { Curve25519Exports, Kernel, SymmetricExports } from './kernel.ts'

const length = 32
/** Recipients that share one call. */
const block = 256
/** Longer plaintexts are sealed one by one: for them the rest costs little. */
const longestPlaintext = 1024

/** Whether the requests of one info are of the kind that {@link wasmHpke} seals. */
function areShort(requests: readonly HpkeSealRequest[]): boolean {
  return requests.every(({ plaintext, aad }) => plaintext.length <= longestPlaintext && aad.length <= longestPlaintext)
}

/**
 * HPKE over DHKEM(X25519) with SHA-256 to many recipients in three calls for each block of them: ephemeral private keys, the two
 * multiplications of the curve, then the key schedules and the messages. Keys and nonces never leave the kernel.
 */
export function wasmHpke(
  name: 'AES128GCM' | 'CHACHA20POLY1305',
  curve: Kernel<Curve25519Exports>,
  symmetric: Kernel<SymmetricExports>,
): HpkeKernel {
  const { arena, exports } = symmetric
  const sealInto = name === 'AES128GCM' ? exports.aes128gcmSeal : exports.chacha20poly1305Seal
  const openInto = name === 'AES128GCM' ? exports.aes128gcmOpen : exports.chacha20poly1305Open

  /** `DeriveKeyPair` of RFC 9180 §7.1.3, the private half: 32 bytes for each seed. */
  function privateKeys(labels: HpkeLabels, seeds: readonly Uint8Array[]): Bytes {
    const n = seeds.length
    try {
      const ikms = arena.putAll(seeds)
      const [label, info] = [arena.put(labels.dkpPrk), arena.put(labels.sk)]
      const out = arena.reserve(n * length)
      exports.hpkeDerive(n, out, ikms, label, labels.dkpPrk.length, info, labels.sk.length)
      return arena.read(out, n * length)
    } finally {
      arena.clear()
    }
  }

  /** Public keys of the private keys, and what these agree on with the recipients'. @throws `crypto/key` */
  function agree(scalars: Bytes, publicKeys: readonly Uint8Array[]): { readonly encs: Bytes; readonly dhs: Bytes } {
    const n = publicKeys.length
    const memory = curve.arena
    try {
      const keys = memory.put(scalars)
      const points = memory.putAll(publicKeys)
      const out = memory.reserve(2 * n * length)
      const dhs = out + n * length
      curve.exports.x25519BaseMany(n, out, keys)
      if (curve.exports.x25519Many(n, dhs, keys, points) !== 0)
        throw new MlsError('crypto/key', 'the KEM refuses the public key')
      return { encs: memory.read(out, n * length), dhs: memory.read(dhs, n * length) }
    } finally {
      memory.clear()
    }
  }

  /**
   * Keys and nonces, 64 bytes in the arena for each recipient: the first bytes of each half.
   * @param encs back to back, and so are `dhs` and the keys of the recipients
   */
  function keysOf(
    labels: HpkeLabels,
    infos: HpkeInfos,
    n: number,
    dhs: Bytes,
    encs: Uint8Array,
    points: number,
  ): number {
    const shared = arena.put(dhs)
    const ephemeral = arena.put(encs)
    const parts = [labels.eaePrk, labels.sharedSecret, labels.secret, infos.key, infos.nonce]
    // WebAssembly is little-endian, and so is every platform that runs it
    const table = Uint32Array.from(parts.flatMap((part) => [arena.put(part), part.length]))
    const keys = arena.reserve(n * 2 * length)
    exports.hpkeKeys(n, keys, shared, ephemeral, points, arena.put(new Uint8Array(table.buffer)))
    return keys
  }

  function sealBlock(
    labels: HpkeLabels,
    infos: HpkeInfos,
    requests: readonly HpkeSealRequest[],
    seeds: readonly Uint8Array[],
  ): HpkeCiphertext[] {
    const n = requests.length
    const scalars = privateKeys(labels, seeds)
    const publicKeys = requests.map(({ publicKey }) => publicKey)
    let dhs: Bytes | undefined
    try {
      const agreed = agree(scalars, publicKeys)
      dhs = agreed.dhs
      const keys = keysOf(labels, infos, n, dhs, agreed.encs, arena.putAll(publicKeys))
      let aad: Uint8Array | undefined
      let aadAt = 0
      return requests.map((request, i) => {
        const { plaintext } = request
        if (request.aad !== aad) {
          aad = request.aad
          aadAt = arena.put(aad)
        }
        const key = keys + i * 2 * length
        const total = plaintext.length + tagLength
        const out = arena.reserve(total)
        sealInto(out, key, key + length, aadAt, aad.length, arena.put(plaintext), plaintext.length)
        return {
          kemOutput: agreed.encs.slice(i * length, (i + 1) * length),
          ciphertext: arena.read(out, total),
        }
      })
    } finally {
      arena.clear()
      wipe(scalars, dhs)
    }
  }

  return {
    deriveKeyPairs(labels, ikms) {
      const n = ikms.length
      const scalars = privateKeys(labels, ikms)
      const memory = curve.arena
      try {
        const keys = memory.put(scalars)
        const out = memory.reserve(n * length)
        curve.exports.x25519BaseMany(n, out, keys)
        return memory.readAll(out, n, length).map((publicKey, i) => ({
          publicKey,
          privateKey: scalars.slice(i * length, (i + 1) * length),
        }))
      } finally {
        memory.clear()
        wipe(scalars)
      }
    },
    open(labels, infos, { publicKey, privateKey }, kemOutput, aad, ciphertext) {
      const memory = curve.arena
      let dh: Bytes | undefined
      try {
        const out = memory.reserve(length)
        if (curve.exports.x25519Many(1, out, memory.put(privateKey), memory.put(kemOutput)) !== 0) throw decryptError()
        dh = memory.read(out, length)
      } finally {
        memory.clear()
      }
      try {
        const keys = keysOf(labels, infos, 1, dh, kemOutput, arena.put(publicKey))
        const [extra, text] = [arena.put(aad), arena.put(ciphertext)]
        const out = arena.reserve(ciphertext.length)
        if (openInto(out, keys, keys + length, extra, aad.length, text, ciphertext.length) !== 1) throw decryptError()
        return arena.read(out, ciphertext.length - tagLength)
      } finally {
        arena.clear()
        wipe(dh)
      }
    },
    sealMany(labels, infos, requests, seeds) {
      if (!areShort(requests)) return undefined
      const sealed: HpkeCiphertext[] = []
      for (let start = 0; start < requests.length; start += block) {
        const end = start + block
        sealed.push(...sealBlock(labels, infos, requests.slice(start, end), seeds.slice(start, end)))
      }
      return sealed
    },
  }
}
