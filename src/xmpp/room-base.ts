import { MlsError } from '../bytes/errors.ts'
import { readArchive } from './archive.ts'
import { type ConnectionState, freshId, type XmppContext } from './port.ts'
import type { RoomEntry, RoomEvent, RoomPage, RoomPageRequest } from './room.ts'
import type { XmlElement } from './stanza/element.ts'
import { message } from './stanza/stanza.ts'
import { parseStanzaError, XmppError } from './stanza/xmpp-error.ts'
import type { ArchiveResult } from './xep/xep-0313.ts'
import { buildOriginId } from './xep/xep-0359.ts'

interface Waiting {
  readonly resolve: (archiveId: string) => void
  readonly reject: (error: unknown) => void
}

/** Default time to wait for a room. */
export const roomTimeoutMs = 30_000

/** What both drivers share: listeners, sent messages waiting for their reflection, archive pages. */
export class RoomBase {
  readonly jid: string
  readonly context: XmppContext
  /** Whether the room shows messages under the `id` that they were sent with; where not, they carry it a second time. */
  keepsIds = false
  readonly #listeners = new Set<(event: RoomEvent) => void>()
  readonly #waiting = new Map<string, Waiting>()
  readonly #sent = new Set<string>()
  readonly #stops: (() => void)[] = []
  readonly #toEntry: (result: ArchiveResult, sent: ReadonlySet<string>) => RoomEntry

  /** @param toEntry how the driver reads an archived message, given the ids that were sent here */
  constructor(
    jid: string,
    context: XmppContext,
    toEntry: (result: ArchiveResult, sent: ReadonlySet<string>) => RoomEntry,
  ) {
    this.jid = jid
    this.context = context
    this.#toEntry = toEntry
  }

  /** Connects the driver to the port, until {@link close}. */
  listen(onStanza: (stanza: XmlElement) => void, onState: (state: ConnectionState) => void): void {
    const { port } = this.context
    this.#stops.push(port.onStanza(onStanza))
    const stop = port.onState?.((state) => {
      if (state === 'offline') this.failWaiting()
      onState(state)
    })
    if (stop !== undefined) this.#stops.push(stop)
  }

  /** Ends {@link listen}; messages on their way have an unknown outcome. */
  close(): void {
    for (const stop of this.#stops.splice(0)) stop()
    this.failWaiting()
  }

  onEvent(listener: (event: RoomEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  emit(event: RoomEvent): void {
    for (const listener of [...this.#listeners]) listener(event)
  }

  /** Whether a message with this id was sent here. */
  wasSent(id: string | undefined): boolean {
    return id !== undefined && this.#sent.has(id)
  }

  async send(children: readonly XmlElement[], options: { id?: string; timeoutMs?: number } = {}): Promise<string> {
    const { port, timers, random } = this.context
    const id = options.id ?? freshId(random)
    this.#sent.add(id)
    const second = this.keepsIds ? undefined : buildOriginId(id)
    const stanza = message({ to: this.jid, type: 'groupchat', id }, ...children, second)
    return await new Promise<string>((resolve, reject) => {
      const cancel = timers.after(options.timeoutMs ?? roomTimeoutMs, () => {
        this.#waiting.delete(id)
        reject(new MlsError('xmpp/timeout', 'the room did not show the message back'))
      })
      const done = (): void => {
        cancel()
        this.#waiting.delete(id)
      }
      this.#waiting.set(id, {
        resolve: (archiveId) => {
          done()
          resolve(archiveId)
        },
        reject: (error) => {
          done()
          reject(error)
        },
      })
      port.send(stanza).catch((error: unknown) => this.#waiting.get(id)?.reject(error))
    })
  }

  /** The room showed a message of ours; without an archive id it was not kept. */
  reflected(id: string, archiveId: string | undefined): void {
    const waiting = this.#waiting.get(id)
    if (archiveId !== undefined) waiting?.resolve(archiveId)
    else waiting?.reject(new MlsError('xmpp/unsupported', 'the room did not archive the message'))
  }

  /** The room answered a message of ours with an error. Returns whether one waited for it. */
  refused(stanza: XmlElement): boolean {
    const waiting = this.#waiting.get(stanza.attrs['id'] ?? '')
    waiting?.reject(new XmppError(parseStanzaError(stanza)))
    return waiting !== undefined
  }

  /** The connection or the seat in the room is gone: nobody knows what became of the messages on their way. */
  failWaiting(): void {
    for (const waiting of [...this.#waiting.values()])
      waiting.reject(new MlsError('xmpp/offline', 'left the room before it showed the message back'))
  }

  async page(request: RoomPageRequest): Promise<RoomPage> {
    const { results, complete, stable } = await readArchive(this.context, this.jid, request)
    return { entries: results.map((result) => this.#toEntry(result, this.#sent)), complete, stable }
  }
}
