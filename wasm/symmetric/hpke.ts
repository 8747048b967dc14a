// The symmetric part of DHKEM and of the HPKE key schedule in base mode (RFC 9180 §4.1, §5.1) with SHA-256, for four recipients at a time.
// Labels and infos are the host's: labelled as RFC 9180 §4 says, ready to be hashed.
import { hkdfExpand, hkdfExtract, keyLanesEmpty, macLanes, rekeyLanes, wipeLanes } from './hmac'
import { clear, setLane } from './sha256'

/** One message for each lane: a label and up to 160 bytes after it. */
const messages: usize = memory.data(1024, 16)
const messageStride: usize = 256
/** Two keys of one recipient. */
const keys: usize = memory.data(64, 16)

/** Lane = label || part of `len` bytes || other part of as many bytes (none when `b` is 0). */
function compose(lane: usize, label: usize, labelLen: usize, a: usize, b: usize, len: usize): usize {
  const at: usize = messages + lane * messageStride
  memory.copy(at, label, labelLen)
  memory.copy(at + labelLen, a, len)
  if (b !== 0) memory.copy(at + labelLen + len, b, len)
  const total: usize = labelLen + (b !== 0 ? 2 * len : len)
  setLane(lane, at, total, 0)
  return total
}

/** The same message in all lanes. */
function spread(message: usize, len: usize): void {
  for (let lane: usize = 0; lane < 4; lane++) setLane(lane, message, len, 0)
}

function wipe(): void {
  clear(messages, 64)
  clear(keys, 4)
  wipeLanes()
}

/** out[i] = HKDF-Expand(HKDF-Extract("", label || ikm[i]), info, 32); ikms and outputs have 32 bytes. label: at most 64 bytes. */
export function hpkeDerive(
  n: usize,
  out: usize,
  ikms: usize,
  label: usize,
  labelLen: usize,
  info: usize,
  infoLen: usize,
): void {
  for (let i: usize = 0; i < n; i += 4) {
    const taken: usize = min<usize>(4, n - i)
    let len: usize = 0
    for (let lane: usize = 0; lane < 4; lane++)
      len = compose(lane, label, labelLen, ikms + (i + (lane < taken ? lane : 0)) * 32, 0, 32)
    keyLanesEmpty()
    macLanes(len, 0)
    rekeyLanes()
    spread(info, infoLen)
    memory.copy(out + i * 32, macLanes(infoLen, 1), taken * 32)
  }
  wipe()
}

/** Key and nonce of one recipient, which lanes would cost more. */
function keysOfOne(out: usize, dh: usize, enc: usize, pk: usize, labels: usize): void {
  const next: usize = keys + 32
  hkdfExtract(keys, 0, 0, messages, compose(0, load<u32>(labels), load<u32>(labels, 4), dh, 0, 32))
  hkdfExpand(next, 32, keys, 32, messages, compose(0, load<u32>(labels, 8), load<u32>(labels, 12), enc, pk, 32))
  hkdfExtract(keys, next, 32, load<u32>(labels, 16), load<u32>(labels, 20))
  for (let half: usize = 0; half < 2; half++) {
    const info: usize = labels + 24 + half * 8
    hkdfExpand(out + (half << 5), 32, keys, 32, load<u32>(info), load<u32>(info, 4))
  }
}

/**
 * Key and nonce of n recipients: 64 bytes at out + 64 i, the first bytes of each half. dhs, encs and pks hold 32 bytes for each. labels holds five
 * pairs (u32 address, u32 length): eae_prk, shared_secret (at most 64 bytes each), secret, then the whole infos of key and base_nonce.
 */
export function hpkeKeys(n: usize, out: usize, dhs: usize, encs: usize, pks: usize, labels: usize): void {
  for (let i: usize = 0; i < n; i += 4) {
    const taken: usize = min<usize>(4, n - i)
    if (taken === 1) {
      keysOfOne(out + i * 64, dhs + i * 32, encs + i * 32, pks + i * 32, labels)
      break
    }
    let len: usize = 0
    for (let lane: usize = 0; lane < 4; lane++) {
      const j: usize = (i + (lane < taken ? lane : 0)) * 32
      len = compose(lane, load<u32>(labels), load<u32>(labels, 4), dhs + j, 0, 32)
    }
    keyLanesEmpty()
    macLanes(len, 0)
    rekeyLanes()
    for (let lane: usize = 0; lane < 4; lane++) {
      const j: usize = (i + (lane < taken ? lane : 0)) * 32
      len = compose(lane, load<u32>(labels, 8), load<u32>(labels, 12), encs + j, pks + j, 32)
    }
    macLanes(len, 1)
    rekeyLanes()
    spread(load<u32>(labels, 16), load<u32>(labels, 20))
    macLanes(load<u32>(labels, 20), 0)
    rekeyLanes()
    for (let half: usize = 0; half < 2; half++) {
      const info: usize = labels + 24 + half * 8
      spread(load<u32>(info), load<u32>(info, 4))
      const digests: usize = macLanes(load<u32>(info, 4), 1)
      for (let lane: usize = 0; lane < taken; lane++)
        memory.copy(out + ((i + lane) << 6) + (half << 5), digests + (lane << 5), 32)
    }
  }
  wipe()
}
