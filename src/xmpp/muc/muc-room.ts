import { MlsError } from '../../bytes/errors.ts'
import { discoverInfo } from '../disco.ts'
import { type ConnectionState, freshId, type XmppContext } from '../port.ts'
import type { JoinOptions, Room, RoomEntry, RoomEvent, RoomMember, RoomPage, RoomPageRequest } from '../room.ts'
import { RoomBase, roomTimeoutMs } from '../room-base.ts'
import { child, elementsOf, type XmlElement } from '../stanza/element.ts'
import { bareJid, parseJid, resourceOf, tryBareJid } from '../stanza/jid.ts'
import { iq, presence } from '../stanza/stanza.ts'
import { hasCondition, parseStanzaError, XmppError } from '../stanza/xmpp-error.ts'
import type { DiscoInfo } from '../xep/xep-0030.ts'
import {
  type Affiliation,
  buildMucAdmin,
  buildMucJoin,
  mucStableId,
  mucUserIn,
  parseMucAdmin,
} from '../xep/xep-0045.ts'
import { buildPing } from '../xep/xep-0199.ts'
import type { ArchiveResult } from '../xep/xep-0313.ts'
import { originIdIn, stanzaIdBy } from '../xep/xep-0359.ts'
import { selfPingResult } from '../xep/xep-0410.ts'
import { removalReason } from './removal-reason.ts'
import { checkRoom, configureRoom } from './room-config.ts'

interface Joining {
  readonly nick: string
  readonly done: (statuses: readonly number[]) => void
  readonly failed: (error: unknown) => void
}

const listed: readonly Affiliation[] = ['owner', 'admin', 'member']

/** A multi-user chat room (XEP-0045) as delivery service. */
export class MucRoom implements Room {
  readonly kind = 'muc'
  readonly liveOrderIsFinal = true
  readonly jid: string
  readonly #base: RoomBase
  readonly #context: XmppContext
  /** Real address and standing by nick, where the room shows presence. */
  readonly #occupants = new Map<string, { jid: string | undefined; affiliation: Affiliation | undefined }>()
  #nick: string | undefined
  #joined = false
  /** Whether we were in the room when the connection was lost. */
  #seated = false
  #joining: Joining | undefined

