import { MlsError } from '../../bytes/errors.ts'
import { child, childText, element, elementsOf, type XmlElement } from './element.ts'
import { clientNamespace } from './stanza.ts'

const stanzas = 'urn:ietf:params:xml:ns:xmpp-stanzas'
const types = ['auth', 'cancel', 'continue', 'modify', 'wait'] as const

/** The `type` of a stanza error: what the sender may do about it (RFC 6120 §8.3.2). */
export type StanzaErrorType = (typeof types)[number]

/** The content of an `error` child (RFC 6120 §8.3). */
export interface StanzaError {
  readonly type: StanzaErrorType
  /** Defined condition, for example `item-not-found`. */
  readonly condition: string
  /** Local name of the application-specific condition, for example `precondition-not-met`. */
  readonly application?: string
  readonly text?: string
}

/**
 * A stanza error that a server or peer answered. `condition` and `type` are those of RFC 6120 §8.3; the text is kept for
 * logs of the embedder and never part of the message.
 */
export class XmppError extends MlsError {
  readonly condition: string
  readonly type: StanzaErrorType
  readonly application: string | undefined
  readonly text: string | undefined

  constructor(error: StanzaError) {
    super('xmpp/stanza_error', `stanza error ${error.type}/${error.condition}`)
    this.condition = error.condition
    this.type = error.type
    this.application = error.application
    this.text = error.text
  }
}

/** The error of a stanza of type `error`; a stanza without a readable `error` child is `undefined-condition`. */
export function parseStanzaError(stanza: XmlElement): StanzaError {
  const source = child(stanza, 'error', stanza.ns) ?? child(stanza, 'error', clientNamespace)
  if (source === undefined) return { type: 'cancel', condition: 'undefined-condition' }
  const condition = elementsOf(source).find((node) => node.ns === stanzas && node.name !== 'text')
  const application = elementsOf(source).find((node) => node.ns !== stanzas)
  const text = childText(source, 'text', stanzas)
  return {
    type: types.find((type) => type === source.attrs['type']) ?? 'cancel',
    condition: condition?.name ?? 'undefined-condition',
    ...(application === undefined ? {} : { application: application.name }),
    ...(text === undefined ? {} : { text }),
  }
}

/** The `error` child for an error. @param applicationNs namespace of the application-specific condition */
export function buildStanzaError(error: StanzaError, applicationNs = ''): XmlElement {
  return element(
    'error',
    clientNamespace,
    { type: error.type },
    element(error.condition, stanzas),
    error.text === undefined ? undefined : element('text', stanzas, {}, error.text),
    error.application === undefined ? undefined : element(error.application, applicationNs),
  )
}

/** Whether an error is a stanza error with one of these conditions. */
export function hasCondition(error: unknown, ...conditions: readonly string[]): error is XmppError {
  return error instanceof XmppError && conditions.includes(error.condition)
}
