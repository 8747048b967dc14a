/**
 * `npm run test:timing [-- --samples N] [--only text] [--table]`: does the time of an operation tell something about its secret? Two
 * classes of inputs per operation, Welch's t-test over their times, in the manner of dudect. What the figures mean, and what
 * they do not: `spec-notes/timing.md`.
 *
 * `--samples`: per operation and attempt. `--only`: operations whose name contains the text; the controls always run.
 * `--table`: the rows as Markdown, for that document.
 * Exits with 1 when an operation is found to leak, or when a control, which leaks on purpose, is not found.
 */
import { cpus, loadavg } from 'node:os'
import { stdout, versions } from 'node:process'
import { parseArgs } from 'node:util'
import type { Operation } from '../test/timing/measure.ts'
import { ensureWasm } from './build-wasm.ts'

const { values: options } = parseArgs({
  options: {
    samples: { type: 'string', default: '9000' },
    only: { type: 'string', default: '' },
    table: { type: 'boolean', default: false },
  },
})
const effort = { samples: Number(options.samples), runs: 3, attempts: 3 }
if (!Number.isInteger(effort.samples) || effort.samples < 300) throw new Error('--samples takes a number from 300 on')
const warmUpTime = 150

await ensureWasm()
const { warmUp } = await import('../test/timing/measure.ts')
const { judge, threshold } = await import('../test/timing/verdict.ts')
const { comparisons, leakyComparison } = await import('../test/timing/comparisons.ts')
const { curve25519Operations, variableTimeVerify } = await import('../test/timing/curve25519.ts')
const { symmetricOperations } = await import('../test/timing/symmetric.ts')
const { p256Operations } = await import('../test/timing/p256.ts')

const clock = () => performance.now() * 1000
let [passed, failed] = [0, 0]

function row(cells: readonly string[]): void {
  if (options.table) {
    stdout.write(`| ${cells.map((cell) => cell.trim().replaceAll('|', '\\|')).join(' | ')} |\n`)
    return
  }
  const widths = [32, 34, 9, 10, 12, 8]
  stdout.write(
    `${cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i] ?? 0))).join('')}\n`,
  )
}

function run(operation: Operation, isControl: boolean): void {
  warmUp(operation, warmUpTime)
  const { maxT, isLeak, attempts, samples, medianTime, sensitivity } = judge(operation, effort, clock)
  const isRight = isLeak === isControl
  if (isRight) passed++
  else failed++
  const words = isControl ? (isLeak ? 'found' : 'NOT FOUND') : isLeak ? 'LEAK' : 'pass'
  row([
    operation.name,
    operation.classes.map(({ name }) => name).join(' / '),
    String(samples),
    medianTime.toPrecision(3),
    isLeak ? '' : sensitivity === undefined ? '> 20 %' : `${(sensitivity * 100).toFixed(2)} %`,
    maxT.toFixed(1),
    `   ${words}${!isControl && attempts > 1 ? ` (attempt ${attempts})` : ''}`,
  ])
}

const load = () =>
  loadavg()
    .map((value) => value.toFixed(1))
    .join(' ')
const started = performance.now()
stdout.write(
  `${cpus().length} x ${cpus()[0]?.model.trim() ?? ''}, Node ${versions.node}, V8 ${versions.v8}, load ${load()}\n`,
)
stdout.write(`limit |t| < ${threshold}; "sees": the smallest difference that would have been called a leak\n\n`)
row(['operation', 'classes', 'samples', 'us/call', 'sees', 'max |t|', '   verdict'])
if (options.table) stdout.write(`${'|---'.repeat(7)}|\n`)

const operations = [comparisons, curve25519Operations, symmetricOperations, p256Operations]
  .flatMap((group) => group())
  .filter(({ name }) => name.includes(options.only))
if (operations.length === 0) throw new Error(`no operation has ${options.only} in its name`)
for (const operation of [leakyComparison(), variableTimeVerify()]) run(operation, true)
for (const operation of operations) run(operation, false)

stdout.write(
  `\n${((performance.now() - started) / 1000).toFixed(0)} s, load ${load()}\n${passed} passed, ${failed} failed\n`,
)
process.exitCode = failed === 0 ? 0 : 1
