// The devices of the demo: each an identity and a client on a tapped connection, their state in a sealed folder, with all
// that they have seen.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { copyBytes } from '../src/bytes/bytes.ts'
import { toHex } from '../src/bytes/text.ts'
import { openState } from '../src/cli/state-folder.ts'
import type { Storage } from '../src/ports/storage.ts'
import { rawMasterKey } from '../src/storage/master-key.ts'
import { IdentityClient } from '../src/xmpp/identity/client.ts'
import { MlsClient } from '../src/xmpp/mls/client.ts'
import type { MlsRoom } from '../src/xmpp/mls/room.ts'
import type { MembershipChange, RoomMessage, RoomProblem } from '../src/xmpp/mls/types.ts'
import { presence } from '../src/xmpp/stanza/stanza.ts'
import { connect } from './demo-connection.ts'
import { filesUnder, type Stage, type StageClient, until } from './demo-stage.ts'
import type { ServerView, Tapped } from './demo-tap.ts'

/** Shorter pauses than the defaults: a person watches. */
const settings = { settleMs: 300, slotMs: 300, timeoutMs: 10_000, keyPackages: 4 }

/** One device of somebody. */
export class Device {
  readonly name: string
  readonly tap: Tapped
  readonly client: MlsClient
  readonly identity: IdentityClient
  readonly messages: RoomMessage[] = []
  readonly membership: MembershipChange[] = []
  readonly problems: RoomProblem[] = []
  #room: MlsRoom | undefined

  constructor(name: string, tapped: Tapped, client: MlsClient, identity: IdentityClient) {
    this.name = name
    this.tap = tapped
    this.client = client
    this.identity = identity
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
    await this.#until('in the group', () => room.health.state === 'active')
  }

  /** Waits for an invitation. */
  async invited(): Promise<void> {
    await this.#until('invited', () => this.client.invitations.length > 0)
  }

  /** Waits until this many changes of the membership were seen. */
  async changes(count: number): Promise<void> {
    await this.#until('sees the membership change', () => this.membership.length >= count)
  }

  /** Waits until this device has seen one come in by itself, after the first `count` changes, and that another one is gone. */
  async replaced(old: string, count: number): Promise<void> {
    const came = (): boolean => this.membership.slice(count).some(({ external }) => external !== undefined)
    const gone = (): boolean => this.room.devices().every(({ device }) => device !== old)
    await this.#until('sees a device replaced', () => came() && gone())
  }

  /** Waits until the device is out of the group. */
  async ended(): Promise<void> {
    const states = ['removed', 'closed', 'offline']
    await this.#until('out of the group', () => states.includes(this.room.health.state))
  }

  /** Waits until the device has shown a message. */
  async heard(id: string): Promise<void> {
    await this.#until('reads what was said', () => this.message(id) !== undefined)
  }

  async #until(what: string, condition: () => boolean): Promise<void> {
    await until(`${this.name}: ${what}`, condition, () => this.told)
  }

  /** What went wrong, as lines. */
  get told(): readonly string[] {
    return this.problems.map(({ kind, error }) => `${this.name}: ${kind} ${error}`)
  }

  /** A message that the device has shown. */
  message(id: string): RoomMessage | undefined {
    return this.messages.find((message) => message.id === id)
  }
}

interface Kept {
  /** The folder of its state, and the key that opens it. */
  readonly folder: string
  readonly key: Uint8Array
  readonly connection: StageClient
  readonly storage: Storage
}

/** All devices of a run. */
export class Devices {
  readonly stage: Stage
  readonly #seen: { server(view: ServerView): void }
  readonly #kept = new Map<Device, Kept>()
  readonly #names = new Map<string, string>()
  readonly #disk = mkdtempSync(join(tmpdir(), 'xmpp-mls-demo-'))

  constructor(stage: Stage, seen: { server(view: ServerView): void }) {
    this.stage = stage
    this.#seen = seen
  }

  /** Every device that was opened, the first first. */
  get all(): readonly Device[] {
    return [...this.#kept.keys()]
  }

  /** Connects a device and opens its client; `again` with the state that it had. */
  async open(user: string, resource: string, again?: Device): Promise<Device> {
    const { stage } = this
    const before = again === undefined ? undefined : this.#kept.get(again)
    const folder = before?.folder ?? mkdtempSync(join(this.#disk, `${user}-${resource}-`))
    const key = before?.key ?? randomBytes(32)
    const { name, connection, tapped } = await connect(stage, user, resource, this.#seen)
    const { port } = tapped
    const random = (length: number) => copyBytes(randomBytes(length))
    const storage = await openState(folder, rawMasterKey(key, random))
    const { ports } = stage
    const identity = await IdentityClient.open({ xmpp: port, storage, ports })
    const client = await MlsClient.open({ xmpp: port, storage, ports, settings, identity })
    this.#names.set(client.device, resource)
    const device = new Device(name, tapped, client, identity)
    // only now: what the server has kept for the account comes at once
    await port.send(presence({}))
    this.#kept.set(device, { folder, key, connection, storage })
    return device
  }

  /** Lets a device into the identity of another one of its account, as two people with two screens would. */
  async link(device: Device, steward: Device): Promise<void> {
    const link = await device.identity.link(device.name)
    const approval = await steward.identity.review(link.text)
    await approval.approve(link.showCode(approval.challenge), { steward: true })
    await link.done
  }

  /** What all devices have on their disks. */
  get disk(): readonly Buffer[] {
    return filesUnder(this.#disk).map((path) => readFileSync(path))
  }

  /** What people call a device. */
  nameOf(deviceId: string): string {
    return this.#names.get(deviceId) ?? deviceId.slice(0, 8)
  }

  /** Waits until devices have shown a message. */
  async heard(id: string, devices: readonly Device[]): Promise<void> {
    for (const device of devices) await device.heard(id)
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
    await until('all devices agree', same, () => devices.flatMap(({ told }) => told))
  }

  /** @throws Error always: something that was waited for is not there */
  async missing(what: string): Promise<never> {
    throw new Error(`missing: ${what}`)
  }

  /** Closes a device and its connection; its folder stays. */
  async close(device: Device): Promise<void> {
    const kept = this.#kept.get(device)
    await device.client.close()
    device.identity.close()
    await kept?.connection.close()
    await kept?.storage.close()
  }

  async closeAll(): Promise<void> {
    for (const device of this.#kept.keys()) await this.close(device).catch(() => undefined)
    rmSync(this.#disk, { recursive: true, force: true })
  }
}
