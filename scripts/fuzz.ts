/**
 * `npm run fuzz`: bad input for everything that takes bytes from strangers.
 *
 * ```
 * npm run fuzz -- --runs 1000000 --seed 1     the last line has the counts and the longest time
 * npm run fuzz -- --seed 1 --run 4711         one run again
 * npm run fuzz -- --only decode               only targets whose names contain a word
 * ```
 */
import { exit, stdout } from 'node:process'
import { Command, InvalidArgumentError } from 'commander'
import { toHex } from '../src/index.ts'
import { type Finding, fuzz, type Report } from '../test/fuzz/fuzzer.ts'

const command = new Command('fuzz')
  .description('Gives random and damaged input to the decoders, groups and joins.')
  .option('--runs <number>', 'how many inputs', count, 1_000_000)
  .option('--seed <number>', 'where the random numbers begin', count, Math.floor(Date.now() / 1000) % 2 ** 31)
  .option('--run <number>', 'only this run of the seed', count)
  .option('--only <text>', 'only targets whose names contain this')
  .option('--keep-going', 'do not stop at the first finding')
  .parse()
const options = command.opts<{ runs: number; seed: number; run?: number; only?: string; keepGoing?: boolean }>()

const started = performance.now()
const unhandled: unknown[] = []
process.on('unhandledRejection', (reason) => unhandled.push(reason))
stdout.write(`seed ${options.seed}\n`)
const step = Math.max(1000, Math.floor(options.runs / 20_000) * 1000)
const report = await fuzz({
  seed: options.seed,
  runs: options.run === undefined ? options.runs : 1,
  stopAfter: options.keepGoing === true ? 100 : 1,
  ...(options.run === undefined ? {} : { first: options.run }),
  ...(options.only === undefined ? {} : { only: options.only }),
  progress(done, findings) {
    if (done % step !== 0) return
    const rate = done / ((performance.now() - started) / 1000)
    stdout.write(`${done} of ${options.runs}, ${rate.toFixed(0)} a second, ${findings} findings\n`)
  },
})
for (const finding of report.findings) print(finding)
for (const reason of unhandled) stdout.write(`a rejection that nobody handled: ${String(reason)}\n`)
table(report)
stdout.write(`${lastLine(report)}\n`)
exit(report.findings.length + unhandled.length === 0 ? 0 : 1)

function print({ target, run, input, error }: Finding): void {
  const stack = error instanceof Error ? error.stack : String(error)
  stdout.write(`finding: ${target}, seed ${options.seed}, run ${run}: ${stack}\n  input ${toHex(input)}\n`)
}

function table({ targets }: Report): void {
  for (const [name, { counts, total, longest, longestWithKeys }] of targets) {
    const sorted = [...counts].sort(([, a], [, b]) => b - a)
    const time = `${(total / 1000).toFixed(1)} s, at most ${longest.toFixed(1)} ms, ${longestWithKeys.toFixed(1)} ms with keys`
    stdout.write(`${name} (${time}): ${sorted.map(([outcome, n]) => `${outcome} ${n}`).join(', ')}\n`)
  }
}

function lastLine({ runs, targets, findings }: Report): string {
  const counts = [...targets.values()].flatMap((result) => [...result.counts])
  // a refusal is an error code, which has a slash
  const refused = counts.reduce((sum, [outcome, n]) => sum + (outcome.includes('/') ? n : 0), 0)
  const taken = counts.reduce((sum, [, n]) => sum + n, 0) - refused
  const longest = Math.max(...[...targets.values()].map((result) => result.longest))
  const found = findings.length + unhandled.length
  return `${runs} runs, ${refused} refused, ${taken} taken, ${found} findings, at most ${longest.toFixed(1)} ms`
}

function count(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('a whole number is needed')
  return value
}
