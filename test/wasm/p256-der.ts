/** Strict DER: SEQUENCE of two INTEGERs to r, s as 64 bytes; undefined for any other encoding or an integer over 32 bytes. */
export const signatureFromDer = (der: Uint8Array): Uint8Array | undefined => {
  const integer = (at: number): { value: Uint8Array; next: number } | undefined => {
    const length = der[at + 1]
    if (der[at] !== 2 || length === undefined || length === 0 || length > 33) return undefined
    const value = der.subarray(at + 2, at + 2 + length)
    const [first = 0, second = 0] = value
    if (value.length !== length || first > 0x7f) return undefined
    if (length > 1 && first === 0 && second < 0x80) return undefined
    if (length === 33 && first !== 0) return undefined
    return { value: length === 33 ? value.subarray(1) : value, next: at + 2 + length }
  }
  if (der[0] !== 0x30 || der[1] !== der.length - 2 || der.length > 0x7f + 2) return undefined
  const r = integer(2)
  const s = r && integer(r.next)
  if (s === undefined || s.next !== der.length) return undefined
  const out = new Uint8Array(64)
  out.set(r?.value ?? [], 32 - (r?.value.length ?? 0))
  out.set(s.value, 64 - s.value.length)
  return out
}
