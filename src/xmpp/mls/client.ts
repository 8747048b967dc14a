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
import type { XmppContext } from '../port.ts'
import { bareJid } from '../stanza/jid.ts'
import { Blobs } from './blobs.ts'
import { type ClientSettings, defaultSettings, type MlsClientOptions, type RoomOptions } from './client-options.ts'
import { DirectChats } from './direct.ts'
import { Emitter } from './emitter.ts'
import { formAuthentication } from './identity.ts'
import { KeyPackages } from './key-packages.ts'
import { defaultSuite, openDevice, systemRandom, systemTimers, temporaryStorage } from './open-device.ts'
import type { MlsRoom } from './room.ts'
import { type ClientParts, Rooms } from './rooms.ts'
import { ClientStore } from './store.ts'
import type { ClientEvents } from './types.ts'
import { WelcomeLog } from './welcome-log.ts'
import { type IncomingWelcome, Welcomes } from './welcomes.ts'

const renewEveryMs = 24 * 60 * 60 * 1000
/** A Welcome may get lost on a connection that seems whole: the account's archive knows. */
const lookEveryMs = 10 * 60 * 1000
/** Keys beyond their time go from quiet rooms, too. */
const expireEveryMs = 60 * 60 * 1000

/** See the file. */
export class MlsClient {
  readonly #parts: ClientParts
  readonly #events: Emitter<ClientEvents>
  readonly #rooms: Rooms
  readonly #direct: DirectChats
  readonly #welcomes: Welcomes
  #stopState: (() => void) | undefined
  #stopCertificate: (() => void) | undefined
  #online = true
  readonly #stopTimers = new Map<number, () => void>()

  private constructor(parts: ClientParts) {
    this.#parts = parts
    this.#events = new Emitter((error) => this.#problem(error))
    this.#rooms = new Rooms(parts, () => this.#welcomes)
    this.#direct = new DirectChats(parts, this.#rooms)
    this.#welcomes = new Welcomes({
      context: parts.context,
      blobs: parts.blobs,
      keyPackages: parts.keyPackages,
      log: parts.log,
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
    const storage = options.storage ?? (await temporaryStorage())
    const store = new ClientStore(storage, {
      anchor: options.anchor,
      history: options.history,
      keyAge: options.retention?.skippedKeyMs,
    })
    const account = bareJid(xmpp.jid)
    const { identity, device } = await openDevice(store, suite, { account, deviceId: options.deviceId })
    const { authentication = formAuthentication, groupRules: rules, leaf, trust, guard } = withIdentity(options)
    const keyPackages = new KeyPackages(context, { suite, identity, account, device, leaf, guard }, store, settings)
    const client = new MlsClient({
      context,
      engine: {
        suite,
        identity,
        account,
        device,
        clock: context.timers,
        authentication,
        settings,
        trust,
        rules,
        leaf,
        guard,
        retention: options.retention,
      },
      store,
      log: new WelcomeLog(storage),
      blobs: new Blobs(context, settings),
      keyPackages,
    })
    await client.#start()
    return client
  }

  #every(ms: number, run: () => Promise<void>, offline = false): void {
    const stop = this.#parts.context.timers.after(ms, () => {
      this.#every(ms, run, offline)
      if (this.#online || offline) run().catch((error: unknown) => this.#problem(error))
    })
    this.#stopTimers.set(ms, stop)
  }

  async #start(): Promise<void> {
    const { keyPackages, context, log, engine } = this.#parts
    await keyPackages.load()
    await log.load()
    await this.#rooms.load()
    this.#welcomes.listen()
    await keyPackages.refresh()
    await this.#welcomes.catchUp()
    // KeyPackages of a client that runs for weeks are renewed before they expire
    this.#every(renewEveryMs, () => keyPackages.refresh())
    this.#every(lookEveryMs, () => this.#welcomes.catchUp())
    this.#every(expireEveryMs, () => this.#rooms.expire(), true)
    this.#stopCertificate = engine.guard?.onCertificate?.(() => {
      keyPackages.replace().catch((error: unknown) => this.#problem(error))
    })
    this.#stopState = context.port.onState?.((state) => {
      this.#online = state !== 'offline'
      if (state !== 'online') return
      keyPackages
        .refresh()
        .catch((error: unknown) => this.#problem(error))
        .then(() => this.#welcomes.catchUp())
        .catch((error: unknown) => this.#problem(error))
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
    return [...this.#rooms.open.values()]
  }

  /** Rooms that this device was invited to and has not entered. */
  get invitations(): readonly string[] {
    return [...this.#rooms.pending.keys()]
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
    return this.#rooms.enter(bareJid(jid), options)
  }

  /**
   * The one-to-one chat with an account: opened, accepted where it was begun by the other, or begun.
   * @throws `xmpp/no_devices`, `xmpp/unsupported` when the server has no rooms; as {@link room}
   */
  direct(jid: string): Promise<MlsRoom> {
    return this.#direct.chat(bareJid(jid))
  }

  async #welcome(welcome: IncomingWelcome): Promise<void> {
    const { room, from, peer } = welcome
    if (!(await this.#rooms.receive(welcome))) return
    // not awaited: the room that it merges with may itself wait for a Welcome
    const merged = peer === undefined ? Promise.resolve(false) : this.#direct.merge(peer, room)
    merged.then(
      (done) => {
        if (!done) void this.#events.emit('invitation', { room, from, peer })
      },
      (error: unknown) => this.#problem(error),
    )
  }

  #problem(cause: unknown): void {
    const error =
      cause instanceof MlsError ? cause : new MlsError('internal/unreachable', 'an unexpected failure', { cause })
    void this.#events.emit('error', { kind: 'network', archiveId: undefined, error })
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

  /**
   * Deletes what this device keeps of a conversation for good: its messages, and all the rest where it is not open and this
   * device is not in its group any more. @throws `storage/…`
   */
  async forget(jid: string): Promise<void> {
    await this.#rooms.forget(bareJid(jid))
  }

  /** Renews KeyPackages where needed; done by itself when a client opens, reconnects, or was welcomed. @throws XmppError */
  async refreshKeyPackages(): Promise<void> {
    await this.#parts.keyPackages.refresh()
  }

  /** Stops everything. Rooms keep their seats on the server; the storage stays open. */
  async close(): Promise<void> {
    this.#welcomes.stop()
    this.#stopState?.()
    this.#stopCertificate?.()
    for (const stop of this.#stopTimers.values()) stop()
    await this.#rooms.close()
  }
}

/** What of the options the identity gives. */
function withIdentity({ authentication, groupRules, leaf, trust, identity }: MlsClientOptions) {
  const guard = identity?.rooms
  return {
    authentication: authentication ?? guard?.authentication,
    groupRules: groupRules ?? guard?.groupRules,
    leaf: leaf ?? guard?.leaf,
    trust: trust ?? guard?.trust ?? (() => 'unverified' as const),
    guard,
  }
}
