/** How rooms are entered: going on where the device was, by Welcome, by a new group, or by asking its members. */
import { equalBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import type { Group } from '../../group/group.ts'
import { openRoom } from '../open-room.ts'
import type { XmppContext } from '../port.ts'
import type { JoinOptions, Room } from '../room.ts'
import type { Blobs } from './blobs.ts'
import type { RoomOptions } from './client-options.ts'
import { joinRoomGroup } from './engine/groups.ts'
import type { EngineContext, RoomState } from './engine/state.ts'
import { defaultPolicy, roomBindingOf } from './extensions.ts'
import type { KeyPackages } from './key-packages.ts'
import { locateGroup } from './locate.ts'
import { MlsRoom } from './room.ts'
import { RoomSession } from './room-session.ts'
import type { ClientStore, StoredWelcome } from './store.ts'
import type { WelcomeLog } from './welcome-log.ts'
import { type IncomingWelcome, referencesIn, type Welcomes } from './welcomes.ts'

/** How long a Welcome that may be on its way is waited for before the group's members are asked. */
const welcomeGraceMs = 2_000

/** How long a room may take to be set up by whoever makes it. */
const unfinishedRoomMs = 2_000

/** What all parts of a client share. */
export interface ClientParts {
  readonly context: XmppContext
  readonly engine: Omit<EngineContext, 'room' | 'kind'>
  readonly store: ClientStore
  readonly log: WelcomeLog
  readonly blobs: Blobs
  readonly keyPackages: KeyPackages
}

/** Options of the binding's own rooms. */
export interface EntranceOptions extends RoomOptions {
  /** The two accounts of a one-to-one chat. */
  readonly direct?: readonly string[]
}

/** See the file. */
export class Rooms {
  /** Welcomes that wait, by room. */
  readonly pending = new Map<string, StoredWelcome>()
  readonly open = new Map<string, MlsRoom>()
  readonly #parts: ClientParts
  readonly #welcomes: () => Welcomes
  readonly #opening = new Map<string, Promise<MlsRoom>>()
  readonly #settling = new Map<string, Promise<void>>()

  /** @param welcomes made after this, since it needs it */
  constructor(parts: ClientParts, welcomes: () => Welcomes) {
    this.#parts = parts
    this.#welcomes = welcomes
  }

  /** Reads the Welcomes that wait. */
  async load(): Promise<void> {
    const { store, log } = this.#parts
    for (const { room, stored } of await store.welcomes())
      if (log.has(stored.welcome)) await store.dropWelcome(room)
      else this.pending.set(room, stored)
  }

  /** The room at an address; entered when it is not open. @throws see `MlsClient.room` */
  enter(address: string, options: EntranceOptions): Promise<MlsRoom> {
    const known = this.#opening.get(address)
    if (known !== undefined) return known
    const opening = this.#enter(address, options)
    this.#opening.set(address, opening)
    opening.catch(() => this.#opening.delete(address))
    return opening
  }

  async #enter(address: string, options: EntranceOptions): Promise<MlsRoom> {
    const { keyPackages } = this.#parts
    const session = await this.#session(address)
    try {
      const create = options.create !== false && session.state.phase === 'outside' && !this.pending.has(address)
      await this.#seat(session.ports.room, { create, ...(options.nick === undefined ? {} : { nick: options.nick }) })
      const handle = new MlsRoom(session, keyPackages, (left) => this.#left(left))
      this.open.set(address, handle)
      session.watched = this.#parts.engine.guard?.attach?.(handle.identityRoom)
      session.keepSeat()
      await this.#settle(session)
      if (session.state.phase === 'outside') await this.#begin(session, options)
      else await session.catchUp()
      return handle
    } catch (error) {
      this.open.delete(address)
      await session.close()
      throw error
    }
  }

  /** A room that somebody else is making at this moment has not its settings yet: once more after a while. */
  async #seat(room: Room, options: JoinOptions): Promise<void> {
    try {
      await room.join(options)
    } catch (error) {
      const unfinished = error instanceof MlsError && ['xmpp/room_anonymous', 'xmpp/room_archive'].includes(error.code)
      if (!unfinished || options.create !== true) throw error
      await new Promise<void>((resolve) => void this.#parts.context.timers.after(unfinishedRoomMs, resolve))
      await room.join(options)
    }
  }

  async #session(address: string): Promise<RoomSession> {
    const { context, store, blobs, engine } = this.#parts
    const room = await openRoom(address, context)
    const stored = await store.openRoom({ ...engine, room: address, kind: room.kind })
    const roomEngine: EngineContext = { ...engine, room: address, kind: room.kind, copies: stored }
    const session: RoomSession = new RoomSession(
      {
        xmpp: context,
        room,
        engine: roomEngine,
        store: stored,
        blobs,
        welcome: async (welcome, at) => {
          const direct = roomBindingOf(session.state.group?.extensions ?? [])?.direct ?? []
          await this.#welcomes().send(
            welcome,
            at,
            direct.find((account) => account !== welcome.account),
          )
        },
        onCaughtUp: () => {
          if (this.open.has(address)) this.#settle(session).catch((error: unknown) => session.problem('network', error))
        },
      },
      await stored.load(),
    )
    return session
  }

  /** A room of which this device knows nothing. */
  async #begin(session: RoomSession, options: EntranceOptions): Promise<void> {
    const { settings } = this.#parts.engine
    await session.readRoster()
    await locateGroup(session)
    const active = (): boolean => session.state.phase === 'active'
    if (session.state.outside === undefined && !active()) {
      if (!(await this.#create(session, options))) return
      if (active()) {
        await this.#addOwnDevices(session)
        return
      }
    }
    if (await session.until(active, welcomeGraceMs)) return
    await session.post({ kind: 'rejoin', recent: [] })
    await session.until(active, 4 * settings.slotMs)
  }

  /** Begins a group, if this account may. Returns whether the room has one now. */
  async #create(session: RoomSession, options: EntranceOptions): Promise<boolean> {
    const { account, settings } = this.#parts.engine
    const standing = session.state.roster?.get(account)
    const may = session.ports.room.kind === 'mix' || standing === 'owner' || standing === 'admin'
    if (options.create === false || !may) return false
    const { policy = defaultPolicy, direct = [] } = options
    await session.post({ kind: 'create', policy, direct })
    const begun = await session.until(() => session.state.creating === undefined, settings.timeoutMs)
    if (!begun) throw new MlsError('xmpp/timeout', 'the room did not show the new group')
    return true
  }

  /** A group begins with all devices of its creator. */
  async #addOwnDevices(session: RoomSession): Promise<void> {
    const { keyPackages, engine } = this.#parts
    const { account } = engine
    try {
      const own = await keyPackages.choose(account)
      const id = `own ${session.ports.engine.room}`
      await session.operateAs(id, { kind: 'intend', intent: { id, kind: 'add', account, keyPackages: own } })
    } catch (error) {
      if (!(error instanceof MlsError)) throw error
      if (error.code !== 'xmpp/no_devices') session.problem('network', error)
    }
  }

  /** Keeps a Welcome and uses it where its room is open. Returns whether it is an invitation that is new. */
  async receive({ room, from, peer, at, welcome, tree }: IncomingWelcome): Promise<boolean> {
    const known = this.pending.get(room)
    if (known !== undefined && equalBytes(known.welcome, welcome)) return false
    const stored: StoredWelcome = { from, peer, at, welcome, tree }
    await this.#parts.store.saveWelcome(room, stored)
    this.pending.set(room, stored)
    const session = this.open.get(room)?.session
    if (session === undefined) return true
    // what fails now is tried again whenever the archive was read
    await this.#settle(session).catch((error: unknown) => session.problem('network', error))
    return false
  }

  /** Deals with the Welcome that waits for an open room. @throws what the room and its archive threw; it then waits on */
  #settle(session: RoomSession): Promise<void> {
    const { room } = session.ports.engine
    const running = this.#settling.get(room)
    if (running !== undefined) return running
    if (!this.pending.has(room)) return Promise.resolve()
    const settling = this.#decide(session).finally(() => this.#settling.delete(room))
    this.#settling.set(room, settling)
    return settling
  }

  async #decide(session: RoomSession): Promise<void> {
    const { room } = session.ports.engine
    const lost = (): boolean => session.state.phase !== 'active' || session.health.state === 'desynchronised'
    // a member may have been removed before: the archive tells
    if (!lost() || !session.ports.room.joined) await session.back()
    const stored = this.pending.get(room)
    if (stored === undefined) return
    if (lost()) await this.#adopt(session, stored)
    else {
      // of a second invitation, or of one that was used just before the process ended
      await this.#handled(room, stored)
      const own = this.#parts.keyPackages.find(referencesIn(stored.welcome))
      if (own !== undefined) await this.#parts.keyPackages.used(own.reference)
    }
  }

  /** Joins by a Welcome. A bad one is dropped and reported. */
  async #adopt(session: RoomSession, stored: StoredWelcome): Promise<void> {
    const { keyPackages } = this.#parts
    const { engine } = session.ports
    const own = keyPackages.find(referencesIn(stored.welcome))
    try {
      if (own === undefined) throw new MlsError('welcome/no_entry', 'a Welcome whose keys are gone')
      const { group } = await joinRoomGroup(engine, { welcome: stored.welcome, tree: stored.tree, keyPackages: [own] })
      if (isOver(session.state, group)) group.close()
      else await session.post({ kind: 'adopt', group, at: stored.at, lastResort: own.lastResort })
    } catch (error) {
      if (!(error instanceof MlsError) || error.kind === 'environment') throw error
      session.problem('invalid-welcome', error)
    }
    await this.#handled(engine.room, stored)
    try {
      if (own !== undefined) await keyPackages.used(own.reference)
      await session.catchUp()
    } catch (error) {
      session.problem('network', error)
    }
  }

  /** A Welcome that was dealt with is never one again, however often an archive or a queue gives it. */
  async #handled(room: string, stored: StoredWelcome): Promise<void> {
    const { log, store } = this.#parts
    await log.handled(stored.welcome)
    if (this.pending.get(room) !== stored) return
    this.pending.delete(room)
    await store.dropWelcome(room)
  }

  async #left(room: MlsRoom): Promise<void> {
    this.#opening.delete(room.jid)
    this.open.delete(room.jid)
    await room.close()
    await room.session.ports.store.drop()
  }

  /** Deletes keys for messages that come late which are beyond their time. @throws `storage/…` */
  async expire(): Promise<void> {
    for (const { session } of this.open.values()) await session.post()
  }

  /** Deletes the messages of a room, and what is left of one that this device has no part in. @throws `storage/…` */
  async forget(address: string): Promise<void> {
    const open = this.open.get(address)
    if (open !== undefined) return await open.forget()
    const stored = await this.#parts.store.openRoom({ ...this.#parts.engine, room: address, kind: 'muc' })
    const { phase, group } = await stored.load()
    group?.close()
    await stored.forget()
    if (phase !== 'active') await stored.drop()
  }

  /** Closes all rooms. */
  async close(): Promise<void> {
    for (const room of this.open.values()) await room.close()
    this.open.clear()
    this.#opening.clear()
  }
}

/** Whether a group is one that this device was removed from since. */
function isOver({ phase, group, ended }: RoomState, joined: Group): boolean {
  const last = group === undefined ? ended : { groupId: group.id, epoch: group.epoch }
  return phase === 'removed' && last !== undefined && equalBytes(last.groupId, joined.id) && joined.epoch <= last.epoch
}
