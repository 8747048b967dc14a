/**
 * The WASM kernels against @noble, libsodium-wrappers and node:crypto, all copies counted: one process, interleaved, medians.
 * `npm run bench -- kernels [rounds]`. Peers with keys have them ready; batches and lanes are given per item.
 */
import { beside, figure, own, type Row, table, writeResults } from './report.ts'
import { interleaved } from './support/interleave.ts'
import { kernelLines } from './support/kernel-lines.ts'

const peers = ['noble', 'libsodium', 'node'] as const

export async function run(args: readonly string[]): Promise<void> {
  const lines = await kernelLines()
  const flat = lines.flatMap(({ works }) => [works.ours, works.noble, works.libsodium, works.node])
  const present = flat.filter((work) => work !== undefined)
  // peers that stand in several lines are measured once
  const distinct = [...new Set(present)]
  const medians = interleaved(distinct, { rounds: Number(args[0] ?? 40), warm: 120, sample: 1.5 })
  const microseconds = new Map(distinct.map((work, i) => [work, medians[i] ?? Number.NaN]))

  const rows: Row[] = []
  const shown = [['microseconds, median', 'ours', 'noble', 'ratio', 'goal', '', 'libsodium', 'ratio', 'node', 'ratio']]
  for (const { name, n, goal, works } of lines) {
    const ours = microseconds.get(works.ours) ?? Number.NaN
    const cells = [name, figure(ours)]
    for (const peer of peers) {
      const work = works[peer]
      const theirs = work === undefined ? undefined : microseconds.get(work)
      if (theirs === undefined) cells.push('-', '')
      else {
        cells.push(figure(theirs), `${(theirs / ours).toFixed(1)}x`)
        rows.push(beside(name, n, 'us', ours, peer, theirs))
      }
      if (peer !== 'noble') continue
      const met = theirs !== undefined && goal !== undefined && theirs / ours >= goal
      cells.push(goal === undefined ? '' : `${goal}x`, goal === undefined ? '' : met ? 'met' : 'missed')
      if (goal !== undefined) rows.push(own(`${name}: goal against noble`, n, 'x', goal))
    }
    shown.push(cells)
  }
  console.log()
  table(shown)
  writeResults('kernels', rows)
}
