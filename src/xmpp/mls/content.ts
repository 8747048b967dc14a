/** Between what a message says and the envelope (XEP-0420) that is encrypted. */
import type { Bytes } from '../../bytes/bytes.ts'
import { fromUtf8, utf8 } from '../../bytes/text.ts'
import { child, element, textOf, type XmlElement } from '../stanza/element.ts'
import { tryBareJid } from '../stanza/jid.ts'
import { parseXml } from '../stanza/parse.ts'
import { serialise } from '../stanza/serialise.ts'
import { clientNamespace } from '../stanza/stanza.ts'
import { buildReceipt, receiptIn } from '../xep/xep-0184.ts'
import { buildReplace, replaceIn } from '../xep/xep-0308.ts'
import { buildMarker, markerIn } from '../xep/xep-0333.ts'
import { allowedInEnvelope, buildEnvelope, parseEnvelope } from '../xep/xep-0420.ts'
import { buildRetraction, retractionIn } from '../xep/xep-0424.ts'
import { buildReactions, reactionsIn } from '../xep/xep-0444.ts'
import { buildReply, replyIn } from '../xep/xep-0461.ts'
import type { MessageContent } from './types.ts'
import { identityNamespace } from './wire/namespace.ts'

/** What was in an envelope. */
export interface Opened {
  readonly content: MessageContent
  readonly body: string | undefined
  readonly elements: readonly XmlElement[]
  readonly sentAt: Date | undefined
}

/** What was in an envelope, with what is of the identity and not of the message. */
export interface OpenedEnvelope {
  readonly opened: Opened
  readonly identity: readonly XmlElement[]
  /** Whether there is a message beside what is of the identity. */
  readonly message: boolean
}

const isIdentity = ({ ns }: XmlElement): boolean => ns === identityNamespace

/** Whether a content is of the identity alone: it goes out where messages wait, and nobody sees it. */
export function isOfIdentity(content: MessageContent): boolean {
  return content.kind === 'xml' && content.elements.length > 0 && content.elements.every(isIdentity)
}

/** The bytes to encrypt. The `rpad` is empty: MLS pads what it encrypts. */
export function sealContent(
  content: MessageContent,
  envelope: {
    readonly from: string
    readonly to: string
    readonly time: number
    /** Elements of the identity that go along. */
    readonly beside?: readonly XmlElement[]
  },
): Bytes {
  const { from, to, time, beside = [] } = envelope
  const built = buildEnvelope({
    content: [...elementsOfContent(content), ...beside],
    from,
    to,
    time: new Date(time).toISOString(),
    padding: '',
  })
  return utf8(serialise(built))
}

const body = (text: string): XmlElement => element('body', clientNamespace, {}, text)

/** The elements of a content; `xml` is given as it is. */
function elementsOfContent(content: MessageContent): readonly XmlElement[] {
  switch (content.kind) {
    case 'text':
      return [body(content.body)]
    case 'reply':
      return [body(content.body), buildReply({ id: content.to })]
    case 'reaction':
      return [buildReactions({ id: content.to, emojis: content.emojis })]
    case 'correction':
      return [body(content.body), buildReplace(content.to)]
    case 'retraction':
      return [buildRetraction(content.to)]
    case 'received':
      return [buildReceipt({ kind: 'received', id: content.to })]
    case 'displayed':
      return [buildMarker({ kind: 'displayed', id: content.to })]
    case 'xml':
      return content.elements.filter(allowedInEnvelope)
  }
}

/**
 * The content of decrypted bytes, if it was meant for this conversation and says to come from this account: `malformed` when
 * it is no envelope, `wrong-room` when its address says otherwise.
 */
export function openContent(
  bytes: Uint8Array,
  expected: { readonly account: string; readonly room: string },
): OpenedEnvelope | 'malformed' | 'wrong-room' {
  const envelope = envelopeOf(bytes)
  if (envelope === undefined) return 'malformed'
  const { from, to, time, content: all } = envelope
  const identity = all.filter(isIdentity)
  const elements = identity.length === 0 ? all : all.filter((one) => !isIdentity(one))
  if (tryBareJid(from) !== expected.account) return 'malformed'
  if (tryBareJid(to) !== expected.room) return 'wrong-room'
  const sentAt = time === undefined ? undefined : new Date(time)
  const holder = element('content', clientNamespace, {}, ...elements)
  const text = child(holder, 'body', clientNamespace)
  const found = text === undefined ? undefined : textOf(text)
  const opened = {
    content: contentOf(holder, found),
    body: found,
    elements,
    sentAt: sentAt === undefined || Number.isNaN(sentAt.getTime()) ? undefined : sentAt,
  }
  return { opened, identity, message: elements.length > 0 || identity.length === 0 }
}

function envelopeOf(bytes: Uint8Array): ReturnType<typeof parseEnvelope> {
  try {
    return parseEnvelope(parseXml(fromUtf8(bytes)))
  } catch {
    return undefined
  }
}

function contentOf(holder: XmlElement, text: string | undefined): MessageContent {
  // what nearly every message is
  if (holder.children.length === 1 && text !== undefined) return { kind: 'text', body: text }
  const [replaced, retracted, reply] = [replaceIn(holder), retractionIn(holder), replyIn(holder)]
  const [reactions, receipt, marker] = [reactionsIn(holder), receiptIn(holder), markerIn(holder)]
  if (retracted !== undefined) return { kind: 'retraction', to: retracted }
  if (replaced !== undefined && text !== undefined) return { kind: 'correction', to: replaced, body: text }
  if (reactions !== undefined) return { kind: 'reaction', to: reactions.id, emojis: reactions.emojis }
  if (reply !== undefined && text !== undefined) return { kind: 'reply', to: reply.id, body: text }
  if (text !== undefined) return { kind: 'text', body: text }
  if (receipt?.kind === 'received') return { kind: 'received', to: receipt.id }
  if (marker?.kind === 'displayed') return { kind: 'displayed', to: marker.id }
  return { kind: 'xml', elements: holder.children.filter((node): node is XmlElement => typeof node !== 'string') }
}
