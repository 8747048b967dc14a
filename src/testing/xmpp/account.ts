import { child, elementsOf, withChildren, type XmlElement } from '../../xmpp/stanza/element.ts'
import { resourceOf, tryBareJid } from '../../xmpp/stanza/jid.ts'
import { message } from '../../xmpp/stanza/stanza.ts'
import { buildDiscoInfo, discoInfo } from '../../xmpp/xep/xep-0030.ts'
import { buildEvent, pubsub, pubsubOwner } from '../../xmpp/xep/xep-0060.ts'
import { ping } from '../../xmpp/xep/xep-0199.ts'
import { buildDelay } from '../../xmpp/xep/xep-0203.ts'
import { buildCarbon, carbons } from '../../xmpp/xep/xep-0280.ts'
import { mam } from '../../xmpp/xep/xep-0313.ts'
import { hasHint } from '../../xmpp/xep/xep-0334.ts'
import { buildStanzaId, stanzaIds } from '../../xmpp/xep/xep-0359.ts'
import { mixPam } from '../../xmpp/xep/xep-0405.ts'
import { Archive } from './archive.ts'
import { answerArchive } from './archive-answer.ts'
import type { Home } from './home.ts'
import { PepStore } from './pubsub.ts'
import { errorOf, mayBounce, readdress, resultOf } from './reply.ts'
import type { Session } from './session.ts'

const isoTime = (at: number): string => new Date(at).toISOString()

/** Removes ids that `by` did not give, then adds the one it gives (XEP-0359 §5). */
export function stampId(stanza: XmlElement, by: string, id: string | undefined): XmlElement {
  const kept = stanza.children.filter(
    (node) => typeof node === 'string' || node.ns !== stanzaIds || node.name !== 'stanza-id' || node.attrs['by'] !== by,
  )
  return withChildren(stanza, id === undefined ? kept : [...kept, buildStanzaId({ id, by })])
}

/** Whether a server stores a message: text or a hint to store, and no hint against it. */
export function isStored(stanza: XmlElement): boolean {
  const body = child(stanza, 'body') !== undefined || hasHint(stanza, 'store')
  return body && !hasHint(stanza, 'no-store') && !hasHint(stanza, 'no-permanent-store')
}

/** A registered account: its resources, archive, offline queue and personal nodes. */
export class Account {
  readonly bare: string
  readonly sessions = new Map<string, Session>()
  readonly archive: Archive
  readonly pep: PepStore
  readonly channels = new Set<string>()
  offline: XmlElement[] = []
  readonly #site: Home

  constructor(bare: string, site: Home) {
    this.bare = bare
    this.#site = site
    this.archive = new Archive(site.dialect, site.random)
    this.pep = new PepStore(site.dialect)
  }

  /** A stanza from one of the account's clients, before it goes anywhere. */
  fromClient(session: Session, stanza: XmlElement): void {
    const to = stanza.attrs['to']
    if (stanza.name === 'presence' && to === undefined) this.#presence(session, stanza)
    else if (stanza.name === 'message') {
      const target = to ?? this.bare
      const addressed = readdress(stanza, target)
      if (this.#private(addressed)) this.#sent(session, addressed, target)
      this.#site.route(addressed)
    } else {
      if (stanza.name === 'presence') this.#site.directed(stanza)
      this.#site.route(readdress(stanza, to ?? this.bare))
    }
  }

  #private(stanza: XmlElement): boolean {
    const type = stanza.attrs['type'] ?? 'normal'
    return type === 'chat' || type === 'normal'
  }

