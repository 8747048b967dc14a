// ChaCha20-Poly1305 (RFC 8439 §2.8).
// seal may work in place (out equal to msg); any other overlap of out with an input is not allowed.
// open checks the tag over the ciphertext before it writes a byte of plaintext.
import { chacha4, polyBlocks, polyGroups, polyMul } from '../build/symmetric/chacha20-poly1305'
import { clear } from './sha256'

/** ChaCha state: constants, key, counter, nonce. */
const state: usize = memory.data(64, 16)
/** Block 0 (Poly1305 key) and the first 192 bytes. */
const first: usize = memory.data(256, 16)
const piece: usize = memory.data(256, 16)
const r: usize = memory.data(48, 16)
const h: usize = memory.data(48, 16)
const power2: usize = memory.data(48, 16)
const power3: usize = memory.data(48, 16)
const power4: usize = memory.data(48, 16)
const powers: usize = memory.data(320, 16)
const lastBlock: usize = memory.data(16, 16)
const tag: usize = memory.data(16, 16)

const firstPass: usize = 192
/** From this many blocks on, preparing the powers of r pays. */
const vectorBlocks: usize = 12

function start(key: usize, nonce: usize): void {
  store<u32>(state, 0x61707865)
  store<u32>(state, 0x3320646e, 4)
  store<u32>(state, 0x79622d32, 8)
  store<u32>(state, 0x6b206574, 12)
  v128.store(state, v128.load(key), 16)
  v128.store(state, v128.load(key, 16), 32)
  store<u32>(state, 0, 48)
  store<u32>(state, load<u32>(nonce), 52)
  store<u32>(state, load<u32>(nonce, 4), 56)
  store<u32>(state, load<u32>(nonce, 8), 60)
}

/** Block 0 and the first bytes of the message in one pass, into `first`. */
function startStream(msg: usize, len: usize): void {
  clear(first, 16)
  memory.copy(first + 64, msg, len < firstPass ? len : firstPass)
  chacha4(first, first, state)
}

/** The rest of the message after the first pass. */
function stream(out: usize, msg: usize, len: usize): void {
  for (; len >= 256; len -= 256, out += 256, msg += 256) chacha4(out, msg, state)
  if (len !== 0) {
    memory.copy(piece, msg, len)
    chacha4(piece, piece, state)
    memory.copy(out, piece, len)
  }
}

function splat(to: usize, limbs: usize): void {
  for (let i: usize = 0; i < 5; i++) {
    const limb = i32x4.splat(<u32>load<u64>(limbs + (i << 3)))
    v128.store(to + (i << 4), limb)
    v128.store(to + (i << 4), i32x4.mul(limb, i32x4.splat(5)), 80)
  }
}

function preparePowers(): void {
  polyMul(power2, r, r)
  polyMul(power3, power2, r)
  polyMul(power4, power2, power2)
  splat(powers, power4)
  splat(powers + 160, power4)
  for (let i: usize = 0; i < 5; i++) {
    const at: usize = i << 3
    for (let group: usize = 160; group < 320; group += 80) {
      const to: usize = powers + group + (i << 4)
      const factor: u32 = group === 160 ? 1 : 5
      store<u32>(to, <u32>load<u64>(power3 + at) * factor, 4)
      store<u32>(to, <u32>load<u64>(power2 + at) * factor, 8)
      store<u32>(to, <u32>load<u64>(r + at) * factor, 12)
    }
  }
}

/** Adds len bytes, padded with zeros to a multiple of 16. */
function authenticate(p: usize, len: usize, prepared: bool): void {
  let blocks: usize = len >> 4
  const rest: usize = len & 15
  if (prepared && blocks >= 4) {
    const groups: usize = blocks >> 2
    polyGroups(h, powers, p, groups)
    p += groups << 6
    blocks &= 3
  }
  polyBlocks(h, r, p, blocks)
  if (rest !== 0) {
    clear(lastBlock, 1)
    memory.copy(lastBlock, p + (blocks << 4), rest)
    polyBlocks(h, r, lastBlock, 1)
  }
}

