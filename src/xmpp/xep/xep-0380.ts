// XEP-0380: Explicit Message Encryption, version 0.4.0 (2021-11-18), https://xmpp.org/extensions/xep-0380.html

import { child, element, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
const explicitEncryption = 'urn:xmpp:eme:0'

/** How a message is encrypted, for those who cannot read it. */
export interface EncryptionHint {
  readonly namespace: string
  readonly name?: string
}

/** The `encryption` element. */
export function buildEncryptionHint({ namespace, name }: EncryptionHint): XmlElement {
  return element('encryption', explicitEncryption, { namespace, name })
}

/** How a message says it is encrypted. */
export function encryptionHintIn(message: XmlElement): EncryptionHint | undefined {
  const attrs = child(message, 'encryption', explicitEncryption)?.attrs
  const namespace = attrs?.['namespace']
  const name = attrs?.['name']
  return namespace === undefined ? undefined : { namespace, ...(name === undefined ? {} : { name }) }
}
