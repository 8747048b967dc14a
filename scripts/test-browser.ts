/**
 * The engine in real headless Chromium: bundled by esbuild and by Vite from `dist/`, as an application would, then all suites
 * create, join, talk, remove, restore; and a larger group is joined over Web Workers. `CHROMIUM` names another executable. Ends
 * with `N passed, N failed`.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build as esbuild } from 'esbuild'
import { chromium } from 'playwright-core'
import { build as vite } from 'vite'

const { CHROMIUM = '/usr/bin/chromium' } = process.env
const root = join(import.meta.dirname, '..')
const page = join(root, 'test/browser/page.ts')
const webPool = 'xmpp-mls/providers/pool/web'
const alias = { [webPool]: join(root, 'dist/providers/pool/web.js'), 'xmpp-mls': join(root, 'dist/index.js') }

/** The text of a page or of a worker: esbuild makes no worker out of a URL, and so an application bundles that apart. */
async function withEsbuild(entry: string): Promise<string> {
  const { outputFiles } = await esbuild({
    entryPoints: [entry],
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    platform: 'browser',
    alias,
  })
  return outputFiles[0]!.text
}

/** Every chunk by its path. */
async function withVite(): Promise<[string, string][]> {
  const folder = mkdtempSync(join(tmpdir(), 'xmpp-mls-vite-'))
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(join(folder, 'page.ts'), readFileSync(page))
    await vite({
      root: folder,
      logLevel: 'warn',
      base: '/vite/',
      resolve: { alias },
      worker: { format: 'es' },
      build: { outDir: 'out', lib: { entry: 'page.ts', formats: ['es'], fileName: () => 'page.js' } },
    })
    const out = join(folder, 'out')
    return readdirSync(out, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.m?js$/.test(file))
      .map((file) => [`/vite/${file}`, readFileSync(join(out, file), 'utf8')])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const scripts = new Map<string, string>([
  ['/esbuild.js', await withEsbuild(page)],
  ['/web-worker.js', await withEsbuild(join(root, 'dist/providers/pool/web-worker.js'))],
  ...(await withVite()),
])
const server = createServer((request, response) => {
  const path = (request.url ?? '/').split('?')[0]!
  const script = scripts.get(path)
  response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript')
  const source = path === '/with-vite' ? '/vite/page.js' : '/esbuild.js'
  response.end(script ?? `<!doctype html><title>xmpp-mls</title><script type="module" src="${source}"></script>`)
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const address = `http://localhost:${(server.address() as AddressInfo).port}`
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
    ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
  ],
})
let passed = 0
let failed = 0
for (const bundler of ['esbuild', 'vite']) {
  const tab = await browser.newPage()
  tab.on('pageerror', (error) => console.error(error))
  tab.on('console', (message) => console.error(message.text()))
  await tab.goto(`${address}/with-${bundler}`)
  await tab.waitForFunction(() => 'run' in globalThis, undefined, { timeout: 10_000 })
  const outcomes = await tab.evaluate(() =>
    (globalThis as unknown as { run(): Promise<{ name: string; problem: string }[]> }).run(),
  )
  for (const { name, problem } of outcomes) {
    if (problem === '') passed++
    else failed++
    console.log(`${problem === '' ? 'ok    ' : 'FAILED'} ${bundler} ${name} ${problem}`)
  }
}
console.log(`Chromium ${browser.version()}`)
await browser.close()
server.close()
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
