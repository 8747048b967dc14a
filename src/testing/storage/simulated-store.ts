/**
 * A small log-structured driver over the simulated disk: each batch is one checksummed frame (log-format.ts) and one barrier;
 * a log that has grown too long is written anew beside the old one and renamed over it. Memory holds where each value is, so
 * that reads go to the disk. It is real enough that the faults of the disk mean something, and no more: tests only.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { type Bytes, concatBytes, copyBytes, equalBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import type { OwnershipPolicy, Storage, StorageEntry, StorageOwner, TableSize } from '../../ports/storage.ts'
import { Handle } from '../../storage/handle.ts'
import { MemoryMedium } from '../../storage/memory.ts'
import { checkFence, decodeOwner, encodeOwner, nextOwner, type RandomBytes } from '../../storage/owner.ts'
import { copyBatch, ownerAddress, type RowOperation, rowAddress, rowRange, splitAddress } from '../../storage/rows.ts'
import { addToSizes } from '../../storage/sizes.ts'
import { encodeFrame, type Frame, frameAt, readLog } from './log-format.ts'
import type { SimulatedDisk } from './simulated-disk.ts'

/** Options of {@link openSimulatedStorage}. */
export interface SimulatedStorageOptions {
  readonly disk: SimulatedDisk
  readonly randomBytes: RandomBytes
  readonly ifOwned?: OwnershipPolicy
  /** The length of the log, in bytes, from which on it is compacted; 1 MiB by default. */
  readonly compactAt?: number
}

const logName = 'log'
const freshName = 'log.new'
const everything = {
  from: new Uint8Array(1),
  before: Uint8Array.of(255),
  reverse: false,
  limit: Number.POSITIVE_INFINITY,
}

function translate(cause: unknown): MlsError {
  if ((cause as { code?: unknown }).code === 'ENOSPC') return new MlsError('storage/full', 'no room', { cause })
  return new MlsError('storage/io', 'simulated disk', { cause })
}

/**
 * Opens the store of a simulated disk.
 * @throws `storage/busy`, `storage/damaged`, `storage/full`, `storage/io`
 */
export async function openSimulatedStorage(options: SimulatedStorageOptions): Promise<Storage> {
  const log = new Log(options.disk, options.compactAt ?? 1024 * 1024)
  try {
    log.load()
    log.repair()
    const previous = decodeOwner(log.value(ownerAddress))
    if (previous?.held && options.ifOwned === 'refuse') throw new MlsError('storage/busy', 'the store has an owner')
    const owner = nextOwner(previous, options.randomBytes, 0)
    log.append([{ kind: 'put', address: copyBytes(ownerAddress), value: encodeOwner(owner) }])
    return new SimulatedStorage(log, owner)
  } catch (cause) {
    throw cause instanceof MlsError ? cause : translate(cause)
  }
}

/** The log and where its values are. An index entry is offset (6), length (4) and the start of the value's SHA-256 (8). */
class Log {
  readonly #disk: SimulatedDisk
  readonly #compactAt: number
  #index = new MemoryMedium()
  #end = 0
  #number = 0
  #inode: number | undefined

  constructor(disk: SimulatedDisk, compactAt: number) {
    this.#disk = disk
    this.#compactAt = compactAt
  }

