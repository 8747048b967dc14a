/** Builds the curve25519 module: generated and hand-written AssemblyScript in memory, compiled with the `assemblyscript` package. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'
import { generateCurve25519 } from './generate.ts'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))
const FLAGS = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd']

/**
 * Compiles the module and returns its bytes. The same sources give the same bytes. Throws with the compiler's messages.
 * @param exported for tests: text of a module in place of `module.ts`, that exports inner functions
 */
export async function buildCurve25519(exported?: string): Promise<Uint8Array> {
  const generated: Record<string, string> = {
    ...generateCurve25519(),
    ...(exported === undefined ? {} : { module: exported }),
  }
  const readFile = (name: string): string | null => {
    const stem = name.replaceAll('\\', '/').replace(/^\.\//, '').replace(/\.ts$/, '')
    const source = generated[stem]
    if (source !== undefined) return source
    if (!/^[a-z0-9-]+$/.test(stem) || !name.endsWith('.ts')) return null
    try {
      return readFileSync(join(FOLDER, `${stem}.ts`), 'utf8')
    } catch {
      return null
    }
  }
  let wasm: Uint8Array | undefined
  const stderr = asc.createMemoryStream()
  const { error } = await asc.main(['module.ts', '--outFile', 'module.wasm', ...FLAGS], {
    stderr,
    readFile,
    listFiles: () => [],
    writeFile: (_name: string, contents: Uint8Array | string) => {
      if (typeof contents !== 'string') wasm = contents
    },
  })
  if (error || wasm === undefined) throw new Error(`curve25519: ${error?.message ?? 'no output'}\n${stderr.toString()}`)
  return wasm
}
