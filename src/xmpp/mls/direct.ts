/**
 * One-to-one chats: a group of two accounts in a members-only room that the binding makes and the people never see. Two
 * who begin at the same moment have two rooms; both read both, and both speak in the one whose creator and address come
 * first.
 */
import { MlsError } from '../../bytes/errors.ts'
import { discoverService } from '../disco.ts'
import { freshId } from '../port.ts'
import { domainOf } from '../stanza/jid.ts'
import { roomBindingOf } from './extensions.ts'
import type { MlsRoom } from './room.ts'
import type { RoomSession } from './room-session.ts'
import type { ClientParts, Rooms } from './rooms.ts'

/** See the file. */
export class DirectChats {
  readonly #parts: ClientParts
  readonly #rooms: Rooms
  readonly #chats = new Map<string, Promise<MlsRoom>>()

  constructor(parts: ClientParts, rooms: Rooms) {
    this.#parts = parts
    this.#rooms = rooms
  }

  /** The chat with an account; begun where there is none. @throws `xmpp/no_devices`, `xmpp/unsupported`, as `MlsClient.room` */
  chat(peer: string): Promise<MlsRoom> {
    const known = this.#chats.get(peer)
    if (known !== undefined) return known
    const opening = this.#open(peer)
    this.#chats.set(peer, opening)
    opening.catch(() => this.#chats.delete(peer))
    return opening
  }

  async #open(peer: string): Promise<MlsRoom> {
    const { store } = this.#parts
    if (peer === this.#parts.engine.account) throw new MlsError('xmpp/jid', 'a chat with oneself')
    const record = await store.direct(peer)
    if (record !== undefined) return await this.#rooms.enter(record.room, { create: false })
    const waiting = this.#waitingFor(peer)
    if (waiting !== undefined) {
      const chat = await this.#rooms.enter(waiting, { create: false })
      await this.#record(peer, chat.session)
      return chat
    }
    return await this.#begin(peer)
  }

  #waitingFor(peer: string): string | undefined {
    const rooms = [...this.#rooms.pending].filter(([, welcome]) => welcome.peer === peer).map(([room]) => room)
    return rooms.sort()[0]
  }

  async #begin(peer: string): Promise<MlsRoom> {
    const { context, keyPackages, engine, store } = this.#parts
    // before a room is made that nobody could be invited to
    await keyPackages.choose(peer)
    const service = await discoverService(context.port, domainOf(engine.account), {
      category: 'conference',
      type: 'text',
    })
    if (service === undefined) throw new MlsError('xmpp/unsupported', 'the server has no rooms')
    const room = `${freshId(context.random)}@${service}`
    const chat = await this.#rooms.enter(room, { direct: [engine.account, peer].sort() })
    await store.saveDirect(peer, { room, creator: engine.account })
    await chat.invite(peer)
    return chat
  }

  async #record(peer: string, session: RoomSession): Promise<boolean> {
    const { store, engine } = this.#parts
    const binding = roomBindingOf(session.state.group?.extensions ?? [])
    const pair = [engine.account, peer].sort().join()
    // the group itself says what the Welcome only claimed
    if (binding === undefined || [...binding.direct].sort().join() !== pair) return false
    await store.saveDirect(peer, { room: binding.room, creator: binding.creator })
    return true
  }

  /** A Welcome to a chat with somebody: where one is open or under way already, they are made one. */
  async merge(peer: string, room: string): Promise<boolean> {
    const opening = this.#chats.get(peer)
    if (opening === undefined && (await this.#parts.store.direct(peer)) === undefined) return false
    const chat = await this.chat(peer)
    if (chat.jid === room) return true
    const other = await this.#rooms.enter(room, { create: false })
    const mine = roomBindingOf(chat.session.state.group?.extensions ?? [])
    const theirs = roomBindingOf(other.session.state.group?.extensions ?? [])
    if (
      mine === undefined ||
      theirs === undefined ||
      [...theirs.direct].sort().join() !== [...mine.direct].sort().join()
    )
      return false
    const first = [theirs.creator, theirs.room].join(' ') < [mine.creator, mine.room].join(' ')
    chat.merge(other, first)
    if (first) await this.#record(peer, other.session)
    return true
  }
}