/** The tag of RFC 8439 §2.8 over aad and ciphertext, into `tag`; the one-time key is the first 32 bytes of `first`. */
function computeTag(aad: usize, aadLen: usize, ct: usize, len: usize): void {
  const lo = load<u64>(first) & (((<u64>0x0ffffffc) << 32) | 0x0fffffff)
  const hi = load<u64>(first, 8) & (((<u64>0x0ffffffc) << 32) | 0x0ffffffc)
  store<u64>(r, lo & 0x3ffffff)
  store<u64>(r, (lo >> 26) & 0x3ffffff, 8)
  store<u64>(r, ((lo >> 52) | (hi << 12)) & 0x3ffffff, 16)
  store<u64>(r, (hi >> 14) & 0x3ffffff, 24)
  store<u64>(r, hi >> 40, 32)
  clear(h, 3)
  const prepared: bool = len >= vectorBlocks << 4 || aadLen >= vectorBlocks << 4
  if (prepared) preparePowers()
  authenticate(aad, aadLen, prepared)
  authenticate(ct, len, prepared)
  store<u64>(lastBlock, <u64>aadLen)
  store<u64>(lastBlock, <u64>len, 8)
  polyBlocks(h, r, lastBlock, 1)
  finishTag()
}

/** Reduces h mod 2^130 - 5 without a branch and adds the second half of the one-time key. */
function finishTag(): void {
  let h0 = load<u64>(h)
  let h1 = load<u64>(h, 8)
  let h2 = load<u64>(h, 16)
  let h3 = load<u64>(h, 24)
  let h4 = load<u64>(h, 32)
  h2 += h1 >> 26
  h1 &= 0x3ffffff
  h3 += h2 >> 26
  h2 &= 0x3ffffff
  h4 += h3 >> 26
  h3 &= 0x3ffffff
  h0 += (h4 >> 26) * 5
  h4 &= 0x3ffffff
  h1 += h0 >> 26
  h0 &= 0x3ffffff
  h2 += h1 >> 26
  h1 &= 0x3ffffff
  const g0 = h0 + 5
  const g1 = h1 + (g0 >> 26)
  const g2 = h2 + (g1 >> 26)
  const g3 = h3 + (g2 >> 26)
  const g4 = h4 + (g3 >> 26)
  // all ones when h >= 2^130 - 5
  const mask: u64 = 0 - (g4 >> 26)
  h0 = (h0 & ~mask) | (g0 & 0x3ffffff & mask)
  h1 = (h1 & ~mask) | (g1 & 0x3ffffff & mask)
  h2 = (h2 & ~mask) | (g2 & 0x3ffffff & mask)
  h3 = (h3 & ~mask) | (g3 & 0x3ffffff & mask)
  h4 = (h4 & ~mask) | (g4 & 0x3ffffff & mask)
  const lo = h0 | (h1 << 26) | (h2 << 52)
  const hi = (h2 >> 12) | (h3 << 14) | (h4 << 40)
  const sum = lo + load<u64>(first, 16)
  store<u64>(tag, sum)
  // carry of the low half without a comparison of secrets
  const carry = ((lo & load<u64>(first, 16)) | ((lo | load<u64>(first, 16)) & ~sum)) >> 63
  store<u64>(tag, hi + load<u64>(first, 24) + carry, 8)
}

function wipe(): void {
  clear(state, 4)
  clear(first, 16)
  clear(piece, 16)
  clear(r, 3)
  clear(h, 3)
  clear(power2, 3)
  clear(power3, 3)
  clear(power4, 3)
  clear(powers, 20)
  clear(lastBlock, 1)
  clear(tag, 1)
}

/** Writes len bytes of ciphertext and 16 bytes of tag. key: 32 bytes, nonce: 12 bytes. */
export function chacha20poly1305Seal(
  out: usize,
  key: usize,
  nonce: usize,
  aad: usize,
  aadLen: usize,
  msg: usize,
  len: usize,
): void {
  start(key, nonce)
  startStream(msg, len)
  if (len > firstPass) stream(out + firstPass, msg + firstPass, len - firstPass)
  memory.copy(out, first + 64, len < firstPass ? len : firstPass)
  computeTag(aad, aadLen, out, len)
  v128.store(out + len, v128.load(tag))
  wipe()
}

/**
 * Opens len bytes of ciphertext that end with the 16 bytes of tag; writes len - 16 bytes and returns 1. On failure returns 0 and
 * writes zeros there (nothing when len < 16).
 */
export function chacha20poly1305Open(
  out: usize,
  key: usize,
  nonce: usize,
  aad: usize,
  aadLen: usize,
  ct: usize,
  len: usize,
): i32 {
  if (len < 16) return 0
  len -= 16
  start(key, nonce)
  startStream(ct, len)
  computeTag(aad, aadLen, ct, len)
  const wrong = v128.xor(v128.load(tag), v128.load(ct + len))
  const ok = !v128.any_true(wrong)
  if (ok) {
    if (len > firstPass) stream(out + firstPass, ct + firstPass, len - firstPass)
    memory.copy(out, first + 64, len < firstPass ? len : firstPass)
  } else memory.fill(out, 0, len)
  wipe()
  return ok ? 1 : 0
}
