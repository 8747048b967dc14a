/** Byte strings that own their memory, as every function of the package returns them. */
export type Bytes = Uint8Array<ArrayBuffer>

/** The empty byte string. */
export const empty: Bytes = new Uint8Array(0)

/** Joins byte strings into a new one. */
export function concatBytes(...parts: readonly Uint8Array[]): Bytes {
  let length = 0
  for (const part of parts) length += part.length
  const out = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    out.set(part, offset)
    offset += part.length
  }
  return out
}

/** A copy that shares no memory with `bytes`. */
export function copyBytes(bytes: Uint8Array): Bytes {
  const out = new Uint8Array(bytes.length)
  out.set(bytes)
  return out
}

/**
 * Compares in time that depends on the lengths alone: lengths first, then every byte. The only comparison of tags, secrets
 * and references in the package.
 */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number)
  return difference === 0
}

/** Overwrites with zeros. Copies that the engine made while running cannot be reached; see SECURITY.md. */
export function wipe(...secrets: readonly (Uint8Array | undefined)[]): void {
  for (const secret of secrets) secret?.fill(0)
}

/** Whether all bytes are zero; looks at every byte. */
export function isZero(bytes: Uint8Array): boolean {
  let all = 0
  for (let i = 0; i < bytes.length; i++) all |= bytes[i] as number
  return all === 0
}

/** ASCII text as bytes; for labels, which RFC 9420 writes as ASCII. */
export function ascii(text: string): Bytes {
  const out = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i)
  return out
}
