import { MlsError } from '../../bytes/errors.ts'
import { discoverInfo } from '../disco.ts'
import type { XmppContext } from '../port.ts'
import type { JoinOptions, Room, RoomEntry, RoomEvent, RoomMember, RoomPage, RoomPageRequest } from '../room.ts'
import { RoomBase } from '../room-base.ts'
import { elementsOf, type XmlElement } from '../stanza/element.ts'
import { bareJid, parseJid, tryBareJid } from '../stanza/jid.ts'
import { iq } from '../stanza/stanza.ts'
import { hasCondition } from '../stanza/xmpp-error.ts'
import type { DiscoInfo } from '../xep/xep-0030.ts'
import { buildItemsRequest, parseItems, pubsubEventIn } from '../xep/xep-0060.ts'
import { type ArchiveResult, mam } from '../xep/xep-0313.ts'
import { originIdIn } from '../xep/xep-0359.ts'
import {
  buildMixCreate,
  mixMessagesNode,
  mixParticipantsNode,
  mixSenderIn,
  parseMixParticipant,
} from '../xep/xep-0369.ts'
import { buildClientJoin, buildClientLeave } from '../xep/xep-0405.ts'

/**
 * A channel (XEP-0369 with XEP-0405) as delivery service, as ejabberd speaks it: the archive id is the message's `id`, the
 * own copy is known by its submission-id, and live messages come in any order.
 */
export class MixRoom implements Room {
  readonly kind = 'mix'
  readonly liveOrderIsFinal = false
  readonly jid: string
  readonly #base: RoomBase
  readonly #context: XmppContext
  /** Real address by participant id. */
  readonly #participants = new Map<string, string>()
  #nick: string | undefined
  #joined = false

  /** @throws `xmpp/jid` */
  constructor(jid: string, context: XmppContext) {
    this.jid = bareJid(jid)
    this.#context = context
    this.#base = new RoomBase(this.jid, context, (result, sent) => this.#archived(result, sent))
    this.#base.listen(
      (stanza) => this.#receive(stanza),
      (state) => {
        // The account stays a participant, but what the channel says meanwhile comes only from the archive.
        if (state === 'offline' && this.#joined) this.#base.emit({ kind: 'removed', reason: 'connection' })
      },
    )
  }

  get joined(): boolean {
    return this.#joined
  }

  get nick(): string | undefined {
    return this.#nick
  }

  async join(options: JoinOptions = {}): Promise<void> {
    const { port } = this.#context
    const { local, domain } = parseJid(this.jid)
    if (options.create === true && local !== undefined)
      await port.request(iq('set', { to: domain }, buildMixCreate(local))).catch((error: unknown) => {
        // Somebody else's channel: there is something to join.
        if (!hasCondition(error, 'conflict')) throw error
      })
    const info = await this.#info()
    const nick = options.nick ?? this.#nick ?? parseJid(port.jid).local ?? 'member'
    try {
      await port.request(iq('set', {}, buildClientJoin(this.jid, [mixMessagesNode, mixParticipantsNode], nick)))
    } catch (error) {
      if (hasCondition(error, 'service-unavailable', 'feature-not-implemented'))
        throw new MlsError('xmpp/unsupported', 'the own server does not support channels', { cause: error })
      throw error
    }
    if (!info.features.includes(mam)) await this.#probe()
    this.#nick = nick
    this.#joined = true
    await this.members()
  }

  /** Asked first: ejabberd never answers the request to join a channel that does not exist. */
  async #info(): Promise<DiscoInfo> {
    try {
      return await discoverInfo(this.#context.port, this.jid)
    } catch (error) {
      if (hasCondition(error, 'item-not-found')) throw new MlsError('xmpp/room_missing', 'the channel does not exist')
      throw error
    }
  }

