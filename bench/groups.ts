/**
 * Ours against ts-mls, core-crypto, OpenMLS and mls-rs: what a member of a group does all day, interleaved, medians.
 *
 * `npm run bench -- groups [SUITE [N,N,...]] [--provider=node|wasm|noble] [--peers=install|none|ts-mls,...]
 * [--native-threads=1] [--tree=fresh|filled] [--out=NAME]`. For 10,000 members, of ours and the native ones, say `1 10000 --tree=filled`.
 *
 * The same KeyPackages go into all groups, and the filled tree is one and the same for all. Commits are staged and not merged
 * on either side (mls-rs has no staging for received ones: it applies them to a copy; ts-mls always makes the next state).
 */
import { createIdentity, createKeyPackage, makeCapabilities, suites } from '../src/index.ts'
import { beside, figure, median, own, type Row, table, writeResults } from './report.ts'
import { filledRows, freshRows, type Plan, Samples } from './support/group-rounds.ts'
import { type Implementation, poolIdentity } from './support/implementation.ts'
import { openNamed, readArguments } from './support/open-suite.ts'
import { ours } from './support/peer-ours.ts'
import { findPeers } from './support/peers.ts'

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

export async function run(args: readonly string[]): Promise<void> {
  const { words, option } = readArguments(args)
  const id = Number(words[0] ?? 1)
  const sizes = (words[1] ?? '10,100,1000').split(',').map(Number)
  const parameters = suites.find((one) => one.id === id)
  if (parameters === undefined) throw new Error(`suite ${id}: one of 1 to 7`)
  const suite = await openNamed(id, option('provider'))
  const peers = await findPeers(parameters, option('peers'), option('native-threads'))
  const implementations = [ours(suite), ...peers]
  console.log(`suite ${id}, provider ${suite.provider}; with ${peers.map(({ name }) => name).join(', ') || 'no peers'}`)

  const identity = (i: number) => createIdentity(suite, poolIdentity(i))
  const capabilities = makeCapabilities(suite, { grease: false })
  const pool: Uint8Array[] = []
  const rows: Row[] = []
  try {
    for (const [i, n] of [16, ...sizes].entries()) {
      while (pool.length <= n)
        pool.push((await createKeyPackage({ suite, identity: identity(pool.length), capabilities })).message)
      if (i === 0) {
        // compilers warm up on a group that does not count
        await freshRows({ n, rounds: 12, messages: 60, implementations, pool }, new Samples())
        continue
      }
      const few = n >= 1_000
      const plan: Plan = { n, rounds: few ? 3 : 7, messages: few ? 30 : 60, implementations, pool }
      const samples = new Samples()
      console.log(`\n${n.toLocaleString('en')} members`)
      if (option('tree') !== 'filled') await freshRows(plan, samples)
      // the fixture makes keys of curve25519 only
      if (option('tree') === 'fresh') console.log('  no rows of a filled tree, as was asked')
      else if (parameters.kem === 'DHKEMX25519') await filledRows(plan, suite, samples)
      else console.log('  no rows of a filled tree: the fixture makes them for suites 1 and 3')
      rows.push(...report(n, samples, implementations, id === 1 && n === 1_000))
    }
  } finally {
    for (const one of implementations) one.close()
  }
  writeResults(option('out') ?? (id === 1 ? 'groups' : `groups-suite-${id}`), rows)
}

function report(n: number, samples: Samples, [mine, ...peers]: readonly Implementation[], judged: boolean): Row[] {
  const rows: Row[] = []
  const head = [`n = ${n.toLocaleString('en')}`, 'ours', ...peers.flatMap(({ name }) => [name, 'ratio'])]
  const lines = [judged ? [...head, 'goal (ts-mls)'] : head]
  for (const name of samples.rows) {
    const unit = /\((\w+)\)$/.exec(name)?.[1] ?? ''
    const value = median(samples.of(name, mine?.name ?? '') ?? [])
    const cells = [name, figure(value)]
    if (peers.every((peer) => samples.of(name, peer.name) === undefined)) rows.push(own(name, n, unit, value))
    for (const { name: peer } of peers) {
      const theirs = samples.of(name, peer)
      if (theirs === undefined) cells.push('-', '')
      else {
        const row = beside(name, n, unit, value, peer, median(theirs))
        cells.push(figure(median(theirs)), `${(row.ratio ?? Number.NaN).toFixed(1)}x`)
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
