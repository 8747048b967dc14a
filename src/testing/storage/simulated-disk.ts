/**
 * A model of a disk that loses power. Writes go to a buffer and reach the medium at the next barrier ({@link
 * SimulatedDisk.sync}); at a chosen operation the power fails, and the fault decides what of the buffer has arrived:
 *
 * | fault       | of the operations since the last barrier                                                        |
 * |-------------|--------------------------------------------------------------------------------------------------|
 * | `lost`      | none                                                                                             |
 * | `torn`      | all but the last; of that, if it is a write, a part from the front                                |
 * | `reordered` | any subset, writes by sectors of 512 bytes, the rest of a grown file being zeros                  |
 * | `full`      | no loss of power: from the chosen operation on nothing that takes room succeeds, and the failing  |
 * |             | write leaves a part behind; {@link SimulatedDisk.makeRoom} ends it                                |
 *
 * Everything is a function of the seed. Every write, truncation, renaming, removal and barrier is one operation; number 1 is
 * the first. The disk may also be told to fail reads, or to ignore barriers as a lying disk does.
 */
import { type Bytes, copyBytes } from '../../bytes/bytes.ts'

/** What goes wrong at the chosen operation. */
export type DiskFault = 'lost' | 'torn' | 'reordered' | 'full'

/** All faults. */
export const diskFaults: readonly DiskFault[] = ['lost', 'torn', 'reordered', 'full']

/** Options of a disk. */
export interface SimulatedDiskOptions {
  readonly fault?: DiskFault
  /** The operation at which the fault happens; never, when absent. */
  readonly at?: number
  readonly seed?: number
  /** Barriers return at once and guarantee nothing. */
  readonly ignoreSync?: boolean
}

/** What the file system answers when it fails: `code` is that of the operating system, or `POWER` after the loss of power. */
export class DiskError extends Error {
  readonly code: 'ENOSPC' | 'EIO' | 'POWER'

  constructor(code: 'ENOSPC' | 'EIO' | 'POWER') {
    super(`simulated disk: ${code}`)
    this.code = code
  }
}

interface File {
  readonly inode: number
  bytes: Bytes
}

type Operation =
  | { readonly kind: 'write'; readonly inode: number; readonly offset: number; readonly bytes: Bytes }
  | { readonly kind: 'truncate'; readonly inode: number; readonly size: number }
  | { readonly kind: 'create'; readonly name: string; readonly inode: number }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'remove'; readonly name: string }

type Image = Map<string, File>

const sector = 512

/** The disk. All calls are synchronous; after the power has failed each of them throws. */
export class SimulatedDisk {
  /** Whether reads fail with `EIO`. */
  failReads = false
  readonly #options: SimulatedDiskOptions
  readonly #random: () => number
  #durable: Image
  #current: Image
  #buffer: Operation[] = []
  #operations = 0
  #inodes = 0
  #off = false
  #full = false

  constructor(options: SimulatedDiskOptions = {}, content: Image = new Map()) {
    this.#options = options
    this.#random = generator(options.seed ?? 1)
    this.#durable = copyImage(content)
    this.#current = copyImage(content)
    for (const { inode } of content.values()) this.#inodes = Math.max(this.#inodes, inode)
  }

  /** The operations so far: what `at` counts. */
  get operations(): number {
    return this.#operations
  }

  /** Whether the power has failed. */
  get off(): boolean {
    return this.#off
  }

