/**
 * The encrypted rooms of one device of an account.
 *
 * ```ts
 * const client = await MlsClient.open({ xmpp, storage })
 * const room = await client.room('garden@conference.example.org')
 * room.on('message', (message) => console.log(message.sender.account, message.body))
 * await room.invite('bob@example.net')
 * await room.send('hello')
 * ```
 */
import { MlsError } from '../../bytes/errors.ts'
import { openRoom } from '../open-room.ts'
import type { XmppContext } from '../port.ts'
import { bareJid } from '../stanza/jid.ts'
import { Blobs } from './blobs.ts'
import { Emitter } from './emitter.ts'
import { joinRoomGroup } from './engine/groups.ts'
import type { EngineContext } from './engine/state.ts'
import { defaultPolicy } from './extensions.ts'
import { formAuthentication } from './identity.ts'
import { KeyPackages } from './key-packages.ts'
import { locateGroup } from './locate.ts'
import { defaultSuite, openDevice, systemRandom, systemTimers, temporaryStorage } from './open-device.ts'
import { MlsRoom } from './room.ts'
import { RoomSession } from './room-session.ts'
import { ClientStore, type StoredWelcome } from './store.ts'
import {
  type ClientEvents,
  type ClientSettings,
  defaultSettings,
  type MlsClientOptions,
  type RoomOptions,
} from './types.ts'
import { type IncomingWelcome, referencesIn, Welcomes } from './welcomes.ts'

/** How long a Welcome that may be on its way is waited for before the group's members are asked. */
const welcomeGraceMs = 2_000

interface Parts {
  readonly context: XmppContext
  readonly engine: Omit<EngineContext, 'room' | 'kind'>
  readonly store: ClientStore
  readonly blobs: Blobs
  readonly keyPackages: KeyPackages
}

/** See the file. */
export class MlsClient {
  readonly #parts: Parts
  readonly #events: Emitter<ClientEvents>
  readonly #rooms = new Map<string, Promise<MlsRoom>>()
  readonly #open = new Map<string, MlsRoom>()
  readonly #welcomes: Welcomes
  readonly #pending = new Map<string, StoredWelcome>()
  #stopState: (() => void) | undefined

