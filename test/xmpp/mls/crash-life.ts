/**
 * The life of a room through `MlsClient`, on a disk that fails at a chosen operation: the device is thrown away with all its
 * memory, found again as the disk has it, and goes on. What must be true afterwards is judged from outside.
 */
import { MlsError } from '../../../src/bytes/errors.ts'
import { toHex } from '../../../src/bytes/text.ts'
import { suiteParameters } from '../../../src/crypto/suites.ts'
import type { Storage } from '../../../src/ports/storage.ts'
import { defaultProvider } from '../../../src/providers/default.ts'
import { type DiskFault, SimulatedDisk } from '../../../src/testing/storage/simulated-disk.ts'
import { openSimulatedStorage } from '../../../src/testing/storage/simulated-store.ts'
import type { MlsRoom } from '../../../src/xmpp/index.ts'
import { openContent } from '../../../src/xmpp/mls/content.ts'
import { parts, roomTables } from '../../../src/xmpp/mls/store-layout.ts'
import { roomRecords } from '../../../src/xmpp/mls/store-records.ts'
import { SealLog, seededRng } from '../../group-store/crash-oracle.ts'
import { type Device, listen, muting, roomJid, World } from './world.ts'

/** Where the disk fails. */
export interface Crash {
  readonly fault: DiskFault
  readonly at: number
  /** So many operations before, the connection begins to lose what is sent, until the device is switched on again. */
  readonly mute: number
}

/** What a life has shown. */
export interface Life {
  readonly violations: readonly string[]
  readonly crashed: boolean
  /** Operations of the disk in a life without a crash: what `Crash.at` counts. */
  readonly operations: number
  readonly seals: number
}

const parameters = suiteParameters(1)
const provider = await defaultProvider(parameters)
const account = 'alice@a.test'
const muteMs = 120_000

/** A device that loses its power. */
class Fragile {
  room: MlsRoom | undefined
  crashed = false
  readonly violations: string[] = []
  /** How often a text was shown, and how often of these as shown again. */
  readonly shown = new Map<string, { times: number; again: number }>()
  /** Texts that the disk has, encrypted, to be sent: whatever happens, they must arrive. */
  readonly accepted = new Set<string>()
  readonly log = new SealLog()
  readonly #world: World
  readonly #random = seededRng('alice')
  readonly #muteFrom: number
  #muteUntil: number | undefined
  readonly #suite = this.log.watch(provider.open(parameters, this.#random))
  #disk: SimulatedDisk
  #device: Device | undefined
  /** Rejects when the disk fails. */
  #failure: Promise<never> = new Promise(() => undefined)
  #fail: () => void = () => undefined
  #recovering: Promise<void> | undefined
  #starting = false

  constructor(world: World, crash: Crash | undefined) {
    this.#world = world
    this.#disk = new SimulatedDisk(crash === undefined ? {} : { fault: crash.fault, at: crash.at, seed: crash.at })
    this.#muteFrom = crash === undefined ? Number.POSITIVE_INFINITY : crash.at - crash.mute
  }

  get operations(): number {
    return this.#disk.operations
  }

