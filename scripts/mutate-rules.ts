/**
 * Proves that the tests of the numbered rules reach the checks: takes out one check at a time, in a temporary copy of the
 * source, and runs the tests whose titles name its rules. A check whose absence no test notices survives.
 *
 *   npx tsx scripts/mutate-rules.ts                      all checks (slow: some seconds each)
 *   npx tsx scripts/mutate-rules.ts --only V123,V124     those rules
 *   npx tsx scripts/mutate-rules.ts --sample 20 --seed 7 that many, chosen by the seed
 *   npx tsx scripts/mutate-rules.ts --trust              does not run the tests without a change first: twice as fast
 *   npx tsx scripts/mutate-rules.ts --list               the checks, without running anything
 *
 * Exits with 1 when a check survived.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type MutationSite, mutationSites } from './mutation-sites.ts'

const root = resolve(import.meta.dirname, '..')
/** The engine; the rules of the binding and of storage have other tests. */
const folders = [
  'codec',
  'commit',
  'crypto',
  'framing',
  'group',
  'key-schedule',
  'proposals',
  'ratchet-tree',
  'secret-tree',
  'signed',
  'wire',
]
/** Codecs of what we store ourselves: damage has a code, and no rule of the RFC. */
const stored = /snapshot|stored/
const copied = ['src', 'test', 'spec-notes', 'package.json', 'tsconfig.json']
/** The kernels and other set-up of the whole suite are not needed by the tests of rules. */
const config = "export default { test: { include: ['test/**/*.test.ts'], pool: 'threads', testTimeout: 60_000 } }\n"
const suites = ['rules', 'framing', 'secret-tree', 'ratchet-tree', 'key-schedule', 'codec']

interface Job extends MutationSite {
  readonly file: string
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    list: { type: 'boolean', default: false },
    trust: { type: 'boolean', default: false },
  },
})

const jobs = choose(
  folders.flatMap((folder) =>
    filesOf(join(root, 'src', folder))
      .filter((path) => !stored.test(path))
      .flatMap((path) =>
        mutationSites(readFileSync(path, 'utf8')).map((site): Job => ({ ...site, file: relative(root, path) })),
      ),
  ),
)
const tests = suites
  .map((folder) => join(root, 'test', folder))
  .filter((folder) => existsSync(folder))
  .flatMap(filesOf)
const titled = tests
  .filter((path) => path.endsWith('.test.ts'))
  .map((path) => ({ path: relative(root, path), text: readFileSync(path, 'utf8') }))

/** Whether the tests of some rules hold before anything is changed. */
const baselines = new Map<string, boolean>()

if (values.list) for (const job of jobs) process.stdout.write(`${describe(job)}\n`)
else run()

function choose(all: readonly Job[]): readonly Job[] {
  const only = values.only?.split(',')
  const wanted = only === undefined ? all : all.filter(({ ids }) => ids.some((id) => only.includes(id)))
  if (values.sample === undefined) return wanted
  // a linear congruential generator: the same seed chooses the same checks everywhere
  let state = Number(values.seed)
  const keyed = wanted.map((job) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return { job, key: state }
  })
  return keyed
    .sort((a, b) => a.key - b.key)
    .slice(0, Number(values.sample))
    .map(({ job }) => job)
}

function run(): void {
  const copy = mkdtempSync(join(tmpdir(), 'mutate-rules-'))
  let survived = 0
  try {
    for (const name of copied) cpSync(join(root, name), join(copy, name), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    writeFileSync(join(copy, 'vitest.config.ts'), config)
    for (const job of jobs) {
      const original = readFileSync(join(copy, job.file), 'utf8')
      const killed = isKilled(copy, job)
      writeFileSync(join(copy, job.file), original)
      if (!killed) survived++
      process.stdout.write(`${killed ? 'killed  ' : 'SURVIVED'} ${describe(job)}\n`)
    }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
  process.stdout.write(`${jobs.length - survived} killed, ${survived} survived\n`)
  process.exitCode = survived === 0 ? 0 : 1
}

/** Whether the tests that name one of the rules hold with the check, and one of them fails without it. */
function isKilled(copy: string, job: Job): boolean {
  const named = new RegExp(`['"\`][^'"\`\\n]*\\b(?:${job.ids.join('|')})\\b`)
  const files = titled.filter(({ text }) => named.test(text)).map(({ path }) => path)
  if (files.length === 0) return false
  const key = `${job.ids.join('|')} ${files.join(' ')}`
  const holds = values.trust || (baselines.get(key) ?? passes(copy, job.ids, files))
  baselines.set(key, holds)
  if (!holds) throw new Error(`the tests of ${job.ids.join(', ')} fail, or none runs, before anything is changed`)
  writeFileSync(join(copy, job.file), job.mutated)
  return !passes(copy, job.ids, files)
}

function passes(copy: string, ids: readonly string[], files: readonly string[]): boolean {
  const outcome = join(copy, 'outcome.json')
  rmSync(outcome, { force: true })
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const reporter = ['--reporter=json', `--outputFile.json=${outcome}`, '--bail', '1']
  spawnSync(process.execPath, [vitest, 'run', ...reporter, '--root', copy, '-t', ids.join('|'), ...files], {
    cwd: copy,
    stdio: 'ignore',
    // without a bound some loops do not end: that is noticed too
    timeout: 120_000,
    killSignal: 'SIGKILL',
  })
  // without a report the run itself broke down
  if (!existsSync(outcome)) return false
  const report = JSON.parse(readFileSync(outcome, 'utf8')) as { success: boolean; numPassedTests: number }
  return report.success && report.numPassedTests > 0
}

function describe({ ids, file, line, kind }: Job): string {
  return `${ids.join(' ')} ${file}:${line} (${kind})`
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesOf(path) : path.endsWith('.ts') ? [path] : []
  })
}
