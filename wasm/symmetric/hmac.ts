// HMAC-SHA-256 (RFC 2104) and HKDF-SHA-256 (RFC 5869).
import { compress, compress4, initialState, initialState4 } from '../build/symmetric/sha256'
import {
  absorb,
  absorb4,
  clear,
  clear4,
  clearTail,
  gather4,
  scatter4,
  setLane,
  sha256,
  sha256Final,
  sha256Update,
  storeDigest,
} from './sha256'

const pad: usize = memory.data(64, 16)
const midstates: usize = memory.data(64, 16)
const inner: usize = memory.data(32, 16)
const digest: usize = memory.data(32, 16)
const stream: usize = memory.data(112, 16)
const prkCopy: usize = memory.data(32, 16)
const counter: usize = memory.data(16, 16)
const innerKey4: usize = memory.data(128, 16)
const outerKey4: usize = memory.data(128, 16)
const inner4: usize = memory.data(128, 16)
const outer4: usize = memory.data(128, 16)
const words4: usize = memory.data(256, 16)
const digests4: usize = memory.data(128, 16)

function xorPad(value: u8): void {
  const mask = i8x16.splat(value)
  for (let at: usize = 0; at < 64; at += 16) v128.store(pad + at, v128.xor(v128.load(pad + at), mask))
}

/** Writes the two midstates of a key: 64 bytes (inner, outer), native words. */
export function hmacKey(mid: usize, key: usize, keyLen: usize): void {
  clear(pad, 4)
  if (keyLen > 64) sha256(pad, key, keyLen)
  else memory.copy(pad, key, keyLen)
  xorPad(0x36)
  initialState(mid)
  compress(mid, pad, 1)
  xorPad(0x6a) // 0x36 ^ 0x5c
  initialState(mid + 32)
  compress(mid + 32, pad, 1)
  clear(pad, 4)
}

/** The outer hash over `inner`; the result goes to out. */
function outer(out: usize, mid: usize): void {
  storeDigest(digest, inner)
  v128.store(inner, v128.load(mid + 32))
  v128.store(inner, v128.load(mid + 48), 16)
  absorb(inner, digest, 32, 64)
  storeDigest(out, inner)
}

function wipe(): void {
  clear(inner, 2)
  clear(digest, 2)
  clearTail()
}

/** HMAC of one message under the midstates that hmacKey made. */
export function hmacMid(out: usize, mid: usize, msg: usize, len: usize): void {
  v128.store(inner, v128.load(mid))
  v128.store(inner, v128.load(mid + 16), 16)
  absorb(inner, msg, len, 64)
  outer(out, mid)
  wipe()
}

export function hmacSha256(out: usize, key: usize, keyLen: usize, msg: usize, len: usize): void {
  hmacKey(midstates, key, keyLen)
  hmacMid(out, midstates, msg, len)
  clear(midstates, 4)
}

/** HKDF-Extract(salt, ikm): 32 bytes. An empty salt is the zero salt of RFC 5869 §2.2. */
export function hkdfExtract(out: usize, salt: usize, saltLen: usize, ikm: usize, ikmLen: usize): void {
  hmacSha256(out, salt, saltLen, ikm, ikmLen)
}

/** HKDF-Expand: any outLen up to 255 * 32 (the host checks), any prkLen, any infoLen. out may not overlap info. */
export function hkdfExpand(out: usize, outLen: usize, prk: usize, prkLen: usize, info: usize, infoLen: usize): void {
  hmacKey(midstates, prk, prkLen)
  let previous: usize = 0
  for (let i: u8 = 1; outLen !== 0; i++) {
    v128.store(stream, v128.load(midstates))
    v128.store(stream, v128.load(midstates + 16), 16)
    store<u64>(stream, 64, 96)
    sha256Update(stream, prkCopy, previous)
    sha256Update(stream, info, infoLen)
    store<u8>(counter, i)
    sha256Update(stream, counter, 1)
    sha256Final(stream, digest)
    v128.store(inner, v128.load(midstates + 32))
    v128.store(inner, v128.load(midstates + 48), 16)
    absorb(inner, digest, 32, 64)
    storeDigest(prkCopy, inner)
    previous = 32
    const taken: usize = outLen < 32 ? outLen : 32
    memory.copy(out, prkCopy, taken)
    out += taken
    outLen -= taken
  }
  clear(prkCopy, 2)
  clear(counter, 1)
  clear(midstates, 4)
  wipe()
}

/**
 * A chain of n HKDF-Expand, each output of 32 bytes the key of the next. keys holds the first key and takes the n outputs behind it; infos holds n
 * infos of len bytes, back to back, and room for one byte more.
 */
