/** Devices with a group store, and a room that gives everything one order. */
import { randomBytes } from 'node:crypto'
import { basicAuthentication } from '../../src/authentication/basic-authentication.ts'
import { type Bytes, copyBytes, equalBytes } from '../../src/bytes/bytes.ts'
import { MlsError } from '../../src/bytes/errors.ts'
import { fromUtf8, toHex, utf8 } from '../../src/bytes/text.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { type GroupOptions, makeConfig } from '../../src/group/defaults.ts'
import type { Identity } from '../../src/group/key-package.ts'
import { type GroupStore, openGroupStore } from '../../src/group-store/group-store.ts'
import { key64 } from '../../src/group-store/layout.ts'
import type { OutboxEntry } from '../../src/group-store/outbox.ts'
import type { ArchiveEntry, Received } from '../../src/group-store/received.ts'
import type { GroupStoreOptions } from '../../src/group-store/store-context.ts'
import { createIdentity } from '../../src/index.ts'
import type { Anchor, AnchorMark } from '../../src/ports/anchor.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { systemClock } from '../../src/providers/system-clock.ts'
import { MemoryMedium, openMemoryStorage } from '../../src/storage/memory.ts'
import { openSuite } from '../support/suite.ts'

export const random = (length: number): Bytes => copyBytes(randomBytes(length))

/** The port in memory. */
export class MemoryAnchor implements Anchor {
  mark: AnchorMark | undefined
  async read() {
    return this.mark
  }
  async write(mark: AnchorMark) {
    this.mark = { ...mark, storeId: copyBytes(mark.storeId) }
  }
}

/** Everything that was sent, in the one order that counts. */
export class Room {
  readonly archive: { readonly from: string; readonly message: Bytes }[] = []
  readonly welcomes: Bytes[] = []

  post(from: string, entry: OutboxEntry): void {
    if (entry.kind === 'welcome') this.welcomes.push(entry.bytes)
    else if (entry.kind !== 'group_info') this.archive.push({ from, message: entry.bytes })
  }

  /** What a device has not read yet. */
  after(name: string, cursor: Uint8Array | undefined): ArchiveEntry[] {
    const start = cursor === undefined ? 0 : Number(new DataView(cursor.buffer, cursor.byteOffset).getBigUint64(0)) + 1
    return this.archive
      .slice(start)
      .map(({ from, message }, i) => ({ message, cursor: key64(start + i), own: from === name }))
  }
}

/** A device: its identity stays when its store is opened again. */
export class Device {
  readonly name: string
  readonly identity: Identity
  readonly suite: CipherSuite
  readonly signers: Identity[]
  readonly medium = new MemoryMedium()
  readonly options: GroupOptions

  constructor(name: string, suite: CipherSuite = openSuite(1), options: GroupOptions = {}) {
    this.name = name
    this.suite = suite
    this.identity = createIdentity(suite, name)
    this.signers = [this.identity]
    this.options = options
  }

  storage(): Promise<Storage> {
    return openMemoryStorage({ medium: this.medium, randomBytes: random })
  }

  async open(changes: Partial<GroupStoreOptions> = {}): Promise<GroupStore> {
    return openGroupStore({
      storage: changes.storage ?? (await this.storage()),
      config: makeConfig(this.options, {
        authentication: basicAuthentication(),
        psks: { externalPsk: () => undefined },
        clock: systemClock,
      }),
      suite: () => this.suite,
      signer: (key) => this.signers.find(({ signer }) => equalBytes(signer.publicKey, key))?.signer,
      randomBytes: random,
      ...changes,
    })
  }
}

/** Sends what is in the outbox, and takes everything but commits out of it. */
export async function deliver(device: Device, store: GroupStore, room: Room): Promise<void> {
  for (const entry of store.outbox()) {
    if (!room.archive.some(({ message }) => equalBytes(message, entry.bytes))) room.post(device.name, entry)
    if (entry.kind === 'welcome' || entry.kind === 'group_info') await store.sent(entry.id)
  }
}

/** Reads the room from the cursor on. */
export async function catchUp(device: Device, store: GroupStore, groupId: Uint8Array, room: Room): Promise<Received[]> {
  const group = await store.open(groupId)
  const { received } = await group.reconcile(room.after(device.name, await group.cursor()))
  return [...received]
}

/** A group of devices, all of them in one epoch. */
export async function makeGroup(
  room: Room,
  ...devices: readonly { readonly device: Device; readonly store: GroupStore }[]
): Promise<Bytes> {
  const [first, ...others] = devices
  if (first === undefined) throw new Error('a group of nobody')
  const group = await first.store.create({ suite: first.device.suite, identity: first.device.identity })
  const bundles = []
  for (const { device, store } of others)
    bundles.push(await store.createKeyPackage({ suite: device.suite, identity: device.identity }))
  await group.commit({ add: bundles.map(({ message }) => message) })
  await deliver(first.device, first.store, room)
  await catchUp(first.device, first.store, group.id, room)
  await deliver(first.device, first.store, room)
  const cursor = key64(room.archive.length - 1)
  for (const { device, store } of others)
    await store.join({ suite: device.suite, welcome: room.welcomes.at(-1)!, cursor })
  return group.id
}

/** The texts among the messages. */
export function texts(received: readonly Received[]): string[] {
  return received.flatMap(({ result }) => (result.kind === 'message' ? [fromUtf8(result.data)] : []))
}

export const bytesOf = utf8

/** What a group is, to compare: secrets and all. */
export async function digest(store: GroupStore, groupId: Uint8Array): Promise<string> {
  const group = await store.open(groupId)
  return group.read(async (one) => toHex(one.suite.hash(one.snapshot())))
}

/** The code of the error that a promise ends with. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'no error'
  } catch (error) {
    return error instanceof MlsError ? error.code : `not typed: ${String(error)}`
  }
}