  private constructor(parts: Parts) {
    this.#parts = parts
    this.#events = new Emitter((error) => this.#problem(error))
    this.#welcomes = new Welcomes({
      context: parts.context,
      blobs: parts.blobs,
      keyPackages: parts.keyPackages,
      onWelcome: (welcome) => this.#welcome(welcome),
      onProblem: (error) => this.#problem(error),
    })
  }

  /**
   * Opens the client: makes or reads the device, publishes its KeyPackages, looks for invitations. The connection must be up.
   * @throws `storage/…`, `suite/unsupported`, `xmpp/access_model`, `xmpp/timeout`, `xmpp/offline`, XmppError
   */
  static async open(options: MlsClientOptions): Promise<MlsClient> {
    const { xmpp, ports = {} } = options
    const suite = options.suite ?? (await defaultSuite())
    const settings: ClientSettings = { ...defaultSettings, ...options.settings }
    const context: XmppContext = {
      port: xmpp,
      timers: ports.timers ?? systemTimers,
      random: ports.random ?? systemRandom,
    }
    const store = new ClientStore(options.storage ?? (await temporaryStorage()))
    const account = bareJid(xmpp.jid)
    const { identity, device } = await openDevice(store, suite, { account, deviceId: options.deviceId })
    const authentication = options.authentication ?? formAuthentication
    const trust = options.trust ?? (() => 'unverified' as const)
    const keyPackages = new KeyPackages(context, { suite, identity, account, device }, store, settings)
    const client = new MlsClient({
      context,
      engine: { suite, identity, account, device, clock: context.timers, authentication, settings, trust },
      store,
      blobs: new Blobs(context, settings),
      keyPackages,
    })
    await client.#start()
    return client
  }

  async #start(): Promise<void> {
    const { store, keyPackages, context } = this.#parts
    await keyPackages.load()
    for (const { room, stored } of await store.welcomes()) this.#pending.set(room, stored)
    this.#welcomes.listen()
    await keyPackages.refresh()
    await this.#welcomes.catchUp()
    this.#stopState = context.port.onState?.((state) => {
      if (state !== 'online') return
      keyPackages.refresh().then(
        () => this.#welcomes.catchUp(),
        (error: unknown) => this.#problem(error),
      )
    })
  }

  /** Bare JID. */
  get account(): string {
    return this.#parts.engine.account
  }

  /** Device id: 32 hexadecimal digits. */
  get device(): string {
    return this.#parts.engine.device
  }

  /** The rooms that are open. */
  get rooms(): readonly MlsRoom[] {
    return [...this.#open.values()]
  }

  /** Rooms that this device was invited to and has not entered. */
  get invitations(): readonly string[] {
    return [...this.#pending.keys()]
  }

  /** Listens to one kind of event. Returns how to stop. */
  on<K extends keyof ClientEvents>(name: K, listener: (value: ClientEvents[K]) => void): () => void {
    return this.#events.on(name, listener)
  }

  /**
   * Enters a room. A device that was in its group goes on where it was; one that was invited joins; where there is no
   * group, an owner or admin of the room makes one; a device whose account is in the group asks to join by itself. What
   * became of it is in `room.health`: a device that nobody has invited waits.
   * @throws `xmpp/room_missing`, `xmpp/room_archive`, `xmpp/room_anonymous`, `xmpp/jid`, XmppError, `xmpp/timeout`
   */
  room(jid: string, options: RoomOptions = {}): Promise<MlsRoom> {
    const address = bareJid(jid)
    const known = this.#rooms.get(address)
    if (known !== undefined) return known
    const opening = this.#enter(address, options)
    this.#rooms.set(address, opening)
    opening.catch(() => this.#rooms.delete(address))
    return opening
  }

  async #enter(address: string, options: RoomOptions): Promise<MlsRoom> {
    const { context, store, blobs, keyPackages, engine } = this.#parts
    const room = await openRoom(address, context)
    const roomEngine: EngineContext = { ...engine, room: address, kind: room.kind }
    const session = new RoomSession(
      {
        xmpp: context,
        room,
        engine: roomEngine,
        store,
        blobs,
        welcome: (welcome, at) => this.#welcomes.send(welcome, at),
      },
      await store.room(roomEngine),
    )
    try {
      const create = options.create !== false && session.state.phase === 'outside' && !this.#pending.has(address)
      await room.join({ create, ...(options.nick === undefined ? {} : { nick: options.nick }) })
      const handle = new MlsRoom(session, keyPackages, (left) => this.#left(left))
      this.#open.set(address, handle)
      session.keepSeat()
      if (this.#pending.has(address)) await this.#adopt(session)
      if (session.state.phase === 'outside') await this.#begin(session, options)
      else await session.catchUp()
      return handle
    } catch (error) {
      this.#open.delete(address)
      await session.close()
      throw error
    }
  }

  /** A room of which this device knows nothing. */
  async #begin(session: RoomSession, options: RoomOptions): Promise<void> {
    const { settings } = this.#parts.engine
    await session.readRoster()
    await locateGroup(session)
    if (session.state.outside === undefined) {
      const standing = session.state.roster?.get(this.account)
      const may = session.ports.room.kind === 'mix' || standing === 'owner' || standing === 'admin'
      if (options.create === false || !may) return
      const { policy = defaultPolicy } = options
      await session.post({ kind: 'create', policy, direct: [] })
      const begun = await session.until(() => session.state.creating === undefined, settings.timeoutMs)
      if (!begun) throw new MlsError('xmpp/timeout', 'the room did not show the new group')
      if (session.state.phase === 'active') return
    }
    await session.until(() => session.state.phase === 'active', welcomeGraceMs)
    if (session.state.phase === 'active') return
    await session.post({ kind: 'rejoin' })
    await session.until(() => session.state.phase === 'active', 4 * settings.slotMs)
  }

  async #welcome({ room, from, at, welcome, tree }: IncomingWelcome): Promise<void> {
    const { store } = this.#parts
    const stored: StoredWelcome = { from, at, welcome, tree }
    const session = this.#open.get(room)?.session
    const current = session?.state
    const health = session?.health.state
    if (current?.phase === 'active' && health !== 'desynchronised') return
    if (session === undefined && (await this.#isMember(room))) return
    await store.saveWelcome(room, stored)
    const first = !this.#pending.has(room)
    this.#pending.set(room, stored)
    if (session !== undefined) await this.#adopt(session)
    else if (first) this.#events.emit('invitation', { room, from, direct: false })
  }

  async #isMember(room: string): Promise<boolean> {
    const { store, engine } = this.#parts
    const state = await store.room({ ...engine, room, kind: 'muc' })
    const member = state.phase === 'active'
    state.group?.close()
    return member
  }

  /** Joins by the Welcome that waits for a room. A bad one is dropped and reported. */
  async #adopt(session: RoomSession): Promise<void> {
    const { store, keyPackages } = this.#parts
    const { engine } = session.ports
    const stored = this.#pending.get(engine.room)
    if (stored === undefined) return
    this.#pending.delete(engine.room)
    const own = keyPackages.find(referencesIn(stored.welcome))
    try {
      if (own === undefined) throw new MlsError('welcome/no_entry', 'a Welcome whose keys are gone')
      const { group } = await joinRoomGroup(engine, { welcome: stored.welcome, tree: stored.tree, keyPackages: [own] })
      await session.post({ kind: 'adopt', group, at: stored.at, lastResort: own.lastResort })
      await session.catchUp()
      await keyPackages.used(own.reference)
    } catch (error) {
      if (!(error instanceof MlsError)) throw error
      session.problem('invalid-welcome', error)
    }
    await store.dropWelcome(engine.room)
  }

  async #left(room: MlsRoom): Promise<void> {
    this.#rooms.delete(room.jid)
    this.#open.delete(room.jid)
    await room.close()
    await this.#parts.store.dropRoom(room.jid)
  }

  #problem(cause: unknown): void {
    const error =
      cause instanceof MlsError ? cause : new MlsError('internal/unreachable', 'an unexpected failure', { cause })
    this.#events.emit('error', { kind: 'network', archiveId: undefined, error })
  }

  /**
   * The devices of an account that could be invited: 32 hexadecimal digits each.
   * @throws XmppError, `xmpp/timeout`, `xmpp/offline`
   */
  async devices(jid: string = this.account): Promise<readonly string[]> {
    return (await this.#parts.keyPackages.devicesOf(bareJid(jid))).map(({ device }) => device)
  }

  /** Takes a device of the own account out of the list of those who can be invited. Rooms keep it until it is removed. */
  async forgetDevice(device: string): Promise<void> {
    await this.#parts.keyPackages.forget(device)
  }

  /** Renews KeyPackages where needed; done by itself when a client opens, reconnects, or was welcomed. @throws XmppError */
  async refreshKeyPackages(): Promise<void> {
    await this.#parts.keyPackages.refresh()
  }

  /** Stops everything. Rooms keep their seats on the server; the storage stays open. */
  async close(): Promise<void> {
    this.#welcomes.stop()
    this.#stopState?.()
    for (const room of this.#open.values()) await room.close()
    this.#open.clear()
    this.#rooms.clear()
  }
}
