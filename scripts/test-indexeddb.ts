/**
 * Tests the IndexedDB driver in real headless Chromium: conformance kit (plain and sealed), reload and closing of the tab in
 * the middle of batches, several tabs, a frozen tab; then the same with a real group: reload at every stage of a commit,
 * reload, closing and crash of a tab that sends, two tabs on one store. `npx tsx scripts/test-indexeddb.ts [rounds]`;
 * `CHROMIUM` names another executable. Prints `N passed, N failed` and fails when one did.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { chromium, type Page as Tab } from 'playwright-core'
import { fromBase64, toBase64 } from '../src/bytes/text.ts'
import { createIdentity, createKeyPackage } from '../src/index.ts'
import { TrialRoom } from '../test/group-store/trial-room.ts'
import type { GroupPage } from '../test/storage/browser/group.ts'
import type { Page } from '../test/storage/browser/page.ts'
import { openSuite } from '../test/support/suite.ts'

const rounds = Number(process.argv[2] ?? 20)
const width = 8
const { CHROMIUM = '/usr/bin/chromium' } = process.env
const bundle = await build({
  entryPoints: [join(import.meta.dirname, '../test/storage/browser/page.ts')],
  bundle: true,
  format: 'esm',
  write: false,
  platform: 'browser',
})
const script = bundle.outputFiles[0]!.text
const server = createServer((request, response) => {
  const isScript = request.url === '/page.js'
  response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
  response.end(
    isScript ? script : '<!doctype html><title>storage</title><script type="module" src="/page.js"></script>',
  )
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const address = `http://localhost:${(server.address() as AddressInfo).port}/`

const profile = mkdtempSync(join(tmpdir(), 'chromium-'))
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: CHROMIUM,
  args: [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
    ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
  ],
})

let passed = 0
let failed = 0
function report(name: string, problem: string): void {
  if (problem === '') passed++
  else {
    failed++
    console.error(`FAILED ${name}: ${problem}`)
  }
}
function same(name: string, actual: unknown, expected: unknown): void {
  report(name, actual === expected ? '' : `expected ${String(expected)}, got ${String(actual)}`)
}

async function tab(acknowledged: (i: number) => void = () => undefined): Promise<Tab> {
  const made = await browser.newPage()
  await made.exposeFunction('acknowledged', acknowledged)
  await load(made)
  return made
}
async function load(on: Tab): Promise<void> {
  await on.goto(address)
  await on.waitForFunction(() => 'page' in globalThis)
}
type Call = { [Name in keyof Page]: Page[Name] extends (...args: infer A) => infer R ? [A, Awaited<R>] : never }
function call<Name extends keyof Page>(on: Tab, name: Name, ...args: Call[Name][0]): Promise<Call[Name][1]> {
  return on.evaluate(
    ([method, list]) => {
      const api = (globalThis as unknown as { page: Record<string, (...values: unknown[]) => unknown> }).page
      return api[method as string]!(...(list as unknown[]))
    },
    [name, args] as const,
  ) as Promise<Call[Name][1]>
}
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

async function kit(): Promise<void> {
  const on = await tab()
  for (const driver of ['plain', 'sealed'] as const)
    for (const name of await call(on, 'checks')) report(`${driver}: ${name}`, await call(on, 'check', driver, name))
  await on.close()
}

/** Interrupts a tab that writes; every acknowledged batch must be there, and no half one. */
async function interruptions(): Promise<void> {
  let last = -1
  let lost = 0
  let on = await tab((i) => {
    last = Math.max(last, i)
  })
  for (let round = 0; round < rounds; round++) {
    same('opening for a round', await call(on, 'open', 'rounds', 'take'), 'ok')
    const found = await call(on, 'inspect', width)
    if (typeof found === 'string' || found < last) lost++
    report(`round ${round}`, typeof found === 'string' ? found : found < last ? `lost ${last - found} batches` : '')
    last = Number(found)
    call(on, 'hammer', last + 1, width).catch(() => undefined)
    await pause(30 + Math.random() * 250)
    if (round % 2 === 0) await load(on)
    else {
      await on.close({ runBeforeUnload: false })
      on = await tab((i) => {
        last = Math.max(last, i)
      })
    }
  }
  console.log(`${rounds} interruptions of ${last + 1} batches, ${lost} with loss`)
  await on.close()
}

/** Opens politely; the browser needs a moment to notice that the former owner is gone. */
async function openSoon(on: Tab): Promise<string> {
  for (let tries = 0; ; tries++) {
    const code = await call(on, 'open', 'tabs', 'refuse')
    if (code !== 'storage/busy' || tries === 50) return code
    await pause(100)
  }
}

