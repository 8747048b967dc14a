import type { Bytes } from '../../../bytes/bytes.ts'
import { toBase64 } from '../../../bytes/text.ts'
import { child, tag, type XmlElement } from '../../stanza/element.ts'
import { mlsNamespace } from './namespace.ts'
import { base64, buildPayload, epochIn, type Payload, payloadIn } from './payload.ts'

/** An application message. `group` and `epoch` are hints to sort by; the MLSMessage decides. */
export interface Encrypted {
  readonly group: Bytes
  readonly epoch: bigint
  /** A PrivateMessage as MLSMessage. */
  readonly payload: Payload
}

const build = tag(mlsNamespace)

/** The `encrypted` element: its form makes push services take it for a message. */
export function buildEncrypted({ group, epoch, payload }: Encrypted): XmlElement {
  return build('encrypted', { group: toBase64(group), epoch: String(epoch) }, buildPayload('payload', payload))
}

/** The application message; `undefined` for any other element. */
export function parseEncrypted(source: XmlElement | undefined): Encrypted | undefined {
  if (source?.name !== 'encrypted' || source.ns !== mlsNamespace) return undefined
  const group = base64(source.attrs['group'])
  const epoch = epochIn(source.attrs['epoch'])
  const payload = payloadIn(child(source, 'payload'))
  return group && epoch !== undefined && payload ? { group, epoch, payload } : undefined
}
