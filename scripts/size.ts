/**
 * `npm run size`: what an application pays for the package, in bytes of gzip, against its budget; and whether the browser
 * builds of esbuild and Vite work and are free of Node's modules; and whether two clean builds of the WASM modules are the
 * same, byte for byte. Exits with 1 when something is not so.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stdout } from 'node:process'
import { gzipSync } from 'node:zlib'
import { build as esbuild } from 'esbuild'
import { build as vite } from 'vite'
import { ensureWasm, wasmBytes } from './build-wasm.ts'
import { differingBuilds } from './reproducible.ts'

const root = join(import.meta.dirname, '..')
const budgets = { modules: 35_000, engine: 110_000 }

/** What a group needs; the default provider of `cipherSuite` brings the modules. */
const application = `export {
  basicAuthentication, cipherSuite, createGroup, createIdentity, createKeyPackage, decodeMlsMessage, encodeMlsMessage,
  joinExternal, joinGroup, keySigner, MlsError, restoreGroup,
} from 'xmpp-mls'`

const gzip = (bytes: Uint8Array) => gzipSync(bytes, { level: 9 }).length
let failed = false

function report(name: string, size: number, budget?: number): void {
  const over = budget !== undefined && size >= budget
  failed ||= over
  const limit = budget === undefined ? '' : ` of ${budget}${over ? '  OVER' : ''}`
  stdout.write(`${name.padEnd(52)}${String(size).padStart(8)} B gzip${limit}\n`)
}

function fail(message: string): void {
  failed = true
  stdout.write(`${message}\n`)
}

const alias = { 'xmpp-mls': join(root, 'src/index.ts') }
// a folder inside the checkout, where the dependencies are found
const folder = mkdtempSync(join(root, 'node_modules/.size-'))
try {
  await ensureWasm()
  const modules = (['curve25519', 'symmetric'] as const).map((name) => gzip(wasmBytes(name)))
  report(
    'WASM modules for suites 1 and 3',
    modules.reduce((sum, size) => sum + size, 0),
    budgets.modules,
  )
  report('WASM module for suite 2', gzip(wasmBytes('p256')))
  const differing = differingBuilds(join(folder, 'clones'))
  if (differing.length > 0) fail(`two clean builds differ: ${differing.join(', ')}`)
  else stdout.write('WASM modules: two clean builds are the same bytes\n')
  const entry = join(folder, 'application.ts')
  writeFileSync(entry, application)
  await withEsbuild(entry)
  await withVite(entry)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = failed ? 1 : 0

/** The chunks that load at once, and those that load when they are needed. */
async function withEsbuild(entry: string): Promise<void> {
  const { outputFiles, metafile } = await esbuild({
    entryPoints: [entry],
    outdir: join(folder, 'esbuild'),
    absWorkingDir: root,
    alias,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    metafile: true,
  })
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [join(root, path), output]))
  const first = new Set<string>()
  const visit = (path: string): void => {
    if (first.has(path)) return
    first.add(path)
    for (const { path: next, kind } of outputs.get(path)?.imports ?? [])
      if (kind === 'import-statement') visit(join(root, next))
  }
  for (const [path, { entryPoint }] of outputs) if (entryPoint?.endsWith('application.ts')) visit(path)
  let [now, later] = [0, 0]
  for (const { path, contents } of outputFiles) {
    if (first.has(path)) now += gzip(contents)
    else later += gzip(contents)
    refuseNode('esbuild', contents)
  }
  report('esbuild: engine with all WASM modules', now, budgets.engine)
  report('esbuild: noble, for other suites, when needed', later)
}

async function withVite(entry: string): Promise<void> {
  const outDir = join(folder, 'vite')
  await vite({
    root,
    configFile: false,
    logLevel: 'error',
    resolve: { alias },
    build: { outDir, lib: { entry, formats: ['es'] }, target: 'es2022', minify: true },
  })
  const files = readdirSync(outDir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'))
  for (const name of files) refuseNode('Vite', readFileSync(join(outDir, name)))
  stdout.write(`Vite: built, ${files.length} files\n`)
}

/** Node's modules. A guarded `import("crypto")` of hpke-js, for Node 18, is left: browsers never come there. */
function refuseNode(bundler: string, contents: Uint8Array): void {
  const text = Buffer.from(contents).toString('latin1')
  const found = /["'`]node:\w+|\b(?:from|require\()\s*["'](?:crypto|fs|path|buffer|os|util)["']/.exec(text)
  if (found !== null) fail(`${bundler}: the browser build imports ${found[0]}`)
}
