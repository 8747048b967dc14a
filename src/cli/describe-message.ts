import type { Bytes } from '../bytes/bytes.ts'
import { fromBase64, fromHex, toHex } from '../bytes/text.ts'
import { suites } from '../crypto/suites.ts'
import { decodeMlsMessage, type MlsMessage } from '../wire/mls-message.ts'

/** The bytes of a message file: raw, base64 or hexadecimal. */
export function messageBytes(file: Uint8Array): Bytes {
  const text = Buffer.from(file).toString('latin1').trim().replace(/\s+/g, '')
  if (text.length > 0 && text.length % 2 === 0 && /^[0-9a-fA-F]+$/.test(text)) return fromHex(text.toLowerCase())
  if (text.length > 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)) return fromBase64(text)
  return Uint8Array.from(file)
}

/** An MLSMessage (RFC 9420 §6) as lines: its kind, then its fields. @throws MlsError when it is none */
export function describeMessage(bytes: Uint8Array): string[] {
  const message = decodeMlsMessage(bytes)
  return [`${message.wireFormat}, ${bytes.length} bytes`, ...fieldsOf(summaryOf(message), '  ')]
}

/** The message without the fields that only say how it was decoded. */
function summaryOf(message: MlsMessage): Readonly<Record<string, unknown>> {
  const { wireFormat, ...rest } = message as MlsMessage & Readonly<Record<string, unknown>>
  return rest
}

/** Fields as lines, nested ones further in. */
function fieldsOf(value: Readonly<Record<string, unknown>>, indent: string): string[] {
  return Object.entries(value).flatMap(([key, field]) => fieldLines(key, field, indent))
}

function fieldLines(key: string, field: unknown, indent: string): string[] {
  const label = `${indent}${key}`
  if (field === undefined) return []
  if (field instanceof Uint8Array) return [`${label}: ${bytesText(field)}`]
  if (Array.isArray(field)) {
    if (field.length === 0) return [`${label}: none`]
    if (field.every((one) => typeof one !== 'object')) return [`${label}: ${field.map(String).join(', ')}`]
    return [
      `${label}: ${field.length}`,
      ...field.slice(0, 32).flatMap((one, i) => fieldLines(`[${i}]`, one, `${indent}  `)),
      ...(field.length > 32 ? [`${indent}  … ${field.length - 32} more`] : []),
    ]
  }
  if (typeof field === 'object' && field !== null)
    return [label, ...fieldsOf(field as Readonly<Record<string, unknown>>, `${indent}  `)]
  if (key === 'cipherSuite') {
    const known = suites.find(({ id }) => id === field)
    return [`${label}: ${String(field)}${known === undefined ? '' : ` (${known.name})`}`]
  }
  return [`${label}: ${String(field)}`]
}

/** Bytes as text where they are text, otherwise their length and head. */
function bytesText(bytes: Uint8Array): string {
  const hex = toHex(Uint8Array.from(bytes.subarray(0, 24)))
  return `${hex}${bytes.length > 24 ? '…' : ''} (${bytes.length} bytes)`
}
