import { MlsError } from '../../bytes/errors.ts'
import { withAttrs, type XmlElement } from '../stanza/element.ts'
import { bareJid } from '../stanza/jid.ts'
import { parseStanzaError, XmppError } from '../stanza/xmpp-error.ts'

interface Pending {
  readonly to: string | undefined
  readonly settle: (answer: XmlElement | MlsError) => void
}

let serial = 0

/**
 * Open IQ requests of one adapter. Libraries match answers by id alone; here the sender must be the one that was asked, or
 * another entity could answer in its place (S13).
 */
export class IqRequests {
  readonly #pending = new Map<string, Pending>()

  /** Sends a request and waits. @throws XmppError, `xmpp/timeout`, `xmpp/offline` */
  async request(
    stanza: XmlElement,
    timeoutMs: number,
    send: (stanza: XmlElement) => Promise<void>,
  ): Promise<XmlElement> {
    const id = stanza.attrs['id'] ?? `mls-${++serial}`
    return await new Promise<XmlElement>((resolve, reject) => {
      const settle = (answer: XmlElement | MlsError): void => {
        clearTimeout(timer)
        this.#pending.delete(id)
        if (answer instanceof MlsError) reject(answer)
        else if (answer.attrs['type'] === 'error') reject(new XmppError(parseStanzaError(answer)))
        else resolve(answer)
      }
      const timer = setTimeout(() => settle(new MlsError('xmpp/timeout', 'no answer in time')), timeoutMs)
      this.#pending.set(id, { to: stanza.attrs['to'], settle })
      send(withAttrs(stanza, { id })).catch((cause: unknown) =>
        settle(
          cause instanceof MlsError
            ? cause
            : new MlsError('xmpp/offline', 'the stream did not take the stanza', { cause }),
        ),
      )
    })
  }

  /** Takes an incoming IQ. @param own full JID of the connection */
  incoming(stanza: XmlElement, own: string): void {
    const { id, from, type } = { id: stanza.attrs['id'], from: stanza.attrs['from'], type: stanza.attrs['type'] }
    const pending = this.#pending.get(id ?? '')
    if (pending === undefined || (type !== 'result' && type !== 'error')) return
    const bare = bareJid(own)
    const account = (jid: string | undefined): boolean => jid === undefined || jid === bare
    if (from === pending.to || (account(from) && account(pending.to)) || (pending.to === undefined && from === own))
      pending.settle(stanza)
  }

  /** The connection is gone: nobody will answer. */
  fail(): void {
    for (const pending of [...this.#pending.values()])
      pending.settle(new MlsError('xmpp/offline', 'the connection was lost'))
  }
}
