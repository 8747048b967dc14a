// AES-128-GCM (NIST SP 800-38D) with 12-byte nonces and 16-byte tags.
// seal may work in place (out equal to msg); any other overlap of out with an input is not allowed.
// open checks the tag over the ciphertext before it writes a byte of plaintext.
import { aes1, aes8, aesKey } from '../build/symmetric/aes'
import { ghashBlocks, ghashGroups, ghashSquare, ghashTable, ghashWipe } from '../build/symmetric/ghash'
import { clear } from './sha256'

const keys: usize = memory.data(176, 16)
const sliced: usize = memory.data(1280, 16)
/** First pass: H, the tag mask, then six blocks of key stream. */
const first: usize = memory.data(128, 16)
const piece: usize = memory.data(128, 16)
const table: usize = memory.data(544, 16)
const table16: usize = memory.data(544, 16)
const power: usize = memory.data(16, 16)
const hash: usize = memory.data(16, 16)
const lastBlock: usize = memory.data(16, 16)

const firstPass: usize = 96
/** Up to this many blocks are cheaper one by one than in a bitsliced pass. */
const singleBlocks: usize = 2
/** From this many bytes on, preparing H^16 pays. */
const wideBytes: usize = 768

function counterBlock(nonce: usize, counter: u32): v128 {
  let block = i32x4.splat(bswap<u32>(counter))
  block = i32x4.replace_lane(block, 0, load<u32>(nonce))
  block = i32x4.replace_lane(block, 1, load<u32>(nonce, 4))
  return i32x4.replace_lane(block, 2, load<u32>(nonce, 8))
}

function start(key: usize, nonce: usize): void {
  aesKey(keys, sliced, key)
  v128.store(first, i64x2.splat(0))
  for (let i: u32 = 1; i < 8; i++) v128.store(first + (i << 4), counterBlock(nonce, i))
  aes8(first, keys, sliced)
  ghashTable(table, first)
}

function xorBytes(out: usize, msg: usize, keyStream: usize, len: usize): void {
  for (; len >= 16; len -= 16, out += 16, msg += 16, keyStream += 16)
    v128.store(out, v128.xor(v128.load(msg), v128.load(keyStream)))
  for (; len !== 0; len--, out++, msg++, keyStream++) store<u8>(out, load<u8>(msg) ^ load<u8>(keyStream))
}

function crypt(out: usize, msg: usize, len: usize, nonce: usize): void {
  const now: usize = len < firstPass ? len : firstPass
  xorBytes(out, msg, first + 32, now)
  len -= now
  out += now
  msg += now
  let counter: u32 = 8
  while (len !== 0) {
    const taken: usize = len < 128 ? len : 128
    const blocks: usize = (taken + 15) >> 4
    for (let i: u32 = 0; i < <u32>blocks; i++) v128.store(piece + (i << 4), counterBlock(nonce, counter + i))
    if (blocks <= singleBlocks) for (let i: usize = 0; i < blocks; i++) aes1(piece + (i << 4), keys)
    else aes8(piece, keys, sliced)
    xorBytes(out, msg, piece, taken)
    counter += <u32>blocks
    len -= taken
    out += taken
    msg += taken
  }
}

function authenticate(p: usize, len: usize, wide: bool): void {
  let blocks: usize = len >> 4
  if (wide && blocks >= 16) {
    const groups: usize = blocks >> 4
    ghashGroups(hash, table, table16, p, groups)
    p += groups << 8
    blocks &= 15
  }
  ghashBlocks(hash, table, p, blocks)
  const rest: usize = len & 15
  if (rest !== 0) {
    clear(lastBlock, 1)
    memory.copy(lastBlock, p + (blocks << 4), rest)
    ghashBlocks(hash, table, lastBlock, 1)
  }
}

/** The tag over aad and ciphertext, into `hash`. */
function computeTag(aad: usize, aadLen: usize, ct: usize, len: usize): void {
  const wide: bool = len >= wideBytes || aadLen >= wideBytes
  if (wide) {
    v128.store(power, v128.load(first))
    for (let i = 0; i < 4; i++) ghashSquare(power)
    ghashTable(table16, power)
  }
  clear(hash, 1)
  authenticate(aad, aadLen, wide)
  authenticate(ct, len, wide)
  store<u64>(lastBlock, bswap<u64>((<u64>aadLen) << 3))
  store<u64>(lastBlock, bswap<u64>((<u64>len) << 3), 8)
  ghashBlocks(hash, table, lastBlock, 1)
  v128.store(hash, v128.xor(v128.load(hash), v128.load(first, 16)))
  ghashWipe(wide)
}

function wipe(): void {
  clear(keys, 11)
  memory.fill(sliced, 0, 1280)
  clear(first, 8)
  clear(piece, 8)
  memory.fill(table, 0, 544)
  memory.fill(table16, 0, 544)
  clear(power, 1)
  clear(hash, 1)
  clear(lastBlock, 1)
}

/** Writes len bytes of ciphertext and 16 bytes of tag. key: 16 bytes, nonce: 12 bytes, len below 2^32 - 16. */
export function aes128gcmSeal(
  out: usize,
  key: usize,
  nonce: usize,
  aad: usize,
  aadLen: usize,
  msg: usize,
  len: usize,
): void {
  start(key, nonce)
  crypt(out, msg, len, nonce)
  computeTag(aad, aadLen, out, len)
  v128.store(out + len, v128.load(hash))
  wipe()
}

/**
 * Opens len bytes of ciphertext that end with the 16 bytes of tag; writes len - 16 bytes and returns 1. On failure returns 0 and
 * writes zeros there (nothing when len < 16).
 */
export function aes128gcmOpen(
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
  computeTag(aad, aadLen, ct, len)
  const ok = !v128.any_true(v128.xor(v128.load(hash), v128.load(ct + len)))
  if (ok) crypt(out, ct, len, nonce)
  else memory.fill(out, 0, len)
  wipe()
  return ok ? 1 : 0
}