  async #storage(): Promise<Storage> {
    const storage = await openSimulatedStorage({
      disk: this.#disk,
      randomBytes: (length) => this.#random.randomBytes(length),
      compactAt: 65_536,
    })
    return new Proxy(storage, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target) as unknown
        if (name !== 'apply') return typeof value === 'function' ? value.bind(target) : value
        return async (batch: Parameters<Storage['apply']>[0]) => {
          try {
            await target.apply(batch)
            for (const text of textsToSend(batch)) this.accepted.add(text)
          } catch (error) {
            this.#broken()
            throw error
          }
        }
      },
    })
  }

  /** The disk has failed: whatever was under way is over, and the device goes on as a person would have it. */
  #broken(): void {
    this.crashed = true
    this.#fail()
    if (this.#recovering !== undefined || this.#starting) return
    this.#recovering = this.#recover().finally(() => {
      this.#recovering = undefined
    })
    this.#recovering.catch((error: unknown) => this.violations.push(`I7: ${String(error)}`))
  }

  /** Switches on, as often as it takes. */
  async start(): Promise<void> {
    this.#starting = true
    try {
      for (let i = 0; i < 4; i++) {
        this.#failure = new Promise((_, reject) => {
          this.#fail = () => reject(new Error('the power has failed'))
        })
        this.#failure.catch(() => undefined)
        const before = this.crashed
        try {
          await Promise.race([this.#open(), this.#failure])
          return
        } catch (error) {
          if (before || !this.crashed) throw error
          await this.#clear()
        }
      }
    } finally {
      this.#starting = false
    }
  }

  async #open(): Promise<void> {
    const storage = await this.#storage().catch((error: unknown) => {
      this.#broken()
      throw error
    })
    this.#device = await this.#world.device(`${account}/x`, {
      storage,
      suite: this.#suite,
      history: {},
      wrap: (port) =>
        muting(
          port,
          () => this.room !== undefined && !this.crashed && this.#disk.operations >= this.#muteFrom && this.#isMute(),
          roomJid,
        ),
    })
    const room = await this.#device.client.room(roomJid)
    if (room.health.issues.some(({ kind }) => kind === 'copied')) this.violations.push('a copy where there is none')
    const device = this.#device
    room.on('message', async ({ body = '', redelivered }) => {
      // the application takes its time, and what it did not finish did not happen
      await this.#world.wait(300)
      if (this.#device !== device) return
      const known = this.shown.get(body) ?? { times: 0, again: 0 }
      this.shown.set(body, { times: known.times + 1, again: known.again + (redelivered === true ? 1 : 0) })
    })
    room.on('error', ({ kind, error }) => {
      if (error.kind === 'bug') this.violations.push(`${kind}: ${error.message} ${String(error.cause)}`)
      if (kind === 'invalid-handshake') this.violations.push(`${kind}: ${error.code}`)
    })
    room.on('unreadable', ({ reason }) => {
      if (reason !== 'before-join') this.violations.push(`unreadable: ${reason}`)
    })
    this.room = room
  }

  /** Once it has begun, for two minutes: a device whose every message is lost writes nothing, and would never crash. */
  #isMute(): boolean {
    const now = this.#world.service.clock.now()
    this.#muteUntil ??= now + muteMs
    return now < this.#muteUntil
  }

  async #recover(): Promise<void> {
    if (this.#disk.off || this.room === undefined) {
      await this.#clear()
      await this.start()
      return
    }
    // there is room again, and the same process goes on
    this.#disk.makeRoom()
    this.#failure = new Promise(() => undefined)
    await this.#world.wait(10_000)
  }

  /** Throws the memory away; the disk is as it is found after that. */
  async #clear(): Promise<void> {
    const device = this.#device
    this.#device = undefined
    this.room = undefined
    // what was handed to the connection still goes out
    await this.#world.wait(50)
    device?.port.disconnect()
    device?.client.close().catch(() => undefined)
    await this.#world.wait(1_000)
    this.#disk = this.#disk.restart()
  }

  /** Does something; returns whether it is known to be done. */
  async try(work: (room: MlsRoom) => Promise<unknown>): Promise<boolean> {
    await this.#recovering
    const { room } = this
    if (room === undefined) throw new Error('not in the room')
    try {
      await Promise.race([work(room), this.#failure])
      return true
    } catch (error) {
      if (error instanceof MlsError && error.kind === 'bug') this.violations.push(`I8: ${error.message}`)
      if (!(error instanceof MlsError) && this.#recovering === undefined) this.violations.push(`I8: ${String(error)}`)
      await this.#recovering
      return false
    }
  }

  /** Does something until it is so. */
  async ensure(what: string, is: (room: MlsRoom) => boolean, work: (room: MlsRoom) => Promise<unknown>): Promise<void> {
    for (let i = 0; i < 4; i++) {
      if (this.room !== undefined && is(this.room)) return
      await this.try(work)
      await this.#world.wait(2_000)
    }
    if (this.room === undefined || !is(this.room)) this.violations.push(`I7: ${what}`)
  }

  /** Ends and starts again in good order. */
  async restart(): Promise<void> {
    await this.#recovering
    this.#starting = true
    // what the application has begun to take
    await this.#world.wait(1_000)
    await this.#device?.client.close().catch(() => undefined)
    await this.#device?.storage.close().catch(() => undefined)
    this.#device?.port.disconnect()
    this.room = undefined
    if (this.#disk.off) this.#disk = this.#disk.restart()
    else this.#disk.makeRoom()
    await this.start()
  }

  async stop(): Promise<void> {
    await this.#device?.client.close()
  }
}

/** What the messages say that a batch puts into the outbox. */
function* textsToSend(batch: Parameters<Storage['apply']>[0]): Generator<string, void> {
  for (const operation of batch) {
    if (operation.kind !== 'put' || operation.table !== roomTables.parts || operation.key[16] !== parts.outbox) continue
    const { data } = roomRecords.outbox.decode(operation.value)
    const opened = openContent(data, { account, room: roomJid })
    if (typeof opened !== 'string' && opened.opened.body !== undefined) yield opened.opened.body
  }
}

/** One life. */
export async function live(crash?: Crash): Promise<Life> {
  const world = new World('life')
  const suiteOf = (name: string) => provider.open(parameters, seededRng(name))
  const alice = new Fragile(world, crash)
  const bob = await world.device('bob@a.test/x', { suite: suiteOf('bob') })
  const carol = await world.device('carol@a.test/x', { suite: suiteOf('carol') })
  /** What alice knows to have sent, what she may have, and what was sent to her. */
  const sent = new Set<string>()
  const maybe = new Set<string>()
  const told = new Set<string>()
  await alice.start()
  const say = async (...texts: readonly string[]) => {
    for (const text of texts) maybe.add(text)
    await alice.try((room) => Promise.all(texts.map(async (text) => await room.send(text).then(() => sent.add(text)))))
  }
  const inside = (who: string) => (room: MlsRoom) => room.devices().some((one) => one.account === who)
  await alice.ensure('bob in', inside('bob@a.test'), (room) => room.invite('bob@a.test'))
  await world.until('the invitation', () => bob.client.invitations.length > 0)
  const bobs = await bob.client.room(roomJid)
  const heard = listen(bobs)
  const answer = async (text: string) => {
    await bobs.send(text)
    told.add(text)
  }
  await say('one')
  await answer('hello')
  await alice.try((room) => room.update())
  await say('two', 'three', 'four')
  await Promise.all([alice.try((room) => room.update()), bobs.update().catch(() => undefined)])
  await answer('after the race')
  await alice.ensure('carol in', inside('carol@a.test'), (room) => room.invite('carol@a.test'))
  await world.until('her invitation', () => carol.client.invitations.length > 0)
  const carols = await carol.client.room(roomJid)
  await carols.send('carol here')
  told.add('carol here')
  await say('five')
  await alice.ensure(
    'carol out',
    (room) => !inside('carol@a.test')(room),
    (room) => room.remove('carol@a.test'),
  )
  const leaving = alice.restart()
  await answer('while away')
  await leaving
  await say('six')
  await bobs.update()
  await answer('in a new epoch')
  await alice.try((room) => room.rejoin())
  await alice.ensure(
    'in again',
    ({ health }) => health.state === 'active',
    (room) => room.rejoin(),
  )
  await say('seven')
  await answer('the end')
  for (let i = 0; i < 40; i++) {
    await world.wait(2_000)
    if (alice.room?.idle === true && bobs.idle && alice.shown.has('the end')) break
  }
  await alice.ensure(
    'in at the end',
    ({ health }) => health.canSend,
    (room) => room.synchronise(),
  )
  // a second time, where that was what failed
  if (!(await alice.try((room) => room.send('last')))) await alice.try((room) => room.send('last'))
  await world.wait(2_000)

  const violations = [...alice.violations, ...alice.log.violations]
  const equal = (a: MlsRoom | undefined, b: MlsRoom) =>
    a !== undefined && toHex(a.epochAuthenticator) === toHex(b.epochAuthenticator)
  if (!equal(alice.room, bobs)) violations.push('I3: two histories')
  if (bobs.devices().length !== 2) violations.push(`I3: ${bobs.devices().length} devices`)
  for (const text of told) {
    const { times, again } = alice.shown.get(text) ?? { times: 0, again: 0 }
    if (times === 0) violations.push(`I4: alice was not shown "${text}"`)
    if (times - again > 1) violations.push(`I4: alice was shown "${text}" ${times} times`)
  }
  for (const text of maybe) {
    const times = heard.messages.filter(({ body }) => body === text).length
    if (times > 1 || (times === 0 && (sent.has(text) || alice.accepted.has(text))))
      violations.push(`I4: bob was shown "${text}" ${times} times`)
  }
  if (!heard.messages.some(({ body }) => body === 'last')) violations.push('I7: alice cannot send')
  for (const { reason } of heard.unreadable) violations.push(`bob: unreadable ${reason}`)
  // a number that was given out and never sent would be missed
  for (const { kind } of [...bobs.health.issues, ...(alice.room?.health.issues ?? [])])
    violations.push(`issue: ${kind}`)
  const life = { violations, crashed: alice.crashed, operations: alice.operations, seals: alice.log.seals }
  await alice.stop()
  await bob.client.close()
  await carol.client.close()
  world.stop()
  return life
}
