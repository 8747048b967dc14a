import {
  child,
  childText,
  element,
  elementsOf,
  withAttrs,
  withChildren,
  type XmlElement,
} from '../../xmpp/stanza/element.ts'
import { tryBareJid } from '../../xmpp/stanza/jid.ts'
import { message } from '../../xmpp/stanza/stanza.ts'
import { buildDiscoInfo, discoInfo } from '../../xmpp/xep/xep-0030.ts'
import { buildEvent, buildItems, pubsub } from '../../xmpp/xep/xep-0060.ts'
import { mam } from '../../xmpp/xep/xep-0313.ts'
import {
  buildMixParticipant,
  buildMixSender,
  mixCore,
  mixCoreOld,
  mixMessagesNode,
  mixParticipantsNode,
} from '../../xmpp/xep/xep-0369.ts'
import { Archive } from './archive.ts'
import { answerArchive } from './archive-answer.ts'
import type { Home } from './home.ts'
import { errorOf, mayBounce, readdress, resultOf } from './reply.ts'

interface Participant {
  readonly id: string
  readonly nick: string | undefined
}

interface Channel {
  readonly jid: string
  readonly owner: string
  readonly archive: Archive
  readonly participants: Map<string, Participant>
}

/**
 * The channel service as ejabberd 23.01 speaks it (XEP-0369 core:0): no access control, two nodes, message ids replaced by
 * archive ids, and a live order that differs between participants because each sender's process delivers by itself.
 */
export class MixService {
  readonly domain: string
  readonly channels = new Map<string, Channel>()
  /** Most milliseconds by which one sender's deliveries run ahead of or behind another's. */
  spread = 4
  readonly #site: Home
  readonly #lastDelivery = new Map<string, number>()

  constructor(domain: string, site: Home) {
    this.domain = domain
    this.#site = site
  }

  receive(stanza: XmlElement): void {
    const to = stanza.attrs['to'] ?? ''
    const from = tryBareJid(stanza.attrs['from'])
    if (from === undefined || !mayBounce(stanza)) return
    const payload = elementsOf(stanza)[0]
    if (to === this.domain) this.#own(stanza, payload, from)
    else {
      const channel = this.channels.get(tryBareJid(to) ?? '')
      if (channel === undefined) this.#refuse(stanza, 'cancel', 'item-not-found')
      else if (stanza.name === 'message') this.#message(channel, stanza, from)
      else if (stanza.name === 'iq' && payload !== undefined) this.#request(channel, stanza, payload, from)
    }
  }

