import { MlsError } from '../../bytes/errors.ts'
import type { ConnectionState, XmppPort } from '../../xmpp/port.ts'
import { withAttrs, type XmlElement } from '../../xmpp/stanza/element.ts'
import { bareJid } from '../../xmpp/stanza/jid.ts'
import { xmlSize } from '../../xmpp/stanza/serialise.ts'
import { parseStanzaError, XmppError } from '../../xmpp/stanza/xmpp-error.ts'
import type { StreamLimits } from '../../xmpp/xep/xep-0478.ts'
import type { Dialect } from './dialect.ts'
import type { Faults, Interceptor } from './faults.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** What a session needs of the service. */
export interface SessionHost {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly faults: Faults
  readonly interceptors: ReadonlySet<Interceptor>
  /** Milliseconds of one way between client and server. */
  readonly latency: number
  readonly streamLimit: number
  readonly announcesLimit?: boolean | undefined
  readonly shaper?: Dialect['shaper']
  readonly fetch: typeof fetch
  fromClient(session: Session, stanza: XmlElement): void
  closed(session: Session): void
  opened(session: Session): void
}

interface Pending {
  readonly to: string | undefined
  readonly resolve: (answer: XmlElement) => void
  readonly reject: (error: unknown) => void
}

/** One connected resource of an account: the client's port, and the server's handle on it. */
export class Session implements XmppPort {
  readonly jid: string
  readonly bare: string
  readonly fetch: typeof fetch
  readonly limits: StreamLimits | undefined
  /** Set by presence: whether messages to the bare JID come here, and how much. */
  priority: number | undefined
  carbons = false
  #state: 'online' | 'offline' | 'suspended' = 'online'
  #stream = 0
  #lastDelivery = 0
  #readUntil = 0
  #serial = 0
  #held: XmlElement[] = []
  readonly #host: SessionHost
  readonly #pending = new Map<string, Pending>()
  readonly #stanzaListeners = new Set<(stanza: XmlElement) => void>()
  readonly #stateListeners = new Set<(state: ConnectionState) => void>()

  constructor(jid: string, host: SessionHost) {
    this.jid = jid
    this.bare = bareJid(jid)
    this.#host = host
    this.fetch = host.fetch
    this.limits = host.announcesLimit === true ? { maxBytes: host.streamLimit } : undefined
  }

  get online(): boolean {
    return this.#state === 'online'
  }

  /** Whether the server still holds the session: online, or waiting to be resumed. */
  get alive(): boolean {
    return this.#state !== 'offline'
  }

  async send(stanza: XmlElement): Promise<void> {
    if (this.#state !== 'online') throw new MlsError('xmpp/offline', 'not connected')
    const size = xmlSize(stanza)
    const reading = this.#reading(size)
    if (size > this.#host.streamLimit || reading === undefined) {
      // Both servers answer a stanza over the limit with a stream error: the connection is gone.
      this.disconnect()
      return
    }
    const stream = this.#stream
    this.#host.clock.deliver(this.#host.latency + reading, () => {
      if (stream === this.#stream && this.alive) this.#host.fromClient(this, withAttrs(stanza, { from: this.jid }))
    })
  }

  /** Milliseconds until the server has read so many bytes more; `undefined` when too many wait. */
  #reading(size: number): number | undefined {
    const { clock, shaper } = this.#host
    if (shaper === undefined) return 0
    const now = clock.now()
    const before = Math.max(0, this.#readUntil - now)
    if ((before * shaper.bytesPerSecond) / 1000 + size > shaper.backlog) return undefined
    this.#readUntil = now + before + (size * 1000) / shaper.bytesPerSecond
    return this.#readUntil - now
  }

