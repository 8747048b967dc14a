/**
 * `npx tsx examples/web/serve.ts`: Prosody in a temporary folder, the page on a port of this machine, and the addresses of two
 * tabs. After `npm run build`. With `--test` headless Chromium plays both people, once.
 */
import { join } from 'node:path'
import { createServer } from 'vite'
import { startProsody } from '../../scripts/servers.ts'

const root = join(import.meta.dirname, '../..')
const server = await startProsody()
const people = ['dora', 'emil']
for (const user of people) await server.register(user, 'secret')
const dist = join(root, 'dist')
const page = await createServer({
  root: import.meta.dirname,
  cacheDir: join(server.folder, 'vite'),
  logLevel: 'warn',
  server: { host: '127.0.0.1', port: 0, fs: { allow: [root] } },
  resolve: {
    alias: [
      { find: 'xmpp-mls/storage/indexeddb', replacement: join(dist, 'storage/indexeddb.js') },
      { find: 'xmpp-mls/xmpp/adapters/strophe', replacement: join(dist, 'xmpp/adapters/strophe.js') },
      { find: 'xmpp-mls/xmpp', replacement: join(dist, 'xmpp/index.js') },
    ],
  },
})
await page.listen()
const base = page.resolvedUrls?.local[0] ?? ''
const tabs = people.map((user) => {
  const query = { service: server.websocket, account: `${user}@${server.domain}`, password: 'secret' }
  return `${base}?${new URLSearchParams({ ...query, room: `kitchen@${server.rooms}` })}`
})

async function stop(code: number): Promise<void> {
  await page.close()
  await server.stop()
  process.exit(code)
}

/** Both people in one browser: what each sees of the other. */
async function play(): Promise<void> {
  const { chromium } = await import('playwright-core')
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  })
  const seen = async (tab: Tab, text: string) => await tab.getByText(text).first().waitFor({ timeout: 60_000 })
  const type = async (tab: Tab, text: string) => {
    await tab.fill('#text', text)
    await tab.press('#text', 'Enter')
  }
  type Tab = Awaited<ReturnType<typeof browser.newPage>>
  try {
    const open = async (address = ''): Promise<Tab> => {
      const tab = await browser.newPage()
      tab.on('pageerror', (error) => console.error(error.message))
      await tab.goto(address)
      return tab
    }
    const dora = await open(tabs[0])
    await seen(dora, 'in the room')
    const emil = await open(tabs[1])
    await seen(emil, 'waiting until')
    await type(dora, `/invite emil@${server.domain}`)
    await seen(emil, 'in the room')
    await type(dora, 'hello Emil')
    await seen(emil, `dora@${server.domain}: hello Emil`)
    await type(emil, 'hello Dora')
    await seen(dora, `emil@${server.domain}: hello Dora`)
    // the state is in IndexedDB: the same device comes back after a reload
    await emil.reload()
    await seen(emil, 'in the room')
    await type(emil, 'still here')
    await seen(dora, `emil@${server.domain}: still here`)
    console.log('two tabs talked, and one came back after a reload')
  } finally {
    await browser.close()
  }
}

if (process.argv.includes('--test'))
  await play().then(
    () => stop(0),
    (error: unknown) => {
      console.error(error)
      return stop(1)
    },
  )
else {
  console.log(`Open both, and type /invite emil@${server.domain} in the first:\n`)
  for (const tab of tabs) console.log(`  ${tab}\n`)
  console.log('Ctrl-C ends server and page.')
  process.once('SIGINT', () => void stop(0))
}
