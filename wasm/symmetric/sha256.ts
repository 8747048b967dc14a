// SHA-256 (FIPS 180-4): one message, streaming, and four messages at a time.
// Nothing survives a call in static memory: every scratch area is cleared before returning.
import { compress, compress4, initialState, initialState4 } from '../build/symmetric/sha256'

const state: usize = memory.data(32, 16)
const tail: usize = memory.data(128, 16)
const state4: usize = memory.data(128, 16)
/** 16 message vectors, lane = message. */
const words4: usize = memory.data(256, 16)
const tails4: usize = memory.data(512, 16)
/** Four (pointer, length, output) triples of the group being hashed. */
const lanes: usize = memory.data(48, 16)
/** Waiting messages by block count, 1..64: four (pointer, length, output) triples each, and how many wait. */
const waiting: usize = memory.data(64 * 48, 16)
const waitingCount: usize = memory.data(64, 16)

const maxGrouped: usize = 64

/** Size of a streaming state: 8 words, 64 bytes of unprocessed input, u64 total length. */
const totalAt: usize = 96

export function clear(p: usize, vectors: usize): void {
  const end: usize = p + (vectors << 4)
  for (; p < end; p += 16) v128.store(p, i64x2.splat(0))
}

function swapped(v: v128): v128 {
  return v128.swizzle(v, i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12))
}

/** Writes 8 native words as 32 bytes in network order. */
export function storeDigest(out: usize, words: usize): void {
  v128.store(out, swapped(v128.load(words)))
  v128.store(out, swapped(v128.load(words, 16)), 16)
}

/** Pads and compresses the last `rest` (0..63) bytes of a message of `total` bytes. */
export function finish(words: usize, p: usize, rest: usize, total: u64): void {
  clear(tail, 8)
  memory.copy(tail, p, rest)
  store<u8>(tail + rest, 0x80)
  const blocks: usize = rest < 56 ? 1 : 2
  store<u64>(tail + (blocks << 6) - 8, bswap<u64>(total << 3))
  compress(words, tail, blocks)
}

/** Hashes the rest of a message whose first `prefix` bytes (a multiple of 64) are already in `words`. */
export function absorb(words: usize, p: usize, len: usize, prefix: u64): void {
  const full: usize = len >> 6
  if (full !== 0) compress(words, p, full)
  finish(words, p + (full << 6), len & 63, prefix + <u64>len)
}

export function clearTail(): void {
  clear(tail, 8)
}

export function sha256(out: usize, msg: usize, len: usize): void {
  initialState(state)
  absorb(state, msg, len, 0)
  storeDigest(out, state)
  clear(state, 2)
  clear(tail, 8)
}

export function sha256Init(stream: usize): void {
  initialState(stream)
  store<u64>(stream, 0, totalAt)
}

export function sha256Update(stream: usize, p: usize, len: usize): void {
  const total = load<u64>(stream, totalAt)
  store<u64>(stream, total + <u64>len, totalAt)
  const held = <usize>(total & 63)
  if (held !== 0) {
    const missing: usize = 64 - held
    const taken: usize = len < missing ? len : missing
    memory.copy(stream + 32 + held, p, taken)
    if (taken < missing) return
    compress(stream, stream + 32, 1)
    p += taken
    len -= taken
  }
  const full: usize = len >> 6
  if (full !== 0) compress(stream, p, full)
  memory.copy(stream + 32, p + (full << 6), len & 63)
}

/** Writes the digest and clears the streaming state. */
export function sha256Final(stream: usize, out: usize): void {
  const total = load<u64>(stream, totalAt)
  finish(stream, stream + 32, <usize>(total & 63), total)
  storeDigest(out, stream)
  clear(stream, 7)
  clear(tail, 8)
}

// ---- four messages at a time

function transpose(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
  const ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
  const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5)
  const cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<i64>(ab0, cd0, 0, 2))
  v128.store(to, v128.shuffle<i64>(ab0, cd0, 1, 3), 16)
  v128.store(to, v128.shuffle<i64>(ab1, cd1, 0, 2), 32)
  v128.store(to, v128.shuffle<i64>(ab1, cd1, 1, 3), 48)
}

/** Loads `vectors` x 16 bytes from each of four places as native words, lane = place. */
export function gather4(to: usize, p0: usize, p1: usize, p2: usize, p3: usize, vectors: usize): void {
  for (let i: usize = 0; i < vectors; i++) {
    const at: usize = i << 4
    transpose(
      to + (i << 6),
      swapped(v128.load(p0 + at)),
      swapped(v128.load(p1 + at)),
      swapped(v128.load(p2 + at)),
      swapped(v128.load(p3 + at)),
    )
  }
}

/** Turns 8 word vectors into four digests of 32 bytes, one after the other at `to` (may not overlap `words`). */
export function scatter4(to: usize, words: usize): void {
  for (let half: usize = 0; half < 2; half++) {
    const from: usize = words + (half << 6)
    const a = swapped(v128.load(from))
    const b = swapped(v128.load(from, 16))
    const c = swapped(v128.load(from, 32))
    const d = swapped(v128.load(from, 48))
    const at: usize = to + (half << 4)
    const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
    const ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
    const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5)
    const cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
    v128.store(at, v128.shuffle<i64>(ab0, cd0, 0, 2))
    v128.store(at, v128.shuffle<i64>(ab0, cd0, 1, 3), 32)
    v128.store(at, v128.shuffle<i64>(ab1, cd1, 0, 2), 64)
    v128.store(at, v128.shuffle<i64>(ab1, cd1, 1, 3), 96)
  }
}

