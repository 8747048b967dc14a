/** Fixed-base X25519 and Ed25519 keys and signatures (RFC 8032 §5.1.5, §5.1.6). Branch-free, no secret index. */
import { base4, hasNiels } from './base-lanes'
import { fixedBase } from './edwards'
import { divideBlock, fromLane } from './field'
import { feAddSub, feMul, feToBytes } from './field.generated'
import { invert } from './invert'
import {
  BLOCK,
  CHALLENGE,
  DENOMINATORS,
  DIGEST,
  ENCODING,
  EXPANDED,
  NONCE,
  NUMERATORS,
  POINT,
  S0,
  S1,
  SCALARS,
  wipe,
} from './memory'
import { mulAdd, reduceWide } from './order'
import { hashFinal, hashInit, hashUpdate } from './sha512'
import { clampTo } from './x25519'

/** out = X25519(scalar, 9). */
export function x25519Base(out: usize, scalar: usize): void {
  x25519BaseMany(1, out, scalar)
}

/** `n` public keys, back to back: u = (Z + Y) / (Z - Y) of the Edwards point, one inversion per block; four at once when they are many. */
export function x25519BaseMany(n: usize, out: usize, scalars: usize): void {
  const inLanes: bool = hasNiels(n)
  for (let done: usize = 0; done < n; ) {
    const block: usize = min<usize>(BLOCK, n - done)
    let i: usize = 0
    if (inLanes)
      for (; block - i >= 3; i += min<usize>(4, block - i))
        base4(scalars + (done + i) * 32, i, min<usize>(4, block - i))
    for (; i < block; i++) {
      clampTo(SCALARS, scalars + (done + i) * 32)
      fixedBase(SCALARS)
      fromLane(S0, POINT, 1)
      fromLane(S1, POINT, 2)
      feAddSub(NUMERATORS + i * 80, DENOMINATORS + i * 80, S1, S0)
    }
    divideBlock(block)
    for (let i: usize = 0; i < block; i++) feToBytes(out + (done + i) * 32, NUMERATORS + i * 80)
    done += block
  }
  wipe()
}

/** Encodes POINT (RFC 8032 §5.1.2). */
function encode(out: usize): void {
  fromLane(S1, POINT, 2)
  invert(S1, S1)
  fromLane(S0, POINT, 0)
  feMul(S0, S0, S1)
  feToBytes(ENCODING, S0)
  const sign: u8 = load<u8>(ENCODING) << 7
  fromLane(S0, POINT, 1)
  feMul(S0, S0, S1)
  feToBytes(out, S0)
  store<u8>(out, load<u8>(out, 31) | sign, 31)
}

/** out (96 bytes) = clamped scalar || prefix || public key, without wiping. */
function expand(out: usize, seed: usize): void {
  hashInit()
  hashUpdate(seed, 32)
  hashFinal(DIGEST)
  clampTo(out, DIGEST)
  memory.copy(out + 32, DIGEST + 32, 32)
  fixedBase(out)
  encode(out + 64)
}

/** out (96 bytes) = clamped scalar || prefix || public key of a 32-byte seed. Secret: the caller wipes it when done. */
export function ed25519Expand(out: usize, seed: usize): void {
  expand(out, seed)
  wipe()
}

/** out (32 bytes) = public key of a 32-byte seed. */
export function ed25519PublicKey(out: usize, seed: usize): void {
  expand(EXPANDED, seed)
  memory.copy(out, EXPANDED + 64, 32)
  wipe()
}

/** out (32 bytes) = R of the signature for which SHA-512(prefix || message) is the 64 bytes of `digest`. */
export function ed25519SignNonce(out: usize, digest: usize): void {
  reduceWide(NONCE, digest)
  fixedBase(NONCE)
  encode(out)
  wipe()
}

/** out (32 bytes) = S of that signature; `challenge` is SHA-512(R || public key || message), 64 bytes. */
export function ed25519SignFinish(out: usize, expanded: usize, digest: usize, challenge: usize): void {
  reduceWide(NONCE, digest)
  reduceWide(CHALLENGE, challenge)
  mulAdd(out, CHALLENGE, expanded, NONCE)
  wipe()
}

/** out (64 bytes) = signature by an expanded key over `length` bytes. out must not overlap the inputs. */
export function ed25519Sign(out: usize, expanded: usize, message: usize, length: usize): void {
  hashInit()
  hashUpdate(expanded + 32, 32)
  hashUpdate(message, length)
  hashFinal(DIGEST)
  reduceWide(NONCE, DIGEST)
  fixedBase(NONCE)
  encode(out)
  hashInit()
  hashUpdate(out, 32)
  hashUpdate(expanded + 64, 32)
  hashUpdate(message, length)
  hashFinal(DIGEST)
  reduceWide(CHALLENGE, DIGEST)
  mulAdd(out + 32, CHALLENGE, expanded, NONCE)
  wipe()
}