  /** The files, in no order. */
  list(): string[] {
    this.#powered()
    return [...this.#current.keys()]
  }

  /** What tells a file from another of the same name, or `undefined` when there is none. */
  inode(name: string): number | undefined {
    this.#powered()
    return this.#current.get(name)?.inode
  }

  /** The length of a file, 0 when there is none. */
  size(name: string): number {
    this.#powered()
    return this.#current.get(name)?.bytes.length ?? 0
  }

  /** Bytes of a file; fewer at its end. */
  read(name: string, offset: number, length: number): Bytes {
    this.#powered()
    if (this.failReads) throw new DiskError('EIO')
    return copyBytes((this.#current.get(name)?.bytes ?? new Uint8Array(0)).subarray(offset, offset + length))
  }

  /** Writes bytes at an offset, creating and extending the file. */
  write(name: string, offset: number, bytes: Uint8Array): void {
    const file = this.#current.get(name)
    const inode = file?.inode ?? ++this.#inodes
    const grows = offset + bytes.length > (file?.bytes.length ?? 0)
    const create: Operation[] = file === undefined ? [{ kind: 'create', name, inode }] : []
    this.#operate([...create, { kind: 'write', inode, offset, bytes: copyBytes(bytes) }], grows)
  }

  /** Cuts a file. */
  truncate(name: string, size: number): void {
    const inode = this.inode(name)
    if (inode !== undefined) this.#operate([{ kind: 'truncate', inode, size }], false)
  }

  /** Renames a file over another, atomically. */
  rename(from: string, to: string): void {
    this.#operate([{ kind: 'rename', from, to }], false)
  }

  /** Removes a file. */
  remove(name: string): void {
    this.#operate([{ kind: 'remove', name }], false)
  }

  /** The barrier: everything before is on the medium. */
  sync(): void {
    this.#operate([], false)
    if (this.#options.ignoreSync) return
    this.#durable = copyImage(this.#current)
    this.#buffer = []
  }

  /** Ends a fault of the kind `full`. */
  makeRoom(): void {
    this.#full = false
  }

  /** The disk as it is found after a loss of power now or before, with other options. */
  restart(options: SimulatedDiskOptions = {}): SimulatedDisk {
    if (!this.#off) this.#powerOff()
    return new SimulatedDisk(options, this.#durable)
  }

  #powered(): void {
    if (this.#off) throw new DiskError('POWER')
  }

  #operate(operations: readonly Operation[], takesRoom: boolean): void {
    this.#powered()
    const now = ++this.#operations === this.#options.at
    if (now && this.#options.fault === 'full') this.#full = true
    if (this.#full && takesRoom) {
      for (const operation of operations) this.#record(this.#part(operation))
      throw new DiskError('ENOSPC')
    }
    for (const operation of operations) this.#record(operation)
    if (now && this.#options.fault !== 'full') {
      this.#powerOff()
      throw new DiskError('POWER')
    }
  }

  #record(operation: Operation): void {
    this.#buffer.push(operation)
    perform(this.#current, operation)
  }

  /** An operation of which only a part from the front was done. */
  #part(operation: Operation): Operation {
    if (operation.kind !== 'write') return operation
    const length = Math.floor(this.#random() * operation.bytes.length)
    return { ...operation, bytes: copyBytes(operation.bytes.subarray(0, length)) }
  }

  #powerOff(): void {
    this.#off = true
    const fault = this.#options.fault ?? 'lost'
    let arrived: Operation[] = []
    if (fault === 'torn')
      arrived = this.#buffer.map((operation, i) => (i === this.#buffer.length - 1 ? this.#part(operation) : operation))
    if (fault === 'reordered')
      arrived = this.#buffer.flatMap(sectors).filter((operation) => operation.kind === 'create' || this.#random() < 0.5)
    for (const operation of arrived) perform(this.#durable, operation)
    this.#buffer = []
  }
}

function sectors(operation: Operation): Operation[] {
  if (operation.kind !== 'write') return [operation]
  const parts: Operation[] = []
  for (let start = 0; start < operation.bytes.length; ) {
    const end = Math.min(start + sector - ((operation.offset + start) % sector), operation.bytes.length)
    parts.push({
      ...operation,
      offset: operation.offset + start,
      bytes: copyBytes(operation.bytes.subarray(start, end)),
    })
    start = end
  }
  return parts
}

function perform(image: Image, operation: Operation): void {
  switch (operation.kind) {
    case 'create':
      image.set(operation.name, { inode: operation.inode, bytes: new Uint8Array(0) })
      return
    case 'rename': {
      const file = image.get(operation.from)
      if (file === undefined) return
      image.delete(operation.from)
      image.set(operation.to, file)
      return
    }
    case 'remove':
      image.delete(operation.name)
      return
    default: {
      const file = [...image.values()].find(({ inode }) => inode === operation.inode)
      if (file === undefined) return
      if (operation.kind === 'truncate') file.bytes = copyBytes(file.bytes.subarray(0, operation.size))
      else {
        const end = Math.max(file.bytes.length, operation.offset + operation.bytes.length)
        const bytes = new Uint8Array(end)
        bytes.set(file.bytes)
        bytes.set(operation.bytes, operation.offset)
        file.bytes = bytes
      }
    }
  }
}

function copyImage(image: Image): Image {
  return new Map([...image].map(([name, { inode, bytes }]) => [name, { inode, bytes: copyBytes(bytes) }]))
}

/** Numbers from 0 (inclusive) to 1 that depend on the seed alone (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