  #sent(session: Session, stanza: XmlElement, target: string): void {
    const peer = tryBareJid(target)
    if (peer === undefined || peer === this.bare) return
    if (isStored(stanza)) this.#store(stanza, peer)
    if (stanza.attrs['type'] !== 'chat' || hasHint(stanza, 'no-copy')) return
    for (const other of this.sessions.values())
      if (other !== session && other.carbons)
        other.deliver(buildCarbon(this.bare, other.jid, 'chat', { direction: 'sent', message: stanza }))
  }

  #store(stanza: XmlElement, peer: string): string {
    const at = this.#site.clock.now()
    const id = this.archive.newId(at)
    this.archive.add({ id, at, message: stampId(stanza, this.bare, id), with: peer })
    return id
  }

  #presence(session: Session, stanza: XmlElement): void {
    if (stanza.attrs['type'] === 'unavailable') {
      session.priority = undefined
      return
    }
    const first = session.priority === undefined
    session.priority = Number(child(stanza, 'priority')?.children[0] ?? 0)
    if (!first || session.priority < 0) return
    const waiting = this.offline
    this.offline = []
    for (const item of waiting) session.deliver(readdress(item, session.jid))
  }

  /** A stanza to this account or one of its resources. */
  receive(stanza: XmlElement): void {
    const resource = resourceOf(stanza.attrs['to'])
    if (stanza.name === 'iq') {
      const session = resource === undefined ? undefined : this.#session(resource)
      if (session !== undefined) session.deliver(stanza)
      else if (resource !== undefined) this.#bounce(stanza, 'service-unavailable')
      else this.#request(stanza)
    } else if (stanza.name === 'presence') {
      if (resource !== undefined) this.#session(resource)?.deliver(stanza)
    } else this.#message(stanza, resource)
  }

  #session(resource: string): Session | undefined {
    const session = this.sessions.get(resource)
    return session?.alive === true ? session : undefined
  }

  #message(stanza: XmlElement, resource: string | undefined): void {
    const type = stanza.attrs['type'] ?? 'normal'
    const session = resource === undefined ? undefined : this.#session(resource)
    if (type === 'groupchat' || type === 'error' || type === 'headline') {
      if (session !== undefined) session.deliver(stanza)
      else if (resource !== undefined) {
        if (type === 'groupchat') this.#bounce(stanza, 'service-unavailable')
      } else if (
        type === 'headline' ||
        (type === 'groupchat' && this.channels.has(tryBareJid(stanza.attrs['from']) ?? ''))
      )
        for (const open of this.#available()) open.deliver(readdress(stanza, open.jid))
      return
    }
    const peer = tryBareJid(stanza.attrs['from']) ?? this.bare
    const id = isStored(stanza) ? this.#store(stanza, peer) : undefined
    const stamped = stampId(stanza, this.bare, id)
    const targets = session === undefined ? this.#available() : [session]
    for (const target of targets) target.deliver(stamped)
    if (targets.length === 0) {
      if (!isStored(stanza)) return
      const delay = buildDelay({ from: this.#site.domain, stamp: isoTime(this.#site.clock.now()) })
      this.offline.push(withChildren(stamped, [...stamped.children, delay]))
    } else if (type === 'chat' && !hasHint(stanza, 'no-copy')) this.#copies(stamped, targets)
  }

  #copies(stanza: XmlElement, targets: readonly Session[]): void {
    for (const other of this.sessions.values())
      if (other.carbons && !targets.includes(other))
        other.deliver(buildCarbon(this.bare, other.jid, 'chat', { direction: 'received', message: stanza }))
  }

  /** Resources that get messages to the bare JID. */
  #available(): readonly Session[] {
    return [...this.sessions.values()].filter(({ priority, alive }) => alive && priority !== undefined && priority >= 0)
  }

  #bounce(stanza: XmlElement, condition: string): void {
    if (mayBounce(stanza)) this.#site.route(errorOf(stanza, { type: 'cancel', condition }))
  }

  #request(stanza: XmlElement): void {
    const type = stanza.attrs['type']
    const payload = elementsOf(stanza)[0]
    if (payload === undefined || (type !== 'get' && type !== 'set')) return
    const from = stanza.attrs['from'] ?? ''
    const asker = tryBareJid(from) ?? ''
    const owner = asker === this.bare
    if (payload.ns === pubsub || payload.ns === pubsubOwner) this.#pubsub(stanza, payload, owner, asker)
    else if (payload.ns === discoInfo) {
      const features = [
        pubsub,
        ...(owner ? [mam, stanzaIds] : []),
        ...(owner && this.#site.dialect.mix ? [mixPam] : []),
      ]
      const identities = [
        { category: 'account', type: 'registered' },
        { category: 'pubsub', type: 'pep' },
      ]
      this.#site.route(resultOf(stanza, buildDiscoInfo({ identities, features, forms: [] })))
    } else if (payload.ns === ping) this.#site.route(resultOf(stanza))
    else if (!owner) this.#bounce(stanza, 'service-unavailable')
    else if (payload.ns === mam) answerArchive(this.#site, stanza, this.archive)
    else if (payload.ns === carbons) {
      const session = this.sessions.get(resourceOf(from) ?? '')
      if (session !== undefined) session.carbons = payload.name === 'enable'
      this.#site.route(resultOf(stanza))
    } else if (payload.ns === mixPam && this.#site.dialect.mix) this.#site.pam(this, stanza, payload)
    else this.#bounce(stanza, 'service-unavailable')
  }

  #pubsub(stanza: XmlElement, payload: XmlElement, owner: boolean, asker: string): void {
    const answer = this.pep.handle(payload, stanza.attrs['type'], owner, asker)
    if ('error' in answer) {
      this.#site.route(errorOf(stanza, answer.error))
      return
    }
    this.#site.route(resultOf(stanza, answer.result))
    if (answer.event === undefined) return
    const event = message({ from: this.bare, type: 'headline' }, buildEvent(answer.event))
    for (const jid of new Set([this.bare, ...(answer.subscribers ?? [])])) this.#site.route(readdress(event, jid))
  }

  /** Tells a client that its session is over, and rooms that it left. */
  closed(session: Session): void {
    this.sessions.delete(resourceOf(session.jid) ?? '')
    this.#site.unavailable(session.jid)
  }
}