async function tabs(): Promise<void> {
  const [a, b] = [await tab(), await tab()]
  same('first tab opens', await call(a, 'open', 'tabs', 'refuse'), 'ok')
  same('first tab writes', await call(a, 'put', 'k', 'a'), 'ok')
  same('second tab is refused', await call(b, 'open', 'tabs', 'refuse'), 'storage/busy')
  same('second tab takes', await call(b, 'open', 'tabs', 'take'), 'ok')
  same('second tab writes', await call(b, 'put', 'k', 'b'), 'ok')
  same('first tab is fenced', await call(a, 'put', 'k', 'late'), 'storage/fenced')
  same('the late batch changed nothing', await call(b, 'get', 'k'), 'b')
  const waiting = call(a, 'open', 'tabs', 'wait')
  same('a waiting tab waits', await Promise.race([waiting, pause(300).then(() => 'waits')]), 'waits')
  await call(b, 'close')
  same('a waiting tab gets the store', await waiting, 'ok')
  same('it reads what the other wrote', await call(a, 'get', 'k'), 'b')
  await a.close()
  same('a closed tab frees the store', await openSoon(b), 'ok')

  const frozen = b
  const control = await browser.newCDPSession(frozen)
  await control.send('Page.setWebLifecycleState', { state: 'frozen' })
  const c = await tab()
  same('a tab takes from a frozen one', await call(c, 'open', 'tabs', 'take'), 'ok')
  same('it writes', await call(c, 'put', 'k', 'c'), 'ok')
  await control.send('Page.setWebLifecycleState', { state: 'active' })
  same('the frozen tab is fenced when it wakes', await call(frozen, 'put', 'k', 'late'), 'storage/fenced')
  same('the row is the new owner’s', await call(c, 'get', 'k'), 'c')

  const crashing = await browser.newCDPSession(c)
  await Promise.race([crashing.send('Page.crash').catch(() => undefined), pause(1000)])
  same('a crashed tab frees the store', await openSoon(frozen), 'ok')
  same('its batches are there', await call(frozen, 'get', 'k'), 'c')
  await frozen.close()
}

type GroupCall = {
  [Name in keyof GroupPage]: GroupPage[Name] extends (...args: infer A) => infer R ? [A, Awaited<R>] : never
}
function onGroup<Name extends keyof GroupPage>(
  on: Tab,
  name: Name,
  ...args: GroupCall[Name][0]
): Promise<GroupCall[Name][1]> {
  return on.evaluate(
    ([method, list]) => {
      const api = (globalThis as unknown as { group: Record<string, (...values: unknown[]) => unknown> }).group
      return api[method as string]!(...(list as unknown[]))
    },
    [name, args] as const,
  ) as Promise<GroupCall[Name][1]>
}

/** A group of a tab and of a peer in this process, and the room between them. */
async function groupRoom(name: string) {
  const room = new TrialRoom()
  const openTab = async () => {
    const made = await browser.newPage()
    await made.exposeFunction('said', (line: string) => room.hear(line))
    await made.exposeFunction('archiveText', async () => {
      await room.idle()
      return room.archive
    })
    await load(made)
    return made
  }
  const bundle = await createKeyPackage({ suite: openSuite(1), identity: createIdentity(openSuite(1), 'bob') })
  const first = await openTab()
  const [identity, commit, welcome] = await onGroup(first, 'create', name, toBase64(bundle.message))
  await room.admit(bundle, fromBase64(commit), fromBase64(welcome))
  return { room, openTab, first, identity, open: (on: Tab) => onGroup(on, 'open', name, identity, 'take') }
}

/** Ends a tab: by loading it again, by closing it, by a crash of its process. */
async function interrupt(on: Tab, how: number, openTab: () => Promise<Tab>): Promise<Tab> {
  if (how === 0) {
    await load(on)
    return on
  }
  if (how === 1) await on.close({ runBeforeUnload: false })
  else {
    const control = await browser.newCDPSession(on)
    await Promise.race([control.send('Page.crash').catch(() => undefined), pause(500)])
  }
  return openTab()
}

/** A real group whose tab goes away at each stage of a commit, three times in each of three ways. */
async function commitStages(): Promise<void> {
  const { room, openTab, first, open } = await groupRoom('stages')
  let on = first
  const stages: Record<string, (on: Tab) => Promise<unknown>> = {
    'while it is stored': (tab) => onGroup(tab, 'startCommit'),
    'stored and not sent': (tab) => onGroup(tab, 'commit'),
    'sent and not read': async (tab) => {
      await onGroup(tab, 'commit')
      await onGroup(tab, 'post')
    },
    'while it is merged': async (tab) => {
      await onGroup(tab, 'commit')
      await onGroup(tab, 'post')
      await onGroup(tab, 'startCatchUp')
    },
  }
  let count = 0
  for (const [stage, act] of Object.entries(stages))
    for (let round = 0; round < 6; round++) {
      const name = `commit ${stage}, ${['reload', 'close', 'crash'][round % 3]} ${round}`
      same(`${name}: opens`, await open(on), 'ok')
      same(`${name}: catches up`, await onGroup(on, 'catchUp'), 'ok')
      await act(on)
      // a different moment of the batch each time
      if (round >= 3) await pause(Math.random() * 20)
      on = await interrupt(on, round % 3, openTab)
      same(`${name}: opens again`, await open(on), 'ok')
      same(`${name}: settles`, await onGroup(on, 'settle'), 'ok')
      same(`${name}: sends`, await onGroup(on, 'send', `s${count++}`), 'ok')
      same(`${name}: settles again`, await onGroup(on, 'settle'), 'ok')
      await room.judge(await onGroup(on, 'state'))
      report(name, room.take().join('; '))
      await onGroup(on, 'close')
    }
  console.log(`${4 * 6} interrupted commits, ${room.acknowledged.size} messages, ${room.seals.seals} encryptions`)
  await on.close()
}

