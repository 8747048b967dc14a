/** SHA-512 (FIPS 180-4) over parts: init, update any number of times, final. Time depends on lengths only. */
import { HASH, HASH_BLOCK, wipe } from './memory'
import { compress, INITIAL } from './sha512.generated'

let total: usize = 0

export function hashInit(): void {
  memory.copy(HASH, INITIAL, 64)
  total = 0
}

export function hashUpdate(data: usize, length: usize): void {
  const filled: usize = total & 127
  total += length
  if (filled > 0) {
    const take: usize = min<usize>(128 - filled, length)
    memory.copy(HASH_BLOCK + filled, data, take)
    if (filled + take < 128) return
    compress(HASH, HASH_BLOCK)
    data += take
    length -= take
  }
  while (length >= 128) {
    compress(HASH, data)
    data += 128
    length -= 128
  }
  memory.copy(HASH_BLOCK, data, length)
}

export function hashFinal(out: usize): void {
  let filled: usize = total & 127
  store<u8>(HASH_BLOCK + filled, 0x80)
  filled += 1
  if (filled > 112) {
    memory.fill(HASH_BLOCK + filled, 0, 128 - filled)
    compress(HASH, HASH_BLOCK)
    filled = 0
  }
  memory.fill(HASH_BLOCK + filled, 0, 120 - filled)
  store<u64>(HASH_BLOCK, bswap<u64>((<u64>total) << 3), 120)
  compress(HASH, HASH_BLOCK)
  for (let i: usize = 0; i < 64; i += 8) store<u64>(out + i, bswap<u64>(load<u64>(HASH + i)))
}

/** out (64 bytes) = SHA-512 of `length` bytes. */
export function sha512(out: usize, data: usize, length: usize): void {
  hashInit()
  hashUpdate(data, length)
  hashFinal(out)
  wipe()
}