  async request(stanza: XmlElement, options: { readonly timeoutMs?: number } = {}): Promise<XmlElement> {
    const id = stanza.attrs['id'] ?? `r${++this.#serial}`
    return await new Promise<XmlElement>((resolve, reject) => {
      const cancel = this.#host.clock.after(options.timeoutMs ?? 30_000, () => {
        this.#pending.delete(id)
        reject(new MlsError('xmpp/timeout', 'no answer in time'))
      })
      const done = (): void => {
        cancel()
        this.#pending.delete(id)
      }
      this.#pending.set(id, {
        to: stanza.attrs['to'],
        resolve: (answer) => {
          done()
          resolve(answer)
        },
        reject: (error) => {
          done()
          reject(error)
        },
      })
      this.send(withAttrs(stanza, { id })).catch((error: unknown) => this.#pending.get(id)?.reject(error))
    })
  }

  onStanza(listener: (stanza: XmlElement) => void): () => void {
    this.#stanzaListeners.add(listener)
    return () => this.#stanzaListeners.delete(listener)
  }

  onState(listener: (state: ConnectionState) => void): () => void {
    this.#stateListeners.add(listener)
    return () => this.#stateListeners.delete(listener)
  }

  /** Server side: puts a stanza on the stream to the client, through faults and interceptors. */
  deliver(stanza: XmlElement): void {
    let list: readonly XmlElement[] = [stanza]
    for (const intercept of this.#host.interceptors)
      list = list.flatMap((item) => {
        const changed = intercept(item, this.jid)
        return changed === undefined ? [] : Array.isArray(changed) ? changed : [changed as XmlElement]
      })
    for (const item of list) this.#transmit(item)
  }

  #transmit(stanza: XmlElement): void {
    if (this.#state === 'offline') return
    if (this.#state === 'suspended') {
      this.#held.push(stanza)
      return
    }
    const { clock, random, faults, latency } = this.#host
    const touched = faults.applies(stanza, this.jid)
    if (touched && random.chance(faults.drop)) return
    if (touched && random.chance(faults.disconnect)) {
      this.disconnect()
      return
    }
    const [least, most] = faults.delay
    const delay = touched && most > 0 ? random.between(least, most) : 0
    const overtaken = touched && random.chance(faults.reorder)
    const ready = clock.now() + latency + delay
    const at = overtaken ? ready + 50 + random.between(0, 200) : Math.max(ready, this.#lastDelivery)
    if (!overtaken) this.#lastDelivery = at
    const stream = this.#stream
    const arrive = (): void => {
      if (stream === this.#stream && this.#state === 'online') this.#arrive(stanza)
    }
    clock.deliver(at - clock.now(), arrive)
    if (touched && random.chance(faults.duplicate)) clock.deliver(at - clock.now() + random.between(0, 50), arrive)
  }

  #arrive(stanza: XmlElement): void {
    const type = stanza.attrs['type']
    if (stanza.name === 'iq' && (type === 'result' || type === 'error')) {
      const pending = this.#pending.get(stanza.attrs['id'] ?? '')
      const from = stanza.attrs['from']
      // S13: the answer comes from where the question went; the own account may leave `from` out.
      const own = from === undefined || from === this.bare
      if (pending === undefined || !(from === pending.to || (own && (pending.to ?? this.bare) === this.bare))) return
      if (type === 'result') pending.resolve(stanza)
      else pending.reject(new XmppError(parseStanzaError(stanza)))
      return
    }
    for (const listener of [...this.#stanzaListeners]) listener(stanza)
  }

  /** Ends the connection without a goodbye; what is on its way is lost. */
  disconnect(): void {
    if (this.#state === 'offline') return
    this.#end()
    this.#host.closed(this)
    this.#announce('offline')
  }

  /** The client's network is gone, the server keeps the session for {@link resume} (XEP-0198). */
  suspend(): void {
    if (this.#state !== 'online') return
    this.#state = 'suspended'
    this.#announce('offline')
  }

  /** Takes the suspended session up again: what waited arrives now. */
  resume(): void {
    if (this.#state !== 'suspended') throw new MlsError('xmpp/offline', 'no session to resume')
    this.#state = 'online'
    const held = this.#held
    this.#held = []
    this.#announce('resumed')
    for (const stanza of held) this.#transmit(stanza)
  }

  /** A new session with the same full JID. The client must send presence and join its rooms again. */
  reconnect(): void {
    if (this.#state !== 'offline') this.disconnect()
    this.#state = 'online'
    this.#host.opened(this)
    this.#announce('online')
  }

  #end(): void {
    this.#state = 'offline'
    this.#stream++
    this.#held = []
    this.priority = undefined
    this.carbons = false
    for (const pending of [...this.#pending.values()]) pending.reject(new MlsError('xmpp/offline', 'connection lost'))
  }

  #announce(state: ConnectionState): void {
    for (const listener of [...this.#stateListeners]) listener(state)
  }
}
