// XEP-0369: Mediated Information eXchange (MIX), version 0.14.6 (2020-12-01), https://xmpp.org/extensions/xep-0369.html

import { child, childText, element, tag, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
export const mixCore = 'urn:xmpp:mix:core:1'
/** ejabberd answers and labels messages in the older namespace, whatever was asked: both are read. */
export const mixCoreOld = 'urn:xmpp:mix:core:0'
/** Namespace or form type. */
export const mixMessagesNode = 'urn:xmpp:mix:nodes:messages'
/** Namespace or form type. */
export const mixParticipantsNode = 'urn:xmpp:mix:nodes:participants'
const mix = tag(mixCore)

/** Who sent a channel message; `submissionId` only in the sender's own copy. */
export interface MixSender {
  readonly nick?: string
  readonly jid?: string
  readonly submissionId?: string
}

/** An item of the participants node; its item id is the stable participant id. */
export interface MixParticipant {
  readonly nick?: string
  readonly jid?: string
}

/** Create a channel on a MIX service. */
export function buildMixCreate(channel: string): XmlElement {
  return mix('create', { channel })
}

/** The inner `join`: the nodes to subscribe to. */
export function buildMixJoin(nodes: readonly string[], nick?: string): XmlElement {
  return mix(
    'join',
    {},
    nick === undefined ? undefined : mix('nick', {}, nick),
    ...nodes.map((node) => mix('subscribe', { node })),
  )
}

/** The inner `leave`. */
export function buildMixLeave(): XmlElement {
  return mix('leave')
}

/** The sender's part of a channel message, as ejabberd writes it. */
export function buildMixSender(sender: MixSender, ns: string = mixCoreOld): XmlElement {
  const text = (name: string, value: string | undefined) =>
    value === undefined ? undefined : element(name, ns, {}, value)
  return element(
    'mix',
    ns,
    {},
    text('submission-id', sender.submissionId),
    text('jid', sender.jid),
    text('nick', sender.nick),
  )
}

/** The sender's part of a channel message, in either namespace. */
export function mixSenderIn(message: XmlElement): MixSender | undefined {
  const source = child(message, 'mix', mixCore) ?? child(message, 'mix', mixCoreOld)
  if (source === undefined) return undefined
  const [nick, jid, submissionId] = ['nick', 'jid', 'submission-id'].map((name) => childText(source, name))
  return {
    ...(nick === undefined ? {} : { nick }),
    ...(jid === undefined ? {} : { jid }),
    ...(submissionId === undefined ? {} : { submissionId }),
  }
}

/** The payload of a participants item, as ejabberd writes it. */
export function buildMixParticipant(value: MixParticipant): XmlElement {
  return element('participant', mixCoreOld, { jid: value.jid, nick: value.nick })
}

/** The payload of a participants item: child elements in core:1, attributes in core:0. */
export function parseMixParticipant(source: XmlElement | undefined): MixParticipant | undefined {
  if (source?.name !== 'participant' || (source.ns !== mixCore && source.ns !== mixCoreOld)) return undefined
  const nick = childText(source, 'nick') ?? source.attrs['nick']
  const jid = childText(source, 'jid') ?? source.attrs['jid']
  return { ...(nick === undefined ? {} : { nick }), ...(jid === undefined ? {} : { jid }) }
}