/** A real group whose tab goes away at random moments. */
async function groupLives(): Promise<void> {
  const { room, openTab, first, open } = await groupRoom('lives')
  let on = first
  for (let life = 0; life < rounds; life++) {
    same(`life ${life} opens`, await open(on), 'ok')
    onGroup(on, 'run', `l${life}`).catch(() => undefined)
    await pause(50 + Math.random() * 400)
    on = await interrupt(on, life % 3, openTab)
    report(`life ${life}`, room.take().join('; '))
  }
  same('the last life opens', await open(on), 'ok')
  same('the last life settles', await onGroup(on, 'settle'), 'ok')
  same('the last life sends', await onGroup(on, 'send', 'last'), 'ok')
  same('and settles again', await onGroup(on, 'settle'), 'ok')
  await room.judge(await onGroup(on, 'state'))
  report('everything was shown once', room.take().join('; '))
  console.log(`${rounds} lives, ${room.acknowledged.size} messages, ${room.seals.seals} encryptions`)
  await on.close()
}

/** Two tabs, one store: whoever took it last sends; the other one does not, whatever it tries. */
async function groupTabs(): Promise<void> {
  const { room, openTab, first, open } = await groupRoom('two tabs')
  const tabs_ = [first, await openTab()]
  for (let round = 0; round < 6; round++) {
    const [owner, other] = [tabs_[round % 2]!, tabs_[(round + 1) % 2]!]
    const name = `two tabs ${round}`
    same(`${name}: the store is taken`, await open(owner), 'ok')
    same(`${name}: catches up`, await onGroup(owner, 'catchUp'), 'ok')
    same(`${name}: sends`, await onGroup(owner, 'send', `t${round}`), 'ok')
    if (round === 0) continue
    same(`${name}: the former owner does not send`, await onGroup(other, 'send', `late${round}`), 'storage/fenced')
    same(`${name}: the former owner does not commit`, await onGroup(other, 'commit'), 'storage/fenced')
    same(`${name}: settles`, await onGroup(owner, 'settle'), 'ok')
    await room.judge(await onGroup(owner, 'state'))
    report(name, room.take().join('; '))
  }
  for (const tab_ of tabs_) await tab_.close()
}

const canary = (what: string) => `canary of a ${what} store: ${process.pid}`

/** What was said and forgotten, to be looked for in the browser's files. */
async function forgotten(): Promise<void> {
  const { first } = await groupRoom('canaries')
  for (const what of ['sealed', 'plain'])
    same(`${what}: kept`, await onGroup(first, 'sayAndForget', what, what === 'sealed', canary(what)), 1)
  await first.close()
}

/** After the browser has ended: the files of its profile. The plain store is the control. */
function rawFiles(): void {
  const holds = (words: string) =>
    readdirSync(profile, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.parentPath.includes('IndexedDB'))
      .some((entry) => readFileSync(join(entry.parentPath, entry.name)).includes(words))
  same('the files hold what a plain store has forgotten', holds(canary('plain')), true)
  same('the files hold what a sealed store has forgotten', holds(canary('sealed')), false)
}

async function platformKey(): Promise<void> {
  const on = await tab()
  same('sealed by a platform key', await call(on, 'openSealed', 'platform'), 'ok')
  await call(on, 'put', 'k', 'secret')
  await load(on)
  same('opened by the same key after a reload', await call(on, 'openSealed', 'platform'), 'ok')
  same('row after a reload', await call(on, 'get', 'k'), 'secret')
  await load(on)
  same('unsealed', await call(on, 'open', 'platform', 'take'), 'ok')
  same('no plaintext row below', await call(on, 'get', 'k'), undefined)
  await on.close()
}

try {
  for (const part of [kit, interruptions, tabs, commitStages, groupLives, groupTabs, platformKey, forgotten])
    await part().catch((error: unknown) => report(part.name, String(error)))
} finally {
  await browser.close()
  server.close()
  rawFiles()
  rmSync(profile, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
