// The devices of the demo: each a client on a tapped connection, with all that it has seen.
import { randomBytes } from 'node:crypto'
import { toHex } from '../src/bytes/text.ts'
import type { Storage } from '../src/ports/storage.ts'
import { MemoryMedium, openMemoryStorage } from '../src/storage/memory.ts'
import { MlsClient } from '../src/xmpp/mls/client.ts'
import type { MlsRoom } from '../src/xmpp/mls/room.ts'
import type { MembershipChange, RoomMessage, RoomProblem } from '../src/xmpp/mls/types.ts'
import { presence } from '../src/xmpp/stanza/stanza.ts'
import type { Stage, StageClient } from './demo-stage.ts'
import { type ServerView, serverView, type Tapped, tap } from './demo-tap.ts'

/** Shorter pauses than the defaults: a person watches. */
const settings = { settleMs: 300, slotMs: 300, timeoutMs: 10_000, keyPackages: 4 }
const patienceMs = 45_000

/** One device of somebody. */
export class Device {
  readonly name: string
  readonly tap: Tapped
  readonly client: MlsClient
  readonly messages: RoomMessage[] = []
  readonly membership: MembershipChange[] = []
  readonly problems: RoomProblem[] = []
  readonly #stage: Stage
  #room: MlsRoom | undefined

  constructor(name: string, tapped: Tapped, client: MlsClient, stage: Stage) {
    this.name = name
    this.tap = tapped
    this.client = client
    this.#stage = stage
    client.on('error', (problem) => this.problems.push(problem))
  }

  /** The room that the device has entered. */
  get room(): MlsRoom {
    if (this.#room === undefined) throw new Error(`${this.name} is in no room`)
    return this.#room
  }

  /** Enters the room and waits until the device is in the group. */
  async enter(jid: string): Promise<void> {
    const room = await this.client.room(jid)
    this.#room = room
    room.on('message', (message) => this.messages.push(message))
    room.on('membership', (change) => this.membership.push(change))
    room.on('error', (problem) => this.problems.push(problem))
    await until(this.#stage, () => room.health.state === 'active', `${this.name} enters the group`, this)
  }

  /** Waits for an invitation. */
  async invited(): Promise<void> {
    await until(this.#stage, () => this.client.invitations.length > 0, `an invitation for ${this.name}`, this)
  }

  /** Waits until this many changes of the membership were seen. */
  async changes(count: number): Promise<void> {
    await until(this.#stage, () => this.membership.length >= count, `${this.name} sees the membership change`, this)
  }

  /** Waits until the device is out of the group. */
  async ended(): Promise<void> {
    const states = ['removed', 'closed', 'offline']
    await until(this.#stage, () => states.includes(this.room.health.state), `${this.name} is out`, this)
  }

  /** A message that the device has shown. */
  message(id: string): RoomMessage | undefined {
    return this.messages.find((message) => message.id === id)
  }
}

interface Kept {
  readonly user: string
  readonly resource: string
  readonly deviceId: Uint8Array
  readonly medium: MemoryMedium
  readonly connection: StageClient
  readonly storage: Storage
}

/** All devices of a run. */
export class Devices {
  readonly stage: Stage
  readonly #seen: { server(view: ServerView): void }
  readonly #kept = new Map<Device, Kept>()
  readonly #names = new Map<string, string>()

  constructor(stage: Stage, seen: { server(view: ServerView): void }) {
    this.stage = stage
    this.#seen = seen
  }

  /** Every device that was opened, the first first. */
  get all(): readonly Device[] {
    return [...this.#kept.keys()]
  }

  /** Connects a device and opens its client; `again` with the storage that it had. */
  async open(user: string, resource: string, again?: Device): Promise<Device> {
    const before = again === undefined ? undefined : this.#kept.get(again)
    const medium = before?.medium ?? new MemoryMedium()
    return await this.#start(user, resource, before?.deviceId ?? randomBytes(16), medium)
  }

  /** The same device after it lost everything but its name. */
  async replace(device: Device): Promise<Device> {
    const kept = this.#kept.get(device)
    if (kept === undefined) throw new Error('a device that was never there')
    await this.close(device)
    return await this.#start(kept.user, kept.resource, kept.deviceId, new MemoryMedium())
  }

  async #start(user: string, resource: string, deviceId: Uint8Array, medium: MemoryMedium): Promise<Device> {
    const { stage } = this
    const connection = await stage.connect(user, resource)
    const name = `${user}/${resource}`
    const tapped = tap(connection.port, (stanza) => {
      const view = serverView(stanza, name)
      if (view !== undefined) this.#seen.server(view)
    })
    const storage = await openMemoryStorage({ medium, randomBytes })
    this.#names.set(toHex(Uint8Array.from(deviceId)), resource)
    const client = await MlsClient.open({ xmpp: tapped.port, storage, deviceId, ports: stage.ports, settings })
    const device = new Device(name, tapped, client, stage)
    // only now: what the server has kept for the account comes at once
    await tapped.port.send(presence({}))
    this.#kept.set(device, { user, resource, deviceId, medium, connection, storage })
    return device
  }

  /** What people call a device. */
  nameOf(deviceId: string): string {
    return this.#names.get(deviceId) ?? deviceId.slice(0, 8)
  }

  /** Waits until devices have shown a message. */
  async heard(id: string, devices: readonly Device[]): Promise<void> {
    for (const device of devices)
      await until(this.stage, () => device.message(id) !== undefined, `${device.name} reads what was said`, device)
  }

  /** Waits until devices are in one epoch of one history. */
  async agree(devices: readonly Device[]): Promise<void> {
    const same = (): boolean => {
      const states = devices.map(({ room }) => room.health.state)
      return (
        states.every((state) => state === 'active') &&
        new Set(devices.map(({ room }) => toHex(room.epochAuthenticator))).size === 1
      )
    }
    await until(this.stage, same, 'all devices agree', ...devices)
  }

  /** @throws Error always: something that was waited for is not there */
  async missing(what: string): Promise<never> {
    throw new Error(`missing: ${what}`)
  }

  /** Closes a device and its connection; its storage stays. */
  async close(device: Device): Promise<void> {
    const kept = this.#kept.get(device)
    await device.client.close()
    await kept?.connection.close()
    await kept?.storage.close()
  }

  async closeAll(): Promise<void> {
    for (const device of this.#kept.keys()) await this.close(device).catch(() => undefined)
  }
}

async function until(
  stage: Stage,
  condition: () => boolean,
  what: string,
  ...devices: readonly Device[]
): Promise<void> {
  for (let waited = 0; waited < patienceMs; waited += 25) {
    if (condition()) return
    await stage.wait(25)
  }
  const said = devices.flatMap(({ name, problems }) => problems.map(({ kind, error }) => `${name}: ${kind} ${error}`))
  throw new Error([`this never happened: ${what}`, ...said].join('\n'))
}