export function setLane(lane: usize, p: usize, len: usize, out: usize): void {
  const at: usize = lanes + lane * 12
  store<u32>(at, <u32>p)
  store<u32>(at, <u32>len, 4)
  store<u32>(at, <u32>out, 8)
}

export function lanePointer(lane: usize): usize {
  return load<u32>(lanes + lane * 12)
}

export function laneOut(lane: usize): usize {
  return load<u32>(lanes + lane * 12, 8)
}

/**
 * Hashes the four lanes, all of `blocks` blocks after padding, into the word vectors `words`, which already took `prefix` bytes.
 * With `suffix` 1 each message is followed by one byte 0x01 (the counter of HKDF-Expand).
 */
export function absorb4(words: usize, blocks: usize, prefix: usize, suffix: usize): void {
  const direct: usize = blocks > 2 ? blocks - 2 : 0
  const tailBlocks: usize = blocks - direct
  clear(tails4, 32)
  for (let lane: usize = 0; lane < 4; lane++) {
    const at: usize = lanes + lane * 12
    const len: usize = load<u32>(at, 4)
    const rest: usize = len - (direct << 6)
    const to: usize = tails4 + (lane << 7)
    memory.copy(to, load<u32>(at) + (direct << 6), rest)
    if (suffix !== 0) store<u8>(to + rest, 1)
    store<u8>(to + rest + suffix, 0x80)
    store<u64>(to + (tailBlocks << 6) - 8, bswap<u64>((<u64>len + <u64>prefix + <u64>suffix) << 3))
  }
  for (let i: usize = 0; i < direct; i++) {
    const at: usize = i << 6
    gather4(words4, lanePointer(0) + at, lanePointer(1) + at, lanePointer(2) + at, lanePointer(3) + at, 4)
    compress4(words, words4)
  }
  for (let i: usize = 0; i < tailBlocks; i++) {
    const at: usize = tails4 + (i << 6)
    gather4(words4, at, at + 128, at + 256, at + 384, 4)
    compress4(words, words4)
  }
}

/** Clears what `absorb4` left. */
export function clear4(): void {
  clear(words4, 16)
  clear(tails4, 32)
  clear(lanes, 3)
}

function hashLanes(blocks: usize): void {
  initialState4(state4)
  absorb4(state4, blocks, 0, 0)
  scatter4(tails4, state4)
  for (let lane: usize = 0; lane < 4; lane++) memory.copy(laneOut(lane), tails4 + (lane << 5), 32)
}

function clearHashLanes(): void {
  clear(state4, 8)
  clear4()
  clear(state, 2)
  clear(tail, 8)
}

/** n messages of len bytes, stride bytes apart; n digests of 32 bytes one after the other. */
export function sha256Strided(n: usize, out: usize, msgs: usize, len: usize, stride: usize): void {
  const blocks: usize = ((len + 8) >> 6) + 1
  while (n >= 2) {
    const taken: usize = n < 4 ? n : 4
    // two or three messages fill the free lanes with copies of the first: still cheaper than one by one
    for (let lane: usize = 0; lane < 4; lane++) {
      const i: usize = lane < taken ? lane : 0
      setLane(lane, msgs + i * stride, len, out + (i << 5))
    }
    hashLanes(blocks)
    n -= taken
    msgs += taken * stride
    out += taken << 5
  }
  if (n !== 0) sha256(out, msgs, len)
  clearHashLanes()
}

function flush(bucket: usize, count: usize): void {
  const from: usize = waiting + bucket * 48
  if (count === 1) {
    sha256(load<u32>(from, 8), load<u32>(from), load<u32>(from, 4))
    return
  }
  for (let lane: usize = 0; lane < 4; lane++) {
    const at: usize = from + (lane < count ? lane : 0) * 12
    setLane(lane, load<u32>(at), load<u32>(at, 4), load<u32>(at, 8))
  }
  hashLanes(bucket + 1)
}

/**
 * n messages of any length: table holds n pairs (u32 pointer, u32 length); n digests of 32 bytes go to out, in the order of the
 * table. Messages of equal block count are grouped by four, wherever they stand; above 4087 bytes they are hashed singly.
 */
export function sha256Many(n: usize, out: usize, table: usize): void {
  clear(waitingCount, 4)
  for (let i: usize = 0; i < n; i++, out += 32, table += 8) {
    const p: usize = load<u32>(table)
    const len: usize = load<u32>(table, 4)
    const bucket: usize = (len + 8) >> 6
    if (bucket >= maxGrouped) {
      sha256(out, p, len)
      continue
    }
    const count: usize = load<u8>(waitingCount + bucket)
    const at: usize = waiting + bucket * 48 + count * 12
    store<u32>(at, <u32>p)
    store<u32>(at, <u32>len, 4)
    store<u32>(at, <u32>out, 8)
    if (count === 3) flush(bucket, 4)
    store<u8>(waitingCount + bucket, <u8>((count + 1) & 3))
  }
  for (let bucket: usize = 0; bucket < maxGrouped; bucket++) {
    const count: usize = load<u8>(waitingCount + bucket)
    if (count !== 0) flush(bucket, count)
  }
  clear(waiting, maxGrouped * 3)
  clear(waitingCount, 4)
  clearHashLanes()
}
