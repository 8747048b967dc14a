import type { Bytes } from '../../../bytes/bytes.ts'
import { Reader } from '../../../codec/reader.ts'
import { child, tag, type XmlElement } from '../../stanza/element.ts'
import { mlsNamespace } from './namespace.ts'
import { buildPayload, type Payload, payloadIn } from './payload.ts'

/** An application message. Group and epoch are in its bytes, see {@link messagePlace}. */
export interface Encrypted {
  /** A PrivateMessage as MLSMessage. */
  readonly payload: Payload
}

const build = tag(mlsNamespace)
/** RFC 9420 §6: `mls10` and `mls_private_message`. */
const wireVersion = 1
const privateMessageFormat = 2

/** The `encrypted` element: its form makes push services take it for a message. */
export function buildEncrypted({ payload }: Encrypted): XmlElement {
  return build('encrypted', {}, buildPayload('payload', payload))
}

/** The application message; `undefined` for any other element. */
export function parseEncrypted(source: XmlElement | undefined): Encrypted | undefined {
  if (source?.name !== 'encrypted' || source.ns !== mlsNamespace) return undefined
  const payload = payloadIn(child(source, 'payload'))
  return payload && { payload }
}

/** Group and epoch at the head of a PrivateMessage (RFC 9420 §6.3), nothing behind them read; `undefined` for other bytes. */
export function messagePlace(bytes: Bytes): { readonly group: Bytes; readonly epoch: bigint } | undefined {
  try {
    const reader = new Reader(bytes)
    if (reader.uint16() !== wireVersion || reader.uint16() !== privateMessageFormat) return undefined
    return { group: reader.take(reader.varint()), epoch: reader.uint64() }
  } catch {
    return undefined
  }
}