  /** @throws `xmpp/jid` */
  constructor(jid: string, context: XmppContext) {
    this.jid = bareJid(jid)
    this.#context = context
    this.#base = new RoomBase(this.jid, context, (result, sent) => this.#archived(result, sent))
    this.#base.listen(
      (stanza) => this.#receive(stanza),
      (state) => this.#connection(state),
    )
  }

  get joined(): boolean {
    return this.#joined
  }

  get nick(): string | undefined {
    return this.#nick
  }

  async join(options: JoinOptions = {}): Promise<void> {
    const { port, random } = this.#context
    const existing = await this.#info()
    if (existing !== undefined) this.#accept(existing)
    else if (options.create !== true) throw new MlsError('xmpp/room_missing', 'the room does not exist')
    const nick = options.nick ?? this.#nick ?? parseJid(port.jid).local ?? 'member'
    let statuses: readonly number[]
    try {
      statuses = await this.#enter(nick, options)
    } catch (error) {
      if (!hasCondition(error, 'conflict')) throw error
      statuses = await this.#enter(`${nick}-${freshId(random).slice(0, 6)}`, options)
    }
    if (statuses.includes(201) || existing === undefined) await this.#settle(statuses)
    this.#joined = true
  }

  #accept(info: DiscoInfo): void {
    checkRoom(info)
    this.#base.keepsIds = info.features.includes(mucStableId)
  }

  /** Configures a room that was just made and leaves it again when the server cannot make it fit. */
  async #settle(statuses: readonly number[]): Promise<void> {
    if (statuses.includes(201)) await configureRoom(this.#context.port, this.jid)
    try {
      this.#accept(await discoverInfo(this.#context.port, this.jid))
    } catch (error) {
      await this.leave()
      throw error
    }
  }

  async #info() {
    try {
      return await discoverInfo(this.#context.port, this.jid)
    } catch (error) {
      if (hasCondition(error, 'item-not-found')) return undefined
      throw error
    }
  }

  async #enter(nick: string, options: JoinOptions): Promise<readonly number[]> {
    const { port, timers } = this.#context
    this.#occupants.clear()
    return await new Promise<readonly number[]>((resolve, reject) => {
      const cancel = timers.after(options.timeoutMs ?? roomTimeoutMs, () =>
        this.#joining?.failed(new MlsError('xmpp/timeout', 'the room did not answer')),
      )
      const over = (): void => {
        cancel()
        this.#joining = undefined
      }
      this.#joining = {
        nick,
        done: (statuses) => {
          over()
          this.#nick = nick
          resolve(statuses)
        },
        failed: (error) => {
          over()
          reject(error)
        },
      }
      port
        .send(presence({ to: `${this.jid}/${nick}` }, buildMucJoin()))
        .catch((error: unknown) => this.#joining?.failed(error))
    })
  }

  /** A resumed session keeps its seat; a new one has none. */
  #connection(state: ConnectionState): void {
    if (state === 'resumed') this.#joined = this.#seated
    else if (state === 'online') this.#seated = false
    else {
      this.#joining?.failed(new MlsError('xmpp/offline', 'connection lost'))
      this.#seated = this.#joined
      this.#joined = false
      if (this.#seated) this.#base.emit({ kind: 'removed', reason: 'connection' })
    }
  }

  async leave(): Promise<void> {
    const nick = this.#nick
    this.#joined = false
    if (nick !== undefined) await this.#context.port.send(presence({ to: `${this.jid}/${nick}`, type: 'unavailable' }))
  }

  close(): void {
    this.#joining?.failed(new MlsError('xmpp/offline', 'the room was closed'))
    this.#base.close()
  }

  async send(children: readonly XmlElement[], options?: { id?: string; timeoutMs?: number }): Promise<string> {
    if (!this.#joined) throw new MlsError('xmpp/not_joined', 'not in the room')
    return await this.#base.send(children, options)
  }

  onEvent(listener: (event: RoomEvent) => void): () => void {
    return this.#base.onEvent(listener)
  }

  async page(request: RoomPageRequest): Promise<RoomPage> {
    return await this.#base.page(request)
  }

  /** Ids of ejabberd are microseconds; those of Prosody say nothing. */
  precedes(first: string, second: string): boolean | undefined {
    return /^\d{12,}$/.test(first) && /^\d{12,}$/.test(second) ? BigInt(first) < BigInt(second) : undefined
  }

  async members(): Promise<readonly RoomMember[]> {
    const { port } = this.#context
    const lists = await Promise.all(
      listed.map(async (affiliation) => {
        const answer = await port.request(iq('get', { to: this.jid }, buildMucAdmin([{ affiliation }])))
        const items = parseMucAdmin(elementsOf(answer)[0]) ?? []
        return items.flatMap((item) => {
          const jid = tryBareJid(item.jid)
          return jid === undefined ? [] : [{ jid, affiliation }]
        })
      }),
    )
    return lists.flat()
  }

  async affiliate(jid: string, affiliation: Affiliation): Promise<void> {
    const change = buildMucAdmin([{ jid: bareJid(jid), affiliation }])
    await this.#context.port.request(iq('set', { to: this.jid }, change))
  }

  async ping(): Promise<'joined' | 'not-joined' | 'unknown'> {
    if (this.#nick === undefined) return 'not-joined'
    let result = selfPingResult(undefined)
    try {
      await this.#context.port.request(iq('get', { to: `${this.jid}/${this.#nick}` }, buildPing()))
    } catch (error) {
      result = selfPingResult(error)
    }
    if (result === 'not-joined') this.#joined = false
    return result
  }

  #receive(stanza: XmlElement): void {
    if (tryBareJid(stanza.attrs['from']) !== this.jid) return
    if (stanza.name === 'presence') this.#presence(stanza)
    else if (stanza.name === 'message') this.#message(stanza)
  }

  #presence(stanza: XmlElement): void {
    const nick = resourceOf(stanza.attrs['from'])
    const type = stanza.attrs['type']
    const joining = this.#joining
    if (type === 'error') {
      if (nick === undefined || nick === joining?.nick) joining?.failed(new XmppError(parseStanzaError(stanza)))
      return
    }
    const user = mucUserIn(stanza)
    if (nick === undefined || (type !== undefined && type !== 'unavailable') || user === undefined) return
    const item = user.items[0]
    const jid = tryBareJid(item?.jid)
    const here = type === undefined
    const self = user.statuses.includes(110) || (joining === undefined && nick === this.#nick)
    const before = this.#occupants.get(nick)
    if (here) this.#occupants.set(nick, { jid, affiliation: item?.affiliation })
    else this.#occupants.delete(nick)
    if (self && here && joining?.nick === nick) joining.done(user.statuses)
    if (self && !here) this.#removed(user.statuses, user.destroyed === true)
    if ((before !== undefined) !== here) this.#base.emit({ kind: 'presence', nick, jid, here })
    const known = before?.jid ?? jid
    if (
      item?.affiliation !== undefined &&
      known !== undefined &&
      before !== undefined &&
      before.affiliation !== item.affiliation
    )
      this.#base.emit({ kind: 'affiliation', jid: known, affiliation: item.affiliation })
  }

  #removed(statuses: readonly number[], destroyed: boolean): void {
    const was = this.#joined
    this.#joined = false
    this.#base.failWaiting()
    if (was) this.#base.emit({ kind: 'removed', reason: removalReason(statuses, destroyed) })
  }

  #message(stanza: XmlElement): void {
    const type = stanza.attrs['type']
    if (type === 'error') {
      if (this.#base.refused(stanza) && hasCondition(new XmppError(parseStanzaError(stanza)), 'not-acceptable'))
        this.#joined = false
      return
    }
    const nick = resourceOf(stanza.attrs['from'])
    if (type !== 'groupchat') {
      if (nick === undefined) this.#notice(stanza)
      return
    }
    if (nick === undefined || child(stanza, 'subject') !== undefined) return
    const archiveId = stanzaIdBy(stanza, this.jid)
    const id = this.#ownId(stanza, (candidate) => nick === this.#nick && this.#base.wasSent(candidate))
    if (id !== undefined) this.#base.reflected(id, archiveId)
    const from = this.#occupants.get(nick)?.jid
    if (archiveId === undefined) this.#base.emit({ kind: 'unarchived', from, element: stanza })
    else this.#base.emit({ kind: 'message', entry: { archiveId, from, element: stanza, own: id !== undefined } })
  }

  /** The id under which we sent a message, if we did. */
  #ownId(stanza: XmlElement, sent: (id: string) => boolean): string | undefined {
    const { id = '' } = stanza.attrs
    const found = sent(id) ? id : originIdIn(stanza)
    return found !== undefined && sent(found) ? found : undefined
  }

  /** A message of the room itself: standing of somebody who is not there has changed. */
  #notice(stanza: XmlElement): void {
    for (const item of mucUserIn(stanza)?.items ?? []) {
      const jid = tryBareJid(item.jid)
      if (jid !== undefined && item.affiliation !== undefined)
        this.#base.emit({ kind: 'affiliation', jid, affiliation: item.affiliation })
    }
  }

  #archived({ id, message }: ArchiveResult, sent: ReadonlySet<string>): RoomEntry {
    const from = tryBareJid(mucUserIn(message)?.items[0]?.jid)
    const mine =
      from === undefined ? resourceOf(message.attrs['from']) === this.#nick : from === bareJid(this.#context.port.jid)
    const own = mine && this.#ownId(message, (candidate) => sent.has(candidate)) !== undefined
    return { archiveId: id, from, element: message, own }
  }
}
