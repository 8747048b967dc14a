/** Handing a Welcome to an account: until its server has it. */
import { MlsError } from '../../bytes/errors.ts'
import { freshId, type XmppContext } from '../port.ts'
import type { XmlElement } from '../stanza/element.ts'
import { domainOf, sameBareJid } from '../stanza/jid.ts'
import { iq, message } from '../stanza/stanza.ts'
import { parseStanzaError, XmppError } from '../stanza/xmpp-error.ts'
import { buildPing } from '../xep/xep-0199.ts'
import { buildOriginId } from '../xep/xep-0359.ts'

/** How long a server may take to send a message back. */
const bounceMs = 30_000
/** How long the own server may take to read a stanza. */
const takenMs = 120_000
/** Pauses while the servers cannot reach each other: some wait for up to five minutes before they try again. */
const firstPauseMs = 30_000
const longestPauseMs = 300_000

/** See the file. */
export class WelcomeDelivery {
  readonly #context: XmppContext
  readonly #running = new Map<string, Promise<void>>()
  readonly #ends = new Set<(error: Error) => void>()

  constructor(context: XmppContext) {
    this.#context = context
  }

  /**
   * Sends stanzas to an account; again where its server cannot be reached. A second call with the same id waits for the first.
   * Resolves when the own server has read everything and nothing was sent back for a while.
   * @throws XmppError when the account's server refuses; `xmpp/offline`; `xmpp/closed`
   */
  deliver(id: string, account: string, stanzas: () => Promise<readonly (readonly XmlElement[])[]>): Promise<void> {
    const known = this.#running.get(id)
    if (known !== undefined) return known
    const running = this.#deliver(account, stanzas).finally(() => this.#running.delete(id))
    this.#running.set(id, running)
    return running
  }

  async #deliver(account: string, stanzas: () => Promise<readonly (readonly XmlElement[])[]>): Promise<void> {
    const contents = await stanzas()
    for (let pause = firstPauseMs; ; pause = Math.min(2 * pause, longestPauseMs)) {
      const returned = await this.#send(account, contents)
      if (returned === undefined) return
      if (returned.type !== 'wait' && !returned.condition.startsWith('remote-server-')) throw returned
      await this.#wait(pause)
    }
  }

  /** Sends everything once. Returns the error with which one of the messages came back. */
  async #send(account: string, contents: readonly (readonly XmlElement[])[]): Promise<XmppError | undefined> {
    const { port, random } = this.#context
    const ids = new Set<string>()
    let returned: XmppError | undefined
    let wake: () => void = () => undefined
    const stop = port.onStanza((stanza) => {
      const { type, id = '', from = '' } = stanza.attrs
      if (stanza.name !== 'message' || type !== 'error' || !ids.has(id) || !sameBareJid(from, account)) return
      returned = new XmppError(parseStanzaError(stanza))
      wake()
    })
    try {
      for (const children of contents) {
        const id = freshId(random)
        ids.add(id)
        await port.send(message({ to: account, type: 'chat', id }, ...children, buildOriginId(id)))
        // the last one, too: what the own server has not read is lost with the connection, and nobody sends it back
        await this.#taken()
        if (returned !== undefined) return returned
      }
      await this.#wait(bounceMs, (done) => {
        wake = done
      })
      return returned
    } finally {
      stop()
    }
  }

  /**
   * Resolves when the own server has taken what was sent: it answers a ping after that. Servers read slowly from those who
   * send much, and cut the connection when too much lies in the way.
   */
  async #taken(): Promise<void> {
    const { port } = this.#context
    try {
      await port.request(iq('get', { to: domainOf(port.jid) }, buildPing()), { timeoutMs: takenMs })
    } catch (error) {
      // a server without ping answers, too
      if (!(error instanceof XmppError)) throw error
    }
  }

  async #wait(ms: number, begin: (done: () => void) => void = () => undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const end = (error: Error): void => {
        cancel()
        reject(error)
      }
      const over = (): void => {
        cancel()
        this.#ends.delete(end)
        resolve()
      }
      const cancel = this.#context.timers.after(ms, over)
      this.#ends.add(end)
      begin(over)
    })
  }

  /** Ends all that is under way: it is begun again when the room is opened the next time. */
  stop(): void {
    for (const end of this.#ends) end(new MlsError('xmpp/closed', 'the client was closed'))
    this.#ends.clear()
  }
}
