/**
 * Where `node:crypto` is faster than the kernels: from so many bytes on. Measured by `npm run crossovers`, which prints this
 * table for the machine and the Node that it runs on; the values are those of Node 20 on x86-64. Smaller inputs lose more
 * on the way into OpenSSL than they gain there.
 *
 * Not in the table, because the kernels win at the sizes of MLS or OpenSSL cannot give the same bytes:
 * Ed25519 but for its SHA-512 (the equation of OpenSSL has no cofactor, so that each of its refusals would have to be checked
 * again), X25519 (the import of a key costs what the kernel needs for all), P-256 ECDH,
 * ECDSA signatures (OpenSSL's nonces are random), HKDF.
 */
export const crossovers = {
  /** SHA-256 of one message. */
  hash: 256,
  /** SHA-256 of a message among others, which the kernel does four at a time. */
  hashMany: 1024,
  /** SHA-512 inside Ed25519. */
  sha512: 4096,
  /** HMAC-SHA-256. */
  hmac: 1024,
  AES128GCM: 1536,
  CHACHA20POLY1305: 8192,
} as const
