/**
 * Groups of up to 100,000 members, all of whom have committed: join, commit, process, send, receive, and the memory of a
 * process that is in such a group. `npm run bench -- scale [N,N,...] [--provider=node|wasm|noble] [--suite=1|3]`
 *
 * The sizes are interleaved, so that a slow moment of the machine hits all of them; joins are timed in processes of their own,
 * warm. Plots go to `bench/results/`.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { encodeKeyPackageBundle } from '../src/group/key-package.ts'
import { type CipherSuite, createIdentity, createKeyPackage, type Group } from '../src/index.ts'
import { populatedGroup } from '../test/support/populated-group.ts'
import { figure, median, own, type Row, table, writeResults } from './report.ts'
import { timed } from './support/interleave.ts'
import { openNamed, readArguments } from './support/open-suite.ts'
import { writePlot } from './support/plot.ts'

const operations = ['join', 'self-update', 'process self-update', 'send 1 KiB', 'receive 1 KiB'] as const
type Operation = (typeof operations)[number]

/** What `support/resident.ts` prints. */
interface Resident {
  readonly before: number
  readonly peak: number
  readonly after: number
  readonly used: number
  readonly joins: readonly number[]
}

interface Size {
  readonly n: number
  readonly samples: Record<Operation, number[]>
  readonly a: Group
  readonly b: Group
  /** Where the Welcome and the keys for it are, and the arguments of the process that joins with them. */
  readonly folder: string
  readonly joiner: readonly string[]
  readonly resident: Resident[]
  readonly commitBytes: number[]
}

export async function run(args: readonly string[]): Promise<void> {
  const { words, option } = readArguments(args)
  const sizes = (words[0] ?? '1000,10000,50000,100000').split(',').map(Number)
  const provider = option('provider') ?? 'node'
  const suite = await openNamed(Number(option('suite') ?? 1), provider)
  const groups: Size[] = []
  for (const n of sizes) {
    const start = performance.now()
    groups.push(await prepare(suite, provider, n))
    console.log(`${n.toLocaleString('en')} members built in ${figure((performance.now() - start) / 1000)} s`)
  }
  for (let round = 0; round < 2; round++) for (const size of groups) if (round === 0 || size.n <= 10_000) rejoin(size)
  for (const { folder } of groups) rmSync(folder, { recursive: true })
  for (let round = 0; round < 15; round++) for (const size of groups) await everyday(size, round)
  show(groups, provider)
}

async function prepare(suite: CipherSuite, provider: string, n: number): Promise<Size> {
  const populated = populatedGroup(suite, n - 1, { ratchetTreeExtension: true })
  const identity = createIdentity(suite, 'newcomer')
  const keyPackage = await createKeyPackage({ suite, identity })
  const host = populated.member(0)
  const { welcome } = host.merge((await host.commit({ add: [keyPackage], path: false })).staged)
  if (welcome === undefined) throw new Error('no Welcome')
  const folder = mkdtempSync(join(tmpdir(), 'mls-scale-'))
  writeFileSync(join(folder, 'welcome'), welcome)
  writeFileSync(join(folder, 'keys'), encodeKeyPackageBundle(keyPackage))
  writeFileSync(join(folder, 'signer'), identity.privateKey)
  // bundled, so that nothing but Node and the package is in the process
  const program = join(folder, 'resident.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'support', 'resident.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  })
  return {
    n,
    samples: Object.fromEntries(operations.map((name) => [name, []])) as unknown as Size['samples'],
    a: populated.member(0),
    b: populated.member(Math.floor(n / 2)),
    folder,
    joiner: ['--expose-gc', program, provider, String(suite.parameters.id), folder],
    resident: [],
    commitBytes: [],
  }
}

/** Joins in a process of its own: garbage of the other groups would count as time of this one. */
function rejoin({ samples, joiner, resident }: Size): void {
  const said = JSON.parse(execFileSync(process.execPath, joiner).toString()) as Resident
  resident.push(said)
  samples.join.push(...said.joins)
}

