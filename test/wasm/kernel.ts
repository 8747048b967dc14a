/** Builds a WASM kernel from its sources (once per state of the sources), and gives tests a bump arena over its memory. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const wasmFolder = fileURLToPath(new URL('../../wasm', import.meta.url))

const sourceHash = (folders: readonly string[]): string => {
  const hash = createHash('sha256')
  for (const folder of folders)
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort())
      if (name.endsWith('.ts')) hash.update(name).update(readFileSync(join(folder, name)))
  return hash.digest('hex').slice(0, 16)
}

/** Compiled bytes of a kernel, kept in `wasm/build/` under a hash of its sources. */
export const kernelBytes = async (
  name: string,
  folders: readonly string[],
  build: () => Promise<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> => {
  const hash = sourceHash(folders.map((folder) => join(wasmFolder, folder)))
  const kept = join(wasmFolder, 'build', 'kept', `${name}-${hash}.wasm`)
  if (existsSync(kept)) return new Uint8Array(readFileSync(kept))
  const bytes = await build()
  mkdirSync(join(wasmFolder, 'build', 'kept'), { recursive: true })
  const temporary = `${kept}.${process.pid}`
  writeFileSync(temporary, bytes)
  renameSync(temporary, kept)
  return bytes
}

type Call = (...args: number[]) => number

/** One instance with a bump arena above `heapBase()`. */
export interface Kernel {
  /** Calls an export. */
  readonly call: (name: string, ...args: number[]) => number
  /** Copies bytes into the arena (unaligned when `shift` is given) and returns their address. */
  readonly put: (bytes: Uint8Array, shift?: number) => number
  /** Reserves zeroed bytes. */
  readonly room: (length: number) => number
  readonly read: (address: number, length: number) => Uint8Array<ArrayBuffer>
  readonly write: (address: number, bytes: Uint8Array) => void
  /** Forgets and clears the arena. */
  readonly reset: () => void
  /** True when all static memory from `from` to `heapBase()` is zero. */
  readonly staticIsZero: (from?: number) => boolean
  /** A copy of the static memory below `heapBase()`. */
  readonly staticCopy: () => Uint8Array<ArrayBuffer>
}

export const instantiate = (bytes: Uint8Array<ArrayBuffer>, pages = 64): Kernel => {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {})
  const memory = instance.exports['memory'] as WebAssembly.Memory
  memory.grow(Math.max(0, pages - memory.buffer.byteLength / 65536))
  const view = new Uint8Array(memory.buffer)
  const call = (name: string, ...args: number[]): number => (instance.exports[name] as Call)(...args)
  const base = call('heapBase')
  let top = base
  const room = (length: number): number => {
    const address = top
    top = (top + length + 15) & ~15
    return address
  }
  return {
    call,
    room,
    put: (bytes_, shift = 0) => {
      const address = room(bytes_.length + shift) + shift
      view.set(bytes_, address)
      return address
    },
    read: (address, length) => view.slice(address, address + length),
    write: (address, value) => view.set(value, address),
    reset: () => {
      view.fill(0, base, top)
      top = base
    },
    staticIsZero: (from = 0) => view.subarray(from, base).every((byte) => byte === 0),
    staticCopy: () => view.slice(0, base),
  }
}

/** Deterministic bytes for inputs (xorshift; not a secret generator). */
export const pattern = (length: number, seed: number): Uint8Array<ArrayBuffer> => {
  const out = new Uint8Array(length)
  let state = (seed * 2654435761 + 1) >>> 0 || 1
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    out[i] = state >>> 11
  }
  return out
}

export const fromHex = (hex: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(hex, 'hex'))

export interface WycheproofTest {
  readonly tcId: number
  readonly result: 'valid' | 'invalid' | 'acceptable'
  readonly flags: readonly string[]
  readonly [field: string]: unknown
}
export interface WycheproofGroup {
  readonly tests: readonly WycheproofTest[]
  readonly [field: string]: unknown
}

/** The groups of a Wycheproof file, or undefined (after one line on the console) when the vectors folder lacks it. */
export const wycheproof = (file: string): readonly WycheproofGroup[] | undefined => {
  const folder = process.env['MLS_VECTORS_DIR'] ?? fileURLToPath(new URL('../../../shared/vectors', import.meta.url))
  const path = join(folder, 'wycheproof', file)
  if (!existsSync(path)) {
    console.log(`${file} not found`)
    return undefined
  }
  return (JSON.parse(readFileSync(path, 'utf8')) as { testGroups: WycheproofGroup[] }).testGroups
}

/** A hex field of a Wycheproof test as bytes. */
export const hexField = (test: WycheproofTest | WycheproofGroup, name: string): Uint8Array<ArrayBuffer> =>
  fromHex(String(test[name]))