  /** Reads the whole log. */
  load(): void {
    const { frames, end } = readLog(this.#disk.read(logName, 0, this.#disk.size(logName)))
    this.#index = new MemoryMedium()
    for (const frame of frames) this.#enter(frame)
    this.#end = end
    this.#number = frames.at(-1)?.number ?? 0
    this.#inode = this.#disk.inode(logName)
  }

  /** Cuts what a crash has left. */
  repair(): void {
    const disk = this.#disk
    if (disk.inode(freshName) !== undefined) disk.remove(freshName)
    if (disk.size(logName) > this.#end) disk.truncate(logName, this.#end)
    disk.sync()
  }

  /** Reads again when another handle has written. */
  refresh(): void {
    if (this.#disk.inode(logName) !== this.#inode || this.#disk.size(logName) !== this.#end) this.load()
  }

  /** One frame, one barrier. */
  append(rows: readonly RowOperation[]): void {
    const bytes = encodeFrame(this.#number + 1, rows)
    try {
      this.#disk.write(logName, this.#end, bytes)
    } catch (error) {
      // No room for the whole: take back the part, so that the next frame follows the last good one.
      if (!this.#disk.off) this.#disk.truncate(logName, this.#end)
      throw error
    }
    this.#disk.sync()
    this.#inode = this.#disk.inode(logName)
    this.#entered(bytes, this.#end)
    if (this.#end >= this.#compactAt) this.#compact()
  }

  #entered(bytes: Bytes, offset: number): void {
    const frame = frameAt(bytes, 0)
    if (frame === undefined) throw new MlsError('internal/unreachable', 'a frame of ours')
    this.#enter(frame, offset)
    this.#end = offset + bytes.length
    this.#number = frame.number
  }

  #enter(frame: Frame, base = 0): void {
    const rows = frame.operations.map(({ operation, valueOffset }): RowOperation => {
      if (operation.kind !== 'put') return operation
      const entry = new Uint8Array(18)
      const view = new DataView(entry.buffer)
      view.setUint16(0, Math.floor((base + valueOffset) / 2 ** 32))
      view.setUint32(2, (base + valueOffset) % 2 ** 32)
      view.setUint32(6, operation.value.length)
      entry.set(sha256(operation.value).subarray(0, 8), 10)
      return { ...operation, value: entry }
    })
    this.#index.applyRows(rows)
  }

  /** Writes all that is there into a new log and puts it in the place of the old one. */
  #compact(): void {
    const disk = this.#disk
    const rows = this.#index
      .rows(everything)
      .map(({ address }): RowOperation => ({ kind: 'put', address, value: this.value(address) ?? new Uint8Array(0) }))
    const bytes = encodeFrame(this.#number, rows)
    try {
      disk.write(freshName, 0, bytes)
    } catch (error) {
      // The batch is durable; a log that could not be compacted is only long.
      if (disk.off) throw error
      disk.remove(freshName)
      return
    }
    disk.sync()
    disk.rename(freshName, logName)
    disk.sync()
    this.#inode = disk.inode(logName)
    this.#entered(bytes, 0)
  }

  /** The value at an address, read from the disk. */
  value(address: Uint8Array): Bytes | undefined {
    const entry = this.#index.read(address)
    if (entry === undefined) return undefined
    const view = new DataView(entry.buffer)
    const offset = view.getUint16(0) * 2 ** 32 + view.getUint32(2)
    const value = this.#disk.read(logName, offset, view.getUint32(6))
    if (!equalBytes(sha256(value).subarray(0, 8), entry.subarray(10)))
      throw new MlsError('storage/damaged', 'a value is not what was written')
    return value
  }

  /** The addresses of an interval. */
  addresses(range: Parameters<MemoryMedium['rows']>[0]): Bytes[] {
    return this.#index.rows(range).map(({ address }) => address)
  }

  get size(): number {
    return this.#end
  }
}

class SimulatedStorage implements Storage {
  readonly owner: StorageOwner
  readonly #log: Log
  readonly #handle = new Handle(translate)

  constructor(log: Log, owner: StorageOwner) {
    this.#log = log
    this.owner = owner
  }

  async apply(batch: Parameters<Storage['apply']>[0]): Promise<void> {
    this.#handle.check()
    const rows = copyBatch(batch)
    try {
      this.#log.refresh()
      checkFence(this.owner, this.#log.value(ownerAddress))
      this.#log.append(rows)
    } catch (cause) {
      throw this.#handle.writeError(cause)
    }
  }

  #read<T>(read: (log: Log) => T): T {
    this.#handle.check()
    try {
      this.#log.refresh()
      return read(this.#log)
    } catch (cause) {
      throw this.#handle.readError(cause)
    }
  }

  async get(table: string, key: Uint8Array): Promise<Bytes | undefined> {
    return this.#read((log) => log.value(rowAddress(table, key)))
  }

  async getMany(keys: Parameters<Storage['getMany']>[0]): Promise<(Bytes | undefined)[]> {
    return this.readNow(keys)
  }

  readNow(keys: Parameters<Storage['getMany']>[0]): (Bytes | undefined)[] {
    return this.#read((log) => keys.map(({ table, key }) => log.value(rowAddress(table, key))))
  }

  async scan(table: string, range: Parameters<Storage['scan']>[1]): Promise<StorageEntry[]> {
    return this.#read((log) => {
      const rows = rowRange(table, range)
      return log.addresses(rows).map((address) => {
        const value = log.value(address) ?? new Uint8Array(0)
        return { key: copyBytes(address.subarray(rows.keyOffset)), value }
      })
    })
  }

  async scanKeys(table: string, range: Parameters<Storage['scanKeys']>[1]): Promise<Bytes[]> {
    return this.#read((log) => {
      const rows = rowRange(table, range)
      return log.addresses(rows).map((address) => copyBytes(address.subarray(rows.keyOffset)))
    })
  }

  async sizes() {
    return this.#read((log) => {
      const tables = new Map<string, TableSize>()
      for (const address of log.addresses({ ...everything, from: Uint8Array.of(1) })) {
        const { table, key } = splitAddress(address)
        addToSizes(tables, table, key.length, log.value(address)?.length ?? 0)
      }
      return { tables, mediumBytes: log.size }
    })
  }

  async close(): Promise<void> {
    if (!this.#handle.usable) return
    this.#handle.close()
    try {
      this.#log.refresh()
      const stored = decodeOwner(this.#log.value(ownerAddress))
      if (stored?.epoch !== this.owner.epoch) return
      const value = encodeOwner({ ...stored, held: false })
      this.#log.append([{ kind: 'put', address: concatBytes(ownerAddress), value }])
    } catch (cause) {
      throw this.#handle.readError(cause)
    }
  }
}
