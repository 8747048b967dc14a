/** An encrypted room as the application has it. */

import type { Bytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import type { Room } from '../room.ts'
import type { XmlElement } from '../stanza/element.ts'
import { bareJid } from '../stanza/jid.ts'
import { Emitter } from './emitter.ts'
import { engineId, participantsOf } from './engine/groups.ts'
import type { Change } from './engine/state.ts'
import { policyOf, roomBindingOf } from './extensions.ts'
import { identityRoomOf } from './identity-room.ts'
import type { KeyPackages } from './key-packages.ts'
import { accountsOf, comeBack, letIn, putOut } from './membership.ts'
import { OwnChanges } from './own-changes.ts'
import type { IdentityRoom } from './room-identity.ts'
import type { RoomSession } from './room-session.ts'
import type {
  HistoryEntry,
  HistoryPage,
  MessageContent,
  Participant,
  RoomAccount,
  RoomEvents,
  RoomHealth,
  RoomMessage,
  RoomPolicy,
  SentMessage,
} from './types.ts'

/** What a message can be referred to by: itself, what `send` gave back, or its id. */
export type MessageReference = Pick<RoomMessage, 'id'> | string

/** A room with its group. Made by `MlsClient.room` and `MlsClient.direct`. */
export class MlsRoom {
  readonly #keyPackages: KeyPackages
  readonly #onLeft: (room: MlsRoom) => Promise<void>
  readonly #events: Emitter<RoomEvents>
  readonly #merged = new Set<MlsRoom>()
  readonly #own: RoomSession
  readonly #changes = new OwnChanges()
  #session: RoomSession

  /** For the client. */
  constructor(session: RoomSession, keyPackages: KeyPackages, onLeft: (room: MlsRoom) => Promise<void>) {
    this.#session = session
    this.#own = session
    this.#keyPackages = keyPackages
    this.#onLeft = onLeft
    this.#events = new Emitter((error) => this.#session.problem('internal', error))
    for (const name of ['message', 'membership', 'unreadable', 'error'] as const)
      session.events.forward(name, this.#events)
    session.events.on('health', (health) => {
      if (session === this.#session) void this.#events.emit('health', health)
    })
  }

  /** For the client: hears another room of the same people too, and speaks there from now on where it is `primary`. */
  merge(other: MlsRoom, primary: boolean): void {
    this.#merged.add(other)
    for (const name of ['message', 'membership', 'unreadable', 'error'] as const)
      other.#events.forward(name, this.#events)
    other.on('health', (health) => {
      if (other.session === this.#session) void this.#events.emit('health', health)
    })
    if (primary) this.#session = other.session
  }

  /** Bare JID. */
  get jid(): string {
    return this.#session.ports.engine.room
  }

  /** `muc` or `mix`. */
  get kind(): Room['kind'] {
    return this.#session.ports.room.kind
  }

  get health(): RoomHealth {
    return this.#session.health
  }

  /** The other account of a one-to-one chat. */
  get peer(): string | undefined {
    const { state, ports } = this.#session
    const direct = roomBindingOf(state.group?.extensions ?? [])?.direct ?? []
    return direct.find((account) => account !== ports.engine.account)
  }

  /** The rules of the group. */
  get policy(): RoomPolicy {
    return policyOf(this.#session.state.group?.extensions ?? [])
  }

  /**
   * Listens to one kind of event. Returns how to stop.
   *
   * Messages, membership changes and reports of what cannot be read are kept in the storage until their listeners have taken
   * them: none has thrown, and promises that they returned are fulfilled. What was not taken when the process ended comes
   * again after the next start, in its order; a message has the same `id` and `redelivered` set. So nothing is lost, and
   * nothing is given twice while the process runs; who stores messages elsewhere returns the promise of that, and ignores ids
   * that are there already.
   */
  on<K extends keyof RoomEvents>(name: K, listener: (value: RoomEvents[K]) => unknown): () => void {
    return this.#events.on(name, listener)
  }

  /** The devices in the group: the leaves of the tree, from the left. */
  devices(): readonly Participant[] {
    const { state, ports } = this.#session
    return state.group === undefined ? [] : participantsOf(ports.engine, state.group)
  }

  /** The accounts of the group and of the room, and where they differ. */
  members(): readonly RoomAccount[] {
    return accountsOf(this.#session, this.devices())
  }

  /**
   * Twelve groups of five digits that are the same for all members who are in the same epoch of the same group.
   * @throws `xmpp/not_joined`
   */
  get safetyNumber(): string {
    return this.#group().safetyNumber
  }

  /** Equal at two members exactly when they share epoch and history. @throws `xmpp/not_joined` */
  get epochAuthenticator(): Bytes {
    return this.#group().epochAuthenticator
  }

  #group() {
    const { group } = this.#session.state
    if (group === undefined) throw new MlsError('xmpp/not_joined', 'this device is not in the group')
    return group
  }

  /**
   * Sends a message. Resolves when the room's archive has it; while the connection is away it waits. What is sent while an
   * `invite` or a removal of this device is under way is for the group that comes of it.
   * @throws `xmpp/not_joined`, `xmpp/blocked` while an outsider is in the tree, `xmpp/closed`, `xmpp/too_large`, XmppError
   */
  async send(content: string | MessageContent): Promise<SentMessage> {
    await this.#changes.settled
    const value: MessageContent = typeof content === 'string' ? { kind: 'text', body: content } : content
    const sent = await this.#session.operate((op) => ({ kind: 'say', op, content: value }))
    if (sent === undefined) throw new MlsError('internal/unreachable', 'a message without a place')
    return sent
  }

  /** Answers a message. @throws as {@link send} */
  reply(to: MessageReference, body: string): Promise<SentMessage> {
    return this.send({ kind: 'reply', to: idOf(to), body })
  }

  /** Sets the own reactions to a message. @throws as {@link send} */
  react(to: MessageReference, ...emojis: readonly string[]): Promise<SentMessage> {
    return this.send({ kind: 'reaction', to: idOf(to), emojis })
  }

  /** Replaces an own message. @throws as {@link send} */
  correct(to: MessageReference, body: string): Promise<SentMessage> {
    return this.send({ kind: 'correction', to: idOf(to), body })
  }

  /** Takes an own message back. @throws as {@link send} */
  retract(to: MessageReference): Promise<SentMessage> {
    return this.send({ kind: 'retraction', to: idOf(to) })
  }

  /** Says that everything up to a message was displayed. @throws as {@link send} */
  displayed(to: MessageReference): Promise<SentMessage> {
    return this.send({ kind: 'displayed', to: idOf(to) })
  }

  /** Sends elements of the application's own in the envelope. @throws as {@link send} */
  sendXml(...elements: readonly XmlElement[]): Promise<SentMessage> {
    return this.send({ kind: 'xml', elements })
  }

  /**
   * Adds all devices of an account: lets it into the room, then into the group. Resolves when the group has them.
   * @throws `xmpp/no_devices`, `xmpp/not_joined`, XmppError, codes of the commit
   */
  async invite(jid: string): Promise<void> {
    await this.#changes.during(this.#invite(bareJid(jid)))
  }

  async #invite(account: string): Promise<void> {
    this.#group()
    const keyPackages = await this.#keyPackages.choose(account)
    await letIn(this.#session, account)
    await this.#intend({ kind: 'add', account, keyPackages })
  }

  /**
   * Removes all devices of an account from the group, then the account from the room. Resolves when the group is without it.
   * @throws `xmpp/not_joined`, codes of the commit
   */
  async remove(jid: string): Promise<void> {
    const account = bareJid(jid)
    await this.#remove(account)
    await putOut(this.#session, account)
  }

  /** Removes one device of an account. @throws `xmpp/not_joined`, codes of the commit */
  async removeDevice(account: string, device: string): Promise<void> {
    await this.#remove(bareJid(account), device)
  }

  async #remove(account: string, device?: string): Promise<void> {
    await this.#changes.during(this.#intend({ kind: 'remove', account, device }))
  }

  /** Renews the keys of the own leaf: what was stolen before is worth nothing afterwards. @throws codes of the commit */
  async update(): Promise<void> {
    await this.#intend({ kind: 'update' })
  }

  /** Changes the rules of the group. @throws `xmpp/not_joined`, codes of the commit */
  async setPolicy(policy: RoomPolicy): Promise<void> {
    await this.#intend({ kind: 'policy', policy })
  }

  async #intend(change: Change): Promise<void> {
    this.#group()
    const id = engineId(this.#session.ports.engine)
    await this.#session.operateAs(id, { kind: 'intend', intent: { id, ...change } })
  }

  /**
   * Leaves group and room with all devices of the account: the others remove them. The own state is deleted. Where nobody
   * is there to do it, the wish stays in the archive for whoever comes first.
   */
  async leave(): Promise<void> {
    const { engine, xmpp } = this.#session.ports
    const removed = this.#session.operate((op) => ({ kind: 'leave', op }))
    const patience = new Promise<void>((resolve) => void xmpp.timers.after(engine.settings.timeoutMs, resolve))
    await Promise.race([removed, patience])
    removed.catch(() => undefined)
    await this.#session.ports.room.leave()
    await this.#onLeft(this)
  }

  /**
   * Comes back after lost state, as one operation that everybody sees: asks the members for the group's state and joins
   * by an external commit that removes the old leaf. Resolves when this device is in. A device whose state was copied takes
   * a new signature key for it, where it may (see `LeafProvider`). Where the room had put this account
   * out and lets it in again, and the group still has it, that is all.
   * @throws `xmpp/timeout` when nobody answers; an answer that comes later is still taken; XmppError of a room that refuses;
   *   what the provider of leaves throws
   */
  async rejoin(): Promise<void> {
    await comeBack(this.#session, this.#keyPackages)
  }

  /** Reads the archive to its end now. @throws what the archive threw */
  async synchronise(): Promise<void> {
    await this.#session.catchUp()
  }

  /**
   * Messages that were kept on this device, newest first; none where `MlsClientOptions.history` is not set.
   * @throws `storage/…`
   */
  async history(page: HistoryPage = {}): Promise<readonly HistoryEntry[]> {
    return await this.#session.ports.store.messages.page(page)
  }

  /** All messages that were kept, oldest first, in plain text: for a backup that the person asks for. @throws `storage/…` */
  exportHistory(): AsyncGenerator<HistoryEntry, void> {
    return this.#session.ports.store.messages.export()
  }

  /**
   * Deletes all messages that were kept on this device for good; in a sealed storage their keys are destroyed, too. The
   * group goes on. @throws `storage/…`
   */
  async forget(): Promise<void> {
    await this.#own.ports.store.forget()
    for (const other of this.#merged) await other.forget()
  }

  /** Whether nothing is under way. */
  get idle(): boolean {
    return this.#own.idle && [...this.#merged].every(({ idle }) => idle)
  }

  /** For the client: the room, as an identity works with it. */
  get identityRoom(): IdentityRoom {
    return identityRoomOf(this.#own, this)
  }

  /** Stops following the room on this device; group and seat stay. */
  async close(): Promise<void> {
    await this.#own.close()
    for (const other of this.#merged) await other.close()
  }

  /** For the client. */
  get session(): RoomSession {
    return this.#session
  }
}

function idOf(reference: MessageReference): string {
  return typeof reference === 'string' ? reference : reference.id
}
