/**
 * Ours against ts-mls, core-crypto, OpenMLS and mls-rs: what a member of a group does all day, interleaved, medians.
 *
 * `npm run bench -- groups [SUITE,SUITE,... [N,N,...]] [--provider=node|wasm|noble] [--peers=install|none|ts-mls,...]
 * [--native-threads=1] [--workers=2|none] [--tree=fresh|filled] [--out=NAME]`. Suites 1, 2 and 3 have native peers. For 10,000
 * members, of ours and the native ones, say `1 10000 --tree=filled`.
 *
 * `ours` is one thread. The native peers use all cores unless told otherwise, and so does the column `+ workers`: ours over a
 * pool, for work of 50 ms and more. A second ratio is that of this column.
 *
 * The same KeyPackages go into all groups, and the filled tree is one and the same for all. Commits are staged and not merged
 * on either side (mls-rs has no staging for received ones: it applies them to a copy; ts-mls always makes the next state).
 */
import { createIdentity, createKeyPackage, makeCapabilities, suites } from '../src/index.ts'
import { beside, figure, median, own, type Row, table, writeResults } from './report.ts'
import { filledRows, freshRows, type Plan, Samples } from './support/group-rounds.ts'
import { type Implementation, poolIdentity } from './support/implementation.ts'
import { type Arguments, openNamed, readArguments } from './support/open-suite.ts'
import { ours } from './support/peer-ours.ts'
import { findPeers } from './support/peers.ts'
import { openPooled } from './support/pooled-suite.ts'

/** The ratios against ts-mls that are wanted at 1,000 members, suite 1. */
const goals: Record<string, number> = {
  'create, n-1 adds (ms)': 10,
  'join fresh (ms)': 8,
  'join filled (ms)': 12,
  'self-update, fresh (ms)': 8,
  'self-update, filled (ms)': 25,
  'process self-update, filled (ms)': 25,
  'send 1 KiB (ms)': 20,
  'receive 1 KiB (ms)': 10,
}

/** The column of ours over worker threads. */
const withWorkers = '+ workers'

export async function run(args: readonly string[]): Promise<void> {
  const { words, option } = readArguments(args)
  for (const id of (words[0] ?? '1').split(',').map(Number)) {
    const rows = await runSuite(id, (words[1] ?? '10,100,1000').split(',').map(Number), option)
    writeResults(option('out') ?? (id === 1 ? 'groups' : `groups-suite-${id}`), rows)
  }
}

async function runSuite(id: number, sizes: readonly number[], option: Arguments['option']): Promise<Row[]> {
  const parameters = suites.find((one) => one.id === id)
  if (parameters === undefined) throw new Error(`suite ${id}: one of 1 to 7`)
  const suite = await openNamed(id, option('provider'))
  const peers = await findPeers(parameters, option('peers'), option('native-threads'))
  const pooled = option('workers') === 'none' ? undefined : await openPooled(id, workers(option))
  const implementations = [ours(suite), ...(pooled ? [ours(pooled.suite, withWorkers, pooled.close)] : []), ...peers]
  console.log(`suite ${id}, provider ${suite.provider}; with ${peers.map(({ name }) => name).join(', ') || 'no peers'}`)
  // the fixture of a filled tree makes keys of curve25519 only
  const canFill = parameters.kem === 'DHKEMX25519'

  const identity = (i: number) => createIdentity(suite, poolIdentity(i))
  const capabilities = makeCapabilities(suite, { grease: false })
  const pool: Uint8Array[] = []
  const rows: Row[] = []
  try {
    for (const [i, n] of [64, ...sizes].entries()) {
      while (pool.length <= n)
        pool.push((await createKeyPackage({ suite, identity: identity(pool.length), capabilities })).message)
      if (i === 0) {
        // compilers warm up on groups that do not count
        const plan: Plan = { n, rounds: 6, messages: 30, implementations, pool }
        if (option('tree') !== 'filled') await freshRows({ ...plan, n: 16, warm: true }, new Samples())
        if (canFill && option('tree') !== 'fresh') await filledRows(plan, suite, new Samples())
        continue
      }
      const few = n >= 1_000
      const plan: Plan = { n, rounds: few ? 3 : 5, messages: few ? 20 : 30, implementations, pool }
      const samples = new Samples()
      console.log(`\n${n.toLocaleString('en')} members`)
      if (option('tree') !== 'filled') await freshRows(plan, samples)
      if (option('tree') === 'fresh') console.log('  no rows of a filled tree, as was asked')
      else if (canFill) await filledRows(plan, suite, samples)
      else console.log('  no rows of a filled tree: the fixture makes them for suites 1 and 3')
      rows.push(...report(n, samples, implementations, id === 1 && n === 1_000))
    }
  } finally {
    for (const one of implementations) one.close()
  }
  return rows
}

/** How many threads ours may use in its second column; all cores when nothing is said. */
function workers(option: Arguments['option']): number | undefined {
  const count = option('workers')
  return count === undefined ? undefined : Number(count)
}

function report(n: number, samples: Samples, implementations: readonly Implementation[], judged: boolean): Row[] {
  const rows: Row[] = []
  const hasPool = implementations.some(({ name }) => name === withWorkers)
  const peers = implementations.map(({ name }) => name).filter((name) => name !== 'ours' && name !== withWorkers)
  const columns = ['ours', ...(hasPool ? [withWorkers] : []), ...peers.flatMap((name) => [name, 'ratio'])]
  const head = [`n = ${n.toLocaleString('en')}`, ...columns]
  const lines = [judged ? [...head, 'goal (ts-mls)'] : head]
  for (const name of samples.rows) {
    const unit = /\((\w+)\)$/.exec(name)?.[1] ?? ''
    const value = median(samples.of(name, 'ours') ?? [])
    // bytes are the same with workers
    const pooled = unit === 'ms' && hasPool ? median(samples.of(name, withWorkers) ?? []) : Number.NaN
    const cells = [name, figure(value), ...(hasPool ? [figure(pooled)] : [])]
    if (peers.every((peer) => samples.of(name, peer) === undefined)) rows.push(own(name, n, unit, value))
    if (!Number.isNaN(pooled)) rows.push(own(`${name}, workers`, n, unit, pooled))
    for (const peer of peers) {
      const theirs = samples.of(name, peer)
      if (theirs === undefined) cells.push('-', '')
      else {
        const row = beside(name, n, unit, value, peer, median(theirs))
        const ratios = [row.ratio ?? Number.NaN, ...(Number.isNaN(pooled) ? [] : [median(theirs) / pooled])]
        cells.push(figure(median(theirs)), ratios.map((ratio) => `${ratio.toFixed(1)}x`).join(' '))
        rows.push(row)
      }
    }
    const goal = judged ? goals[name] : undefined
    if (goal !== undefined) {
      const ratio = median(samples.of(name, 'ts-mls') ?? []) / value
      cells.push(Number.isNaN(ratio) ? `${goal}x` : `${goal}x ${ratio >= goal ? 'met' : 'missed'}`)
    }
    lines.push(cells)
  }
  table(lines)
  return rows
}
