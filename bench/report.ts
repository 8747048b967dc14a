/** What every bench prints and writes. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'

/** One measured row. `ratio` above 1: ours is better. */
export interface Row {
  readonly name: string
  readonly n: number
  readonly unit: string
  readonly ours: number
  readonly peer: number | null
  readonly peerName: string | null
  readonly ratio: number | null
}

/** A row without a peer. */
export function own(name: string, n: number, unit: string, ours: number): Row {
  return { name, n, unit, ours, peer: null, peerName: null, ratio: null }
}

/** A row beside a peer, where less is better. */
export function beside(name: string, n: number, unit: string, ours: number, peerName: string, peer: number): Row {
  return { name, n, unit, ours, peer, peerName, ratio: peer / ours }
}

/** The middle of the samples. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]]
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2
}

/** Three significant digits. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '-'
  if (value === 0) return '0'
  if (Math.abs(value) >= 100) return String(Math.round(value))
  return value.toPrecision(3)
}

/** Prints lines of cells in columns. */
export function table(lines: readonly (readonly string[])[]): void {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  for (const line of lines)
    console.log(
      line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
    )
}

/** Writes `bench/results/NAME.json`. */
export function writeResults(name: string, rows: readonly Row[]): void {
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}`
  const result = { machine, node: process.version, date: new Date().toISOString().slice(0, 10), rows }
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(result, undefined, 2)}\n`)
  console.log(`\n${machine}, Node ${process.version}; written to bench/results/${name}.json`)
}
