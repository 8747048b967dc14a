/**
 * Compiles the kernels of `wasm/` and writes them where the package imports them: as text in
 * `src/providers/wasm/*.generated.ts`, and as `.wasm` files for `xmpp-mls/providers/wasm-file`. The same sources give the
 * same bytes. A kernel whose sources did not change since the last build is left alone.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fromModuleText, moduleAlphabet, plainValues } from '../src/providers/wasm/module-text.ts'

const root = join(import.meta.dirname, '..')
const target = join(root, 'src/providers/wasm')

/** The modules: the folders below `wasm/` that its bytes depend on, and how each is built; the compiler is slow to load. */
const kernels = {
  curve25519: {
    folders: ['curve25519'],
    build: async () => (await import('../wasm/curve25519/build.ts')).buildCurve25519(),
  },
  symmetric: {
    folders: ['symmetric'],
    build: async () => (await import('../wasm/symmetric/build.ts')).buildSymmetric(),
  },
  p256: {
    folders: ['p256', 'symmetric'],
    build: async () => (await import('../wasm/p256/build.ts')).buildP256(),
  },
} as const

export type KernelName = keyof typeof kernels
export const kernelNames = Object.keys(kernels) as KernelName[]

/** A digest of everything that the bytes of a module depend on: sources and compiler. */
function sourcesDigest(folders: readonly string[]): string {
  const hash = createHash('sha256')
  const compiler = createRequire(import.meta.url)('assemblyscript/package.json') as { readonly version: string }
  hash.update(compiler.version).update(moduleAlphabet)
  for (const folder of folders) {
    const path = join(root, 'wasm', folder)
    for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' }).sort())
      if (name.endsWith('.ts')) hash.update(`\0${folder}/${name}\0`).update(readFileSync(join(path, name)))
  }
  return hash.digest('hex')
}

const generatedPath = (name: KernelName) => join(target, `${name}.generated.ts`)

/** Readers see the old file or the new one, never half of one. */
function writeWhole(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.tmp`
  try {
    writeFileSync(temporary, content)
    renameSync(temporary, path)
  } finally {
    rmSync(temporary, { force: true })
  }
}

function isCurrent(name: KernelName, digest: string): boolean {
  const path = generatedPath(name)
  return existsSync(path) && readFileSync(path, 'utf8').slice(0, 400).includes(digest)
}

/** Brings the generated files up to date. @returns the names of the kernels that had to be compiled */
export async function ensureWasm(): Promise<KernelName[]> {
  const built: KernelName[] = []
  for (const name of kernelNames) {
    const { folders, build } = kernels[name]
    const digest = sourcesDigest(folders)
    if (isCurrent(name, digest)) continue
    const module = toModuleText(await build())
    const text = `/** Written by scripts/build-wasm.ts from wasm/${name}, sources ${digest}. */\nexport const ${name}Text: string =\n  '${module}'\n`
    writeWhole(generatedPath(name), text)
    built.push(name)
  }
  return built
}

/** See `module-text.ts`. */
function toModuleText(module: Uint8Array): string {
  return Array.from(module, (byte) => {
    const mark = Math.floor(byte / plainValues)
    return (mark > 0 ? moduleAlphabet.charAt(plainValues + mark - 1) : '') + moduleAlphabet.charAt(byte % plainValues)
  }).join('')
}

/** The bytes of a module, from its generated file. */
export function wasmBytes(name: KernelName): Uint8Array {
  const text = /'([^'\n]+)'/.exec(readFileSync(generatedPath(name), 'utf8'))?.[1]
  if (text === undefined) throw new Error(`${name}.generated.ts holds no module`)
  return fromModuleText(text)
}

/** Writes the modules as files, for callers that load them on their own. */
export function writeWasmFiles(folder: string): void {
  for (const name of kernelNames) writeWhole(join(folder, `${name}.wasm`), wasmBytes(name))
}

/** vitest calls this before the first test. */
export async function setup(): Promise<void> {
  await ensureWasm()
}