/** One commit and one message between two members; the group goes on to the next epoch. */
async function everyday({ a, b, samples, commitBytes }: Size, round: number): Promise<void> {
  const { commit, staged } = await timed(samples['self-update'], () => a.commit())
  const received = await timed(samples['process self-update'], () => b.stage(commit))
  if (received.kind !== 'commit') throw new Error(`the commit was ${received.kind}`)
  a.merge(staged)
  b.merge(received.staged)
  if (round === 0) commitBytes.push(commit.length)
  const data = new Uint8Array(1024)
  // the first message of an epoch derives the sender's ratchet: count it too
  const message = await timed(samples['send 1 KiB'], () => a.protect(data))
  const result = await timed(samples['receive 1 KiB'], () => b.receive(message))
  if (result.kind !== 'message') throw new Error(`the message was ${result.kind}`)
}

const mebibytes = (bytes: number): number => bytes / 2 ** 20

function show(groups: readonly Size[], provider: string): void {
  const [first, last] = [groups[0], groups.at(-1)]
  if (first === undefined || last === undefined) return
  const rows: Row[] = []
  const lines = [['median', ...groups.map(({ n }) => `n = ${n.toLocaleString('en')}`), 'growth', 'goal']]
  const line = (name: string, unit: string, value: (size: Size) => number, goal = ''): void => {
    const values = groups.map(value)
    const growth = value(last) / value(first)
    lines.push([`${name} (${unit})`, ...values.map(figure), `${growth.toFixed(2)}x`, goal])
    for (const [i, { n }] of groups.entries()) rows.push(own(name, n, unit, values[i] ?? Number.NaN))
    rows.push(own(`${name}: growth from ${first.n}`, last.n, 'x', growth))
  }
  line('join', 'ms', ({ samples }) => median(samples.join))
  line('join, per member', 'us', ({ samples, n }) => (median(samples.join) / n) * 1000, '1.3x')
  for (const name of operations.slice(1))
    line(name, 'ms', ({ samples }) => median(samples[name]), name.includes('update') ? '3x' : 'flat')
  line('commit of self-update', 'bytes', ({ commitBytes }) => commitBytes[0] ?? Number.NaN)
  line('resident before joining', 'MiB', ({ resident }) => mebibytes(median(resident.map((one) => one.before))))
  line('resident, peak while joining', 'MiB', ({ resident }) => mebibytes(median(resident.map((one) => one.peak))))
  line(
    'resident after joining',
    'MiB',
    ({ resident }) => mebibytes(median(resident.map((one) => one.after))),
    '400 MiB',
  )
  line('heap and buffers after joining', 'MiB', ({ resident }) => mebibytes(median(resident.map((one) => one.used))))
  console.log()
  table(lines)
  writeResults('scale', rows)

  const note = `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}, Node ${process.version}, provider ${provider}; npm run bench -- scale`
  const points = (value: (size: Size) => number) => groups.map((size) => [size.n, value(size)] as const)
  const series = (names: readonly Operation[]) =>
    names.map((name) => ({ name, points: points(({ samples }) => median(samples[name])) }))
  const x = 'members'
  writePlot('scale-join', { title: 'Join by Welcome, populated tree', x, y: 'ms', note, series: series(['join']) })
  const title = 'Everyday operations, populated tree'
  writePlot('scale-operations', { title, x, y: 'ms', note, series: series(operations.slice(1)) })
  writePlot('scale-memory', {
    title: 'Memory of a process that is in the group',
    x,
    y: 'MiB',
    note,
    series: [
      { name: 'resident, peak', points: points(({ resident }) => mebibytes(median(resident.map((one) => one.peak)))) },
      {
        name: 'resident, after',
        points: points(({ resident }) => mebibytes(median(resident.map((one) => one.after)))),
      },
      {
        name: 'heap and buffers',
        points: points(({ resident }) => mebibytes(median(resident.map((one) => one.used)))),
      },
    ],
  })
}
