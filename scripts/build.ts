/** `npm run build`: the WebAssembly kernels, then `dist/`. */
import { spawnSync } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ensureWasm, writeWasmFiles } from './build-wasm.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

await ensureWasm()
rmSync(dist, { recursive: true, force: true })
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
const { status } = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], {
  stdio: 'inherit',
  cwd: root,
})
writeWasmFiles(join(dist, 'providers/wasm'))
// npm runs it as a program
if (status === 0) chmodSync(join(dist, 'cli/main.js'), 0o755)
process.exitCode = status ?? 1
