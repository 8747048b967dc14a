/**
 * What the ceremonies hash, authenticate and derive from: always a label first, so that no value of one ceremony can serve in
 * another, nor as an input of a signature of `labels.ts`, whose labels are others.
 */
import type { Bytes } from '../bytes/bytes.ts'
import { utf8 } from '../bytes/text.ts'
import { Writer } from '../codec/writer.ts'

/** The closed list of uses. */
export type CeremonyLabel =
  | 'Backup Key'
  | 'Backup Commitment'
  | 'Device Label'
  | 'Emoji'
  | 'Emoji Commitment'
  | 'Invite Checksum'
  | 'Link Code'
  | 'Link Payload'
  | 'Link Request'
  | 'Text Checksum'
  | 'Verify Digits'
  | 'Verify Proof'

/** The label as `opaque<V>`, then each part as `opaque<V>`: no two lists of parts give the same bytes. */
export function ceremonyInput(label: CeremonyLabel, ...parts: readonly Uint8Array[]): Bytes {
  const writer = new Writer()
  writer.opaque(utf8(`XMPP Account Identity Ceremony 1.0 ${label}`))
  for (const part of parts) writer.opaque(part)
  return writer.finish()
}
