/**
 * Whether two builds of the kernels give the same bytes: each in a process and a folder of its own, with nothing of an earlier
 * build, and from paths of different lengths, so that no path, time or order of files can be in what is compared.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type KernelName, kernelNames, wasmBytes } from './build-wasm.ts'

const root = join(import.meta.dirname, '..')

/** The kernels whose two builds differ from each other, or from the one of this checkout. `folder`: an empty one in the checkout. */
export function differingBuilds(folder: string): KernelName[] {
  const builds = ['a', 'another-clone'].map((name) => buildAt(join(folder, name)))
  return kernelNames.filter((name) => {
    const expected = Buffer.from(wasmBytes(name))
    return !builds.every((built) => expected.equals(readFileSync(join(built, `${name}.wasm`))))
  })
}

/** Builds a copy of the sources. @returns the folder of the modules */
function buildAt(clone: string): string {
  mkdirSync(clone, { recursive: true })
  for (const part of ['wasm', 'scripts', 'src/providers/wasm/module-text.ts', 'package.json', 'tsconfig.json'])
    cpSync(join(root, part), join(clone, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'), 'junction')
  const out = join(clone, 'out')
  const program = `const { ensureWasm, writeWasmFiles } = await import('./scripts/build-wasm.ts'); await ensureWasm(); writeWasmFiles(${JSON.stringify(out)})`
  execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
    cwd: clone,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return out
}