export function hkdfExpandChain(n: usize, keys: usize, infos: usize, len: usize): void {
  for (; n !== 0; n--) {
    hmacKey(midstates, keys, 32)
    keys += 32
    // the counter of HKDF stands for a moment where the next info begins
    const next: u8 = load<u8>(infos + len)
    store<u8>(infos + len, 1)
    hmacMid(keys, midstates, infos, len + 1)
    infos += len
    store<u8>(infos, next)
  }
  clear(midstates, 4)
}

function padKeys4(value: u32): void {
  const mask = i32x4.splat(value)
  for (let at: usize = 0; at < 128; at += 16) v128.store(words4 + at, v128.xor(v128.load(words4 + at), mask))
  for (let at: usize = 128; at < 256; at += 16) v128.store(words4 + at, mask)
}

/** Keys the four lanes with 32 bytes each. */
function keyLanes(k0: usize, k1: usize, k2: usize, k3: usize): void {
  gather4(words4, k0, k1, k2, k3, 2)
  padKeys4(0x36363636)
  initialState4(innerKey4)
  compress4(innerKey4, words4)
  for (let at: usize = 0; at < 128; at += 16)
    v128.store(words4 + at, v128.xor(v128.load(words4 + at), i32x4.splat(0x6a6a6a6a)))
  for (let at: usize = 128; at < 256; at += 16) v128.store(words4 + at, i32x4.splat(0x5c5c5c5c))
  initialState4(outerKey4)
  compress4(outerKey4, words4)
}

/** Keys the four lanes with the digests that `macLanes` left. */
export function rekeyLanes(): void {
  keyLanes(digests4, digests4 + 32, digests4 + 64, digests4 + 96)
}

/** Keys the four lanes with nothing: HMAC pads keys with zeros. */
export function keyLanesEmpty(): void {
  clear(digests4, 8)
  rekeyLanes()
}

/**
 * HMAC of the messages in the lanes, all of `len` bytes or of as many blocks, under the keys of the lanes. With `suffix` 1 each is followed by one
 * byte 0x01: the first block of HKDF-Expand. Returns the address of four digests, back to back, that the next call overwrites.
 */
export function macLanes(len: usize, suffix: usize): usize {
  for (let at: usize = 0; at < 128; at += 16) {
    v128.store(inner4 + at, v128.load(innerKey4 + at))
    v128.store(outer4 + at, v128.load(outerKey4 + at))
  }
  absorb4(inner4, blocksOf(len + suffix), 64, suffix)
  // the inner digests are already words in lanes: only the padding of a 96-byte message is added
  clear(words4 + 128, 8)
  for (let at: usize = 0; at < 128; at += 16) v128.store(words4 + at, v128.load(inner4 + at))
  v128.store(words4, i32x4.splat(0x80000000), 128)
  v128.store(words4, i32x4.splat(768), 240)
  compress4(outer4, words4)
  scatter4(digests4, outer4)
  return digests4
}

/** Clears what the functions on lanes left. */
export function wipeLanes(): void {
  clear(innerKey4, 8)
  clear(outerKey4, 8)
  clear(inner4, 8)
  clear(outer4, 8)
  clear(words4, 16)
  clear(digests4, 8)
  clear4()
}

/** Blocks of a message of `len` bytes after padding. */
function blocksOf(len: usize): usize {
  return ((len + 8) >> 6) + 1
}

/**
 * n independent HKDF-Expand to outLen bytes (at most 32), outputs back to back. table holds n triples (u32 key of 32 bytes, u32 info,
 * u32 length of the info). Neighbours whose infos have as many blocks are done four at a time.
 */
export function hkdfExpandMany(n: usize, out: usize, outLen: usize, table: usize): void {
  while (n !== 0) {
    const infoLen: usize = load<u32>(table, 8)
    const blocks: usize = blocksOf(infoLen + 1)
    const most: usize = n < 4 ? n : 4
    let taken: usize = 1
    while (taken < most && blocksOf(load<u32>(table + taken * 12, 8) + 1) === blocks) taken++
    if (taken === 1) hkdfExpand(out, outLen, load<u32>(table), 32, load<u32>(table, 4), infoLen)
    else {
      for (let lane: usize = 0; lane < 4; lane++) {
        const at: usize = table + (lane < taken ? lane * 12 : 0)
        setLane(lane, load<u32>(at, 4), load<u32>(at, 8), 0)
      }
      const lane2: usize = taken > 2 ? table + 24 : table
      const lane3: usize = taken > 3 ? table + 36 : table
      keyLanes(load<u32>(table), load<u32>(table, 12), load<u32>(lane2), load<u32>(lane3))
      const blocks4: usize = macLanes(infoLen, 1)
      for (let lane: usize = 0; lane < taken; lane++) memory.copy(out + lane * outLen, blocks4 + (lane << 5), outLen)
    }
    n -= taken
    out += taken * outLen
    table += taken * 12
  }
  wipeLanes()
}
