import { type Bytes, concatBytes, empty, wipe } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { chainedLength } from '../chained-length.ts'
import type { Kdf } from '../noble/kdf.ts'
import { type Kernel, largestInput, type SymmetricExports } from './kernel.ts'

const hashLength = 32
/** Longer messages go through the kernel in pieces. */
const pieceLength = 65_536
const stateLength = 112
/** Inputs of one batch, in bytes together. */
const batchLength = 1_048_576
const midstatesLength = 64
/** Key, info and length of the info of an expansion among others. */
const tripleLength = 12

/** SHA-256, HMAC and HKDF of the symmetric kernel. */
export function wasmKdf(kernel: Kernel<SymmetricExports>, isFresh = false): Kdf {
  const { exports, arena } = kernel
  const forLarge = () => wasmKdf(kernel.fresh(), true)
  // the midstates of the empty key, which every extraction of HPKE without salt starts from; public
  const emptyKey = arena.keep(midstatesLength)
  exports.hmacKey(emptyKey, emptyKey, 0)

  function hash(data: Uint8Array): Bytes {
    if (data.length > pieceLength) return hashInPieces(data)
    try {
      const message = arena.put(data)
      const out = arena.reserve(hashLength)
      exports.sha256(out, message, data.length)
      return arena.read(out, hashLength)
    } finally {
      arena.clear()
    }
  }

  function hashInPieces(data: Uint8Array): Bytes {
    try {
      const state = arena.reserve(stateLength)
      const out = arena.reserve(hashLength)
      const piece = arena.reserve(pieceLength)
      exports.sha256Init(state)
      for (let at = 0; at < data.length; at += pieceLength) {
        const part = data.subarray(at, at + pieceLength)
        arena.write(piece, part)
        exports.sha256Update(state, piece, part.length)
      }
      exports.sha256Final(state, out)
      return arena.read(out, hashLength)
    } finally {
      arena.clear()
    }
  }

  function hashBatch(data: readonly Uint8Array[]): Bytes[] {
    try {
      let at = arena.putAll(data)
      const pairs = new Uint32Array(2 * data.length)
      data.forEach(({ length }, i) => {
        pairs[2 * i] = at
        pairs[2 * i + 1] = length
        at += length
      })
      // WebAssembly is little-endian, and so is every platform that runs it
      const table = arena.put(new Uint8Array(pairs.buffer))
      const out = arena.reserve(data.length * hashLength)
      exports.sha256Many(data.length, out, table)
      return arena.readAll(out, data.length, hashLength)
    } finally {
      arena.clear()
    }
  }

  function hmac(key: Uint8Array, data: Uint8Array): Bytes {
    if (!isFresh && key.length + data.length > largestInput) return forLarge().hmac(key, data)
    try {
      const message = arena.put(data)
      const out = arena.reserve(hashLength)
      if (key.length === 0) exports.hmacMid(out, emptyKey, message, data.length)
      else exports.hmacSha256(out, arena.put(key), key.length, message, data.length)
      return arena.read(out, hashLength)
    } finally {
      arena.clear()
    }
  }

  function checkExpansion(prk: Uint8Array, length: number): void {
    // RFC 9420 §8 V031: no more than 255 blocks can be counted
    if (!Number.isSafeInteger(length) || length < 0 || length > 255 * hashLength)
      throw new MlsError('crypto/length', 'length outside what one expansion yields', { rule: 'V031' })
    // RFC 5869 §2.3: the key is the output of an extraction, at least one block
    if (prk.length < hashLength) throw new MlsError('crypto/length', 'the key of an expansion is shorter than the hash')
  }

  function expand(prk: Uint8Array, info: Uint8Array, length: number): Bytes {
    checkExpansion(prk, length)
    if (length === 0) return empty
    if (!isFresh && prk.length + info.length > largestInput) return forLarge().expand(prk, info, length)
    try {
      const key = arena.put(prk)
      const context = arena.put(info)
      const out = arena.reserve(length)
      exports.hkdfExpand(out, length, key, prk.length, context, info.length)
      return arena.read(out, length)
    } finally {
      arena.clear()
    }
  }

  /** Keys of one block and short infos, one block of output. Neighbours are often one array: it is copied once. */
  function expandBatch(prks: readonly Uint8Array[], infos: readonly Uint8Array[], length: number): Bytes[] {
    const n = prks.length
    let prk: Uint8Array | undefined
    let info: Uint8Array | undefined
    let prkAt = 0
    let infoAt = 0
    try {
      const table = arena.reserve(n * tripleLength)
      for (let i = 0; i < n; i++) {
        if (i === 0 || prks[i] !== prk) {
          prk = prks[i] ?? empty
          prkAt = arena.put(prk)
        }
        if (i === 0 || infos[i] !== info) {
          info = infos[i] ?? empty
          infoAt = arena.put(info)
        }
        const triple = table + i * tripleLength
        arena.writeWord(triple, prkAt)
        arena.writeWord(triple + 4, infoAt)
        arena.writeWord(triple + 8, info?.length ?? 0)
      }
      const out = arena.reserve(n * length)
      exports.hkdfExpandMany(n, out, length, table)
      return arena.readAll(out, n, length)
    } finally {
      arena.clear()
    }
  }

  function expandChain(prk: Uint8Array, infos: Uint8Array, count: number): Bytes {
    const length = chainedLength(infos, count)
    checkExpansion(prk, hashLength)
    // keys are blocks: the first one of another length becomes one in a call of its own
    if (prk.length !== hashLength) {
      const first = expand(prk, infos.subarray(0, length), hashLength)
      if (count === 1) return first
      const rest = expandChain(first, infos.subarray(length), count - 1)
      const out = concatBytes(first, rest)
      wipe(first, rest)
      return out
    }
    if (!isFresh && infos.length + count * hashLength > largestInput) return forLarge().expandChain(prk, infos, count)
    try {
      const keys = arena.reserve((count + 1) * hashLength)
      arena.write(keys, prk)
      const contexts = arena.reserve(infos.length + 1)
      arena.write(contexts, infos)
      exports.hkdfExpandChain(count, keys, contexts, length)
      return arena.read(keys + hashLength, count * hashLength)
    } finally {
      arena.clear()
    }
  }

  return {
    hashLength,
    hash,
    hmac,
    extract: (salt, ikm, rest) => hmac(salt, rest === undefined ? ikm : concatBytes(ikm, rest)),
    expand,
    expandChain,
    hashMany(data) {
      if (data.length === 1 && data[0] !== undefined) return [hash(data[0])]
      const out: Bytes[] = []
      let batch: Uint8Array[] = []
      let length = 0
      const flush = () => {
        for (const digest of hashBatch(batch)) out.push(digest)
        batch = []
        length = 0
      }
      for (const item of data) {
        if (item.length > pieceLength) {
          flush()
          out.push(hashInPieces(item))
          continue
        }
        if (length + item.length > batchLength) flush()
        batch.push(item)
        length += item.length
      }
      flush()
      return out
    },
    expandMany(prks, infos, length) {
      if (prks.length !== infos.length) throw new MlsError('crypto/length', 'keys and infos differ in number')
      let regular = prks.length > 1 && length > 0 && length <= hashLength
      let total = 0
      for (let i = 0; i < prks.length; i++) {
        const prk = prks[i] ?? empty
        checkExpansion(prk, length)
        regular &&= prk.length === hashLength
        total += (infos[i] ?? empty).length + 4 * hashLength
      }
      if (regular && total <= batchLength) return expandBatch(prks, infos, length)
      return prks.map((prk, i) => expand(prk, infos[i] ?? empty, length))
    },
  }
}