  #refuse(stanza: XmlElement, type: 'auth' | 'cancel' | 'modify', condition: string): void {
    this.#site.route(errorOf(stanza, { type, condition }))
  }

  #own(stanza: XmlElement, payload: XmlElement | undefined, from: string): void {
    const name = payload?.attrs['channel']
    if (payload?.ns === discoInfo) {
      const identities = [{ category: 'conference', type: 'mix' }]
      const features = [mixCore, mixCoreOld, mam]
      this.#site.route(resultOf(stanza, buildDiscoInfo({ identities, features, forms: [] })))
    } else if (payload?.name === 'create' && name !== undefined) {
      const jid = `${name}@${this.domain}`
      const known = this.channels.get(jid)
      if (known !== undefined && known.owner !== from) {
        this.#refuse(stanza, 'cancel', 'conflict')
        return
      }
      const archive = new Archive(this.#site.dialect, this.#site.random)
      if (known === undefined) this.channels.set(jid, { jid, owner: from, archive, participants: new Map() })
      this.#site.route(resultOf(stanza, element('create', payload.ns, { channel: name })))
    } else if (payload?.name === 'destroy' && name !== undefined) {
      const channel = this.channels.get(`${name}@${this.domain}`)
      if (channel?.owner !== from) this.#refuse(stanza, 'auth', 'forbidden')
      else {
        this.channels.delete(channel.jid)
        this.#site.route(resultOf(stanza))
      }
    } else this.#refuse(stanza, 'cancel', 'service-unavailable')
  }

  #request(channel: Channel, stanza: XmlElement, payload: XmlElement, from: string): void {
    if (payload.ns === discoInfo) {
      const identities = [{ category: 'conference', type: 'mix' }]
      this.#site.route(
        resultOf(stanza, buildDiscoInfo({ identities, features: [mixCore, mixCoreOld, mam], forms: [] })),
      )
    } else if (payload.ns === mixCore || payload.ns === mixCoreOld) this.#core(channel, stanza, payload, from)
    else if (payload.ns === mam) {
      if (channel.participants.has(from)) answerArchive(this.#site, stanza, channel.archive)
      else this.#refuse(stanza, 'auth', 'forbidden')
    } else if (payload.ns === pubsub && child(payload, 'items')?.attrs['node'] === mixParticipantsNode) {
      const items = [...channel.participants].map(([jid, { id, nick }]) => ({ id, payload: participant(jid, nick) }))
      if (channel.participants.has(from))
        this.#site.route(resultOf(stanza, buildItems({ node: mixParticipantsNode, items })))
      else this.#refuse(stanza, 'auth', 'forbidden')
    } else this.#refuse(stanza, 'cancel', 'service-unavailable')
  }

  #core(channel: Channel, stanza: XmlElement, payload: XmlElement, from: string): void {
    const known = channel.participants.get(from)
    if (payload.name === 'join') {
      const id = known?.id ?? this.#site.random.uint32().toString(36)
      const nick = childText(payload, 'nick')
      channel.participants.set(from, { id, nick })
      const nodes = [mixMessagesNode, mixParticipantsNode].map((node) => element('subscribe', mixCoreOld, { node }))
      this.#site.route(resultOf(stanza, element('join', mixCoreOld, { id, jid: `${id}#${channel.jid}` }, ...nodes)))
      this.#participantEvent(channel, { items: [{ id, payload: participant(from, nick) }], retracted: [] })
    } else if (payload.name === 'leave' && known !== undefined) {
      channel.participants.delete(from)
      this.#site.route(resultOf(stanza, element('leave', mixCoreOld)))
      this.#participantEvent(channel, { items: [], retracted: [known.id] })
    } else if (payload.name === 'setnick' && known !== undefined) {
      const nick = childText(payload, 'nick')
      channel.participants.set(from, { id: known.id, nick })
      this.#site.route(resultOf(stanza, payload))
      this.#participantEvent(channel, { items: [{ id: known.id, payload: participant(from, nick) }], retracted: [] })
    } else this.#refuse(stanza, 'cancel', 'service-unavailable')
  }

  #participantEvent(
    channel: Channel,
    change: { items: readonly { id: string; payload: XmlElement }[]; retracted: readonly string[] },
  ): void {
    const event = buildEvent({ node: mixParticipantsNode, ...change })
    for (const to of channel.participants.keys())
      this.#site.route(message({ from: channel.jid, to, type: 'headline' }, event))
  }

  #message(channel: Channel, stanza: XmlElement, from: string): void {
    const sender = channel.participants.get(from)
    if (sender === undefined) {
      this.#refuse(stanza, 'auth', 'forbidden')
      return
    }
    if (stanza.attrs['type'] !== 'groupchat') return
    const { clock, random } = this.#site
    const at = clock.now()
    const id = channel.archive.newId(at)
    const nick = sender.nick === undefined ? {} : { nick: sender.nick }
    const label = buildMixSender({ jid: from, ...nick })
    const stored = withAttrs(withChildren(stanza, [...stanza.children, label]), {
      id,
      from: `${channel.jid}/${sender.id}`,
    })
    // The id is drawn before the row is written: a smaller id can appear in the archive after a larger one.
    clock.deliver(random.between(0, this.spread / 2), () => {
      channel.archive.add({ id, at, message: withAttrs(stored, { to: undefined }), with: from })
    })
    for (const to of channel.participants.keys()) {
      const submission = stanza.attrs['id'] === undefined ? {} : { submissionId: stanza.attrs['id'] }
      const own = buildMixSender({ jid: from, ...nick, ...submission })
      const copy = to === from ? withChildren(stored, [...stanza.children, own]) : stored
      this.#later(from, to, readdress(copy, to))
    }
  }

  /** Delivers with the spread of one sender's process; messages of one sender keep their order. */
  #later(from: string, to: string, stanza: XmlElement): void {
    const { clock, random } = this.#site
    const pair = `${from} ${to}`
    const at = Math.max(clock.now() + random.between(0, this.spread), this.#lastDelivery.get(pair) ?? 0)
    this.#lastDelivery.set(pair, at)
    clock.deliver(at - clock.now(), () => this.#site.route(stanza))
  }
}

function participant(jid: string, nick: string | undefined): XmlElement {
  return buildMixParticipant({ jid, ...(nick === undefined ? {} : { nick }) })
}
