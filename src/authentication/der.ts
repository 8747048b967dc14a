import { MlsError } from '../bytes/errors.ts'

/** One element of DER (X.690 §10): its tag byte, its content and its whole encoding, as views of the input. */
export interface DerElement {
  readonly tag: number
  readonly content: Uint8Array
  readonly encoded: Uint8Array
}

/**
 * The elements that `bytes` is made of, one level deep. Lengths are definite and in their shortest form; nothing may be
 * left over.
 * @throws `auth/x509`
 */
export function derElements(bytes: Uint8Array): DerElement[] {
  const elements: DerElement[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const { tag, start, end } = header(bytes, offset)
    elements.push({ tag, content: bytes.subarray(start, end), encoded: bytes.subarray(offset, end) })
    offset = end
  }
  return elements
}

function header(bytes: Uint8Array, offset: number): { tag: number; start: number; end: number } {
  const tag = bytes[offset]
  let length = bytes[offset + 1]
  let start = offset + 2
  // multi-byte tags appear in no certificate
  if (tag === undefined || length === undefined || (tag & 0x1f) === 0x1f) throw malformed()
  if (length >= 0x80) {
    const count = length & 0x7f
    if (count === 0 || count > 3 || bytes[start] === 0) throw malformed()
    length = 0
    for (const end = start + count; start < end; start++) length = (length << 8) | (bytes[start] ?? 0)
    if (length < 0x80) throw malformed()
  }
  const end = start + length
  if (end > bytes.length) throw malformed()
  return { tag, start, end }
}

/** RFC 9420 §5.3 V056: not the bytes of a certificate. */
export function malformed(cause?: unknown): MlsError {
  return new MlsError('auth/x509', 'a certificate that is not DER', { rule: 'V056', cause })
}