  /** A channel that does not announce its archive may still have one: what counts is whether it answers. */
  async #probe(): Promise<void> {
    try {
      await this.page({ before: '', max: 1 })
    } catch (error) {
      if (hasCondition(error, 'service-unavailable', 'feature-not-implemented'))
        throw new MlsError('xmpp/room_archive', 'the channel keeps no archive', { cause: error })
      throw error
    }
  }

  async leave(): Promise<void> {
    this.#joined = false
    await this.#context.port.request(iq('set', {}, buildClientLeave(this.jid)))
  }

  close(): void {
    this.#base.close()
  }

  async send(children: readonly XmlElement[], options?: { id?: string; timeoutMs?: number }): Promise<string> {
    if (!this.#joined) throw new MlsError('xmpp/not_joined', 'not in the channel')
    return await this.#base.send(children, options)
  }

  onEvent(listener: (event: RoomEvent) => void): () => void {
    return this.#base.onEvent(listener)
  }

  async page(request: RoomPageRequest): Promise<RoomPage> {
    return await this.#base.page(request)
  }

  precedes(first: string, second: string): boolean | undefined {
    return /^\d+$/.test(first) && /^\d+$/.test(second) ? BigInt(first) < BigInt(second) : undefined
  }

  async members(): Promise<readonly RoomMember[]> {
    const answer = await this.#context.port.request(iq('get', { to: this.jid }, buildItemsRequest(mixParticipantsNode)))
    this.#participants.clear()
    for (const item of parseItems(elementsOf(answer)[0])?.items ?? []) {
      const jid = tryBareJid(parseMixParticipant(item.payload)?.jid)
      if (item.id !== undefined && jid !== undefined) this.#participants.set(item.id, jid)
    }
    return [...new Set(this.#participants.values())].map((jid) => ({ jid, affiliation: 'member' }))
  }

  async affiliate(): Promise<void> {
    throw new MlsError('xmpp/unsupported', 'channels of this server have no access control')
  }

  async ping(): Promise<'joined' | 'not-joined' | 'unknown'> {
    try {
      await this.page({ before: '', max: 1 })
      return 'joined'
    } catch (error) {
      if (!hasCondition(error, 'forbidden', 'item-not-found')) return 'unknown'
      this.#joined = false
      return 'not-joined'
    }
  }

  #receive(stanza: XmlElement): void {
    if (stanza.name !== 'message' || tryBareJid(stanza.attrs['from']) !== this.jid) return
    const type = stanza.attrs['type']
    if (type === 'error') this.#base.refused(stanza)
    else if (type === 'groupchat') this.#message(stanza)
    else this.#participantsChanged(stanza)
  }

  #message(stanza: XmlElement): void {
    const sender = mixSenderIn(stanza)
    const archiveId = stanza.attrs['id']
    const from = tryBareJid(sender?.jid)
    if (sender === undefined || archiveId === undefined) {
      this.#base.emit({ kind: 'unarchived', from, element: stanza })
      return
    }
    const mine = from === bareJid(this.#context.port.jid)
    const submission = sender.submissionId ?? originIdIn(stanza)
    const own = mine && this.#base.wasSent(submission)
    if (own && submission !== undefined) this.#base.reflected(submission, archiveId)
    this.#base.emit({ kind: 'message', entry: { archiveId, from, element: stanza, own } })
  }

  #participantsChanged(stanza: XmlElement): void {
    const event = pubsubEventIn(stanza)
    if (event?.node !== mixParticipantsNode) return
    for (const item of event.items) {
      const jid = tryBareJid(parseMixParticipant(item.payload)?.jid)
      if (jid === undefined || item.id === undefined || this.#participants.get(item.id) === jid) continue
      this.#participants.set(item.id, jid)
      this.#base.emit({ kind: 'affiliation', jid, affiliation: 'member' })
    }
    for (const id of event.retracted) {
      const jid = this.#participants.get(id)
      this.#participants.delete(id)
      if (jid === undefined) continue
      this.#base.emit({ kind: 'affiliation', jid, affiliation: 'none' })
      if (jid !== bareJid(this.#context.port.jid)) continue
      this.#joined = false
      this.#base.emit({ kind: 'removed', reason: 'affiliation' })
    }
  }

  #archived({ id, message }: ArchiveResult, sent: ReadonlySet<string>): RoomEntry {
    const from = tryBareJid(mixSenderIn(message)?.jid)
    const submitted = originIdIn(message)
    const own = from === bareJid(this.#context.port.jid) && submitted !== undefined && sent.has(submitted)
    return { archiveId: id, from, element: message, own }
  }
}
