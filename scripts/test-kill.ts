/**
 * Real `kill -9` against the LMDB driver, take-overs from a stopped process, and damaged files.
 * `npx tsx scripts/test-kill.ts [kills] [take-overs] [damaged files]`; prints the counts, and `N passed, N failed`.
 *
 * Kill: a child applies numbered batches; it is killed at a random time; the store must hold every acknowledged batch and
 * no half one. Take-over: a child that writes is stopped (SIGSTOP), the parent takes the store, writes, the child runs on
 * (SIGCONT); its next batch must be refused and have changed nothing. Damage: a file with overwritten bytes or pages is
 * opened by a process of its own, which must end with a typed error or be right, never by a signal.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { buildSync } from 'esbuild'
import type { Storage } from '../src/ports/storage.ts'
import { openLmdbStorage } from '../src/storage/lmdb.ts'
import { damageTrials } from '../test/storage/damage-trials.ts'
import { batchOf, inspect, lastBatch } from '../test/storage/kill-batches.ts'

const [kills = 300, takeOvers = 50, damaged = 110] = process.argv.slice(2).map(Number)
const width = 6
// TMPDIR may name a memory file system: what a killed process wrote survives in either.
const folder = mkdtempSync(join(tmpdir(), 'kill-'))
const store = join(folder, 'store')
const program = join(import.meta.dirname, '../node_modules/.kill-child.mjs')
// Bundled once: starting a child costs 50 ms instead of half a second. Beside the packages, which it imports.
buildSync({
  entryPoints: [join(import.meta.dirname, '../test/storage/kill-child.ts')],
  outfile: program,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
})

interface Child {
  readonly process: ChildProcess
  readonly opened: Promise<void>
  readonly ended: Promise<string>
  acknowledged: number
  batches: number
}

function start(depth: number): Child {
  const child = spawn(process.execPath, [program, store, String(width), String(depth)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let opened: () => void = () => undefined
  let ended: (code: string) => void = () => undefined
  const self: Child = {
    process: child,
    opened: new Promise((resolve) => (opened = resolve)),
    ended: new Promise((resolve) => (ended = resolve)),
    acknowledged: -1,
    batches: 0,
  }
  let code = 'killed'
  const lines = createInterface({ input: child.stdout! })
  lines.on('line', (line) => {
    const [word, value] = line.split(' ')
    if (word === 'open') opened()
    if (word === 'end') code = value!
    if (word === 'ack') {
      self.acknowledged = Math.max(self.acknowledged, Number(value))
      self.batches++
    }
  })
  // After `close` all that the child wrote before it died has been read.
  child.on('close', () => setImmediate(() => ended(code)))
  return self
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const open = (busyTimeout = 5000): Promise<Storage> => openLmdbStorage({ path: store, randomBytes, busyTimeout })
const violations: string[] = []
/** Rounds that have a violation. */
let failed = 0
let batches = 0

async function round(work: () => Promise<void>): Promise<void> {
  const before = violations.length
  await work().catch((error: unknown) => violations.push(String(error)))
  if (violations.length > before) failed++
}

async function kill(round: number): Promise<void> {
  const child = start([1, 1, 4, 16][round % 4]!)
  // Some are killed while they open.
  if (round % 10 !== 9) await child.opened
  await pause(randomInt(0, 60))
  child.process.kill('SIGKILL')
  const end = await child.ended
  if (end !== 'killed') violations.push(`kill ${round}: the child ended with ${end}`)
  batches += child.batches
  const after = await open()
  const problem = await inspect(after, child.acknowledged, width)
  if (problem !== '') violations.push(`kill ${round}: ${problem}`)
  await after.close()
}

let stoppedInside = 0
async function takeOver(round: number): Promise<void> {
  const child = start(round % 2 === 0 ? 1 : 8)
  await takeFrom(child, round).finally(() => child.process.kill('SIGKILL'))
}

async function takeFrom(child: Child, round: number): Promise<void> {
  await child.opened
  await pause(randomInt(5, 60))
  child.process.kill('SIGSTOP')
  let taken: Storage
  try {
    taken = await open(400)
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'storage/busy') throw error
    // Stopped inside its transaction, it holds the writer lock: nobody can write until it runs on.
    stoppedInside++
    const resume = setTimeout(() => child.process.kill('SIGCONT'), 50)
    taken = await open(10_000)
    clearTimeout(resume)
  }
  const number = (await lastBatch(taken)) + 1
  await taken.apply(batchOf(number, width))
  child.process.kill('SIGCONT')
  const end = await Promise.race([child.ended, pause(10_000).then(() => 'nothing')])
  if (end !== 'storage/fenced') violations.push(`take-over ${round}: the former owner ended with ${end}`)
  if (child.acknowledged >= number) violations.push(`take-over ${round}: a batch was acknowledged after the take-over`)
  const problem = await inspect(taken, number, width)
  if (problem !== '') violations.push(`take-over ${round}: ${problem}`)
  if ((await lastBatch(taken)) !== number) violations.push(`take-over ${round}: a late batch was stored`)
  batches += child.batches
  await taken.close()
}

const begin = performance.now()
try {
  for (let number = 0; number < kills; number++) await round(() => kill(number))
  const seconds = (performance.now() - begin) / 1000
  console.log(`${kills} kills (${(kills / seconds).toFixed(1)} a second), ${batches} batches acknowledged`)
  for (let number = 0; number < takeOvers; number++) await round(() => takeOver(number))
  console.log(`${takeOvers} take-overs, ${stoppedInside} of them from a process stopped inside a transaction`)
  const damage = await damageTrials(Array.from({ length: damaged }, (_, trial) => trial))
  violations.push(...damage.violations)
  failed += damage.violations.length
  console.log(`${damaged} damaged files: ${[...damage.codes].map(([code, count]) => `${code} ${count}`).join(', ')}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
  rmSync(program, { force: true })
}
for (const violation of violations) console.error(violation)
console.log(`${violations.length} violations`)
console.log(`${kills + takeOvers + damaged - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
