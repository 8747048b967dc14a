/**
 * Runs the AssemblyScript compiler over one kernel folder. Generated text is handed to the compiler from memory, so two builds
 * at the same time cannot see each other's half-written files; a copy goes to `wasm/build/` for people who want to read it.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main } from 'assemblyscript/asc'

const wasmFolder = fileURLToPath(new URL('..', import.meta.url))

/** Source text the generators make, by path relative to `wasm/` (for example `build/symmetric/sha256.ts`). */
export type GeneratedSources = Readonly<Record<string, string>>

const keepCopy = (path: string, text: string): void => {
  const target = join(wasmFolder, path)
  mkdirSync(dirname(target), { recursive: true })
  const temporary = `${target}.${process.pid}`
  writeFileSync(temporary, text)
  renameSync(temporary, target)
}

const readOrNull = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/**
 * Compiles `entry` (path relative to `wasm/`) with the given generated sources.
 * @returns the bytes of the module; the same sources and compiler always give the same bytes.
 * @throws Error with the compiler's messages when the sources do not compile.
 */
export async function compileKernel(entry: string, generated: GeneratedSources): Promise<Uint8Array<ArrayBuffer>> {
  for (const [path, text] of Object.entries(generated)) keepCopy(path, text)
  let output: Uint8Array | undefined
  const { error, stderr } = await main(
    [entry, '--outFile', 'out.wasm', '-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd'],
    {
      readFile: (name, base) => {
        const path = normalize(name).split(sep).join('/')
        return generated[path] ?? readOrNull(join(base === '.' ? wasmFolder : join(wasmFolder, base), name))
      },
      writeFile: (name, contents) => {
        if (name.endsWith('.wasm') && typeof contents !== 'string') output = contents
      },
      listFiles: () => [],
    },
  )
  if (error !== null || output === undefined) throw new Error(`${entry} does not compile\n${stderr.toString()}`)
  return new Uint8Array(output)
}
