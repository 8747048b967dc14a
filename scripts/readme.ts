/**
 * Fills the parts of README.md that come from elsewhere: the first example and the tables of the growth and groups benches.
 * `npx tsx scripts/readme.ts` writes, `--check` only compares (the test does that for the example).
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

interface Row {
  readonly name: string
  readonly n: number
  readonly unit: string
  readonly ours: number
}

/** The README with its example. */
export function withExample(readme: string): string {
  const example = readFileSync(join(root, 'examples/create-add-send.ts'), 'utf8').trimEnd()
  return readme.replace(
    /(<!-- examples\/create-add-send\.ts -->\n```ts\n)[\s\S]*?(```)/,
    (_, head: string, tail: string) => `${head}${example}\n${tail}`,
  )
}

/** The README with the figures of `bench/results/growth.json`. */
export function withGrowth(readme: string): string {
  const path = join(root, 'bench/results/growth.json')
  if (!existsSync(path)) return readme
  const { machine, node, rows } = JSON.parse(readFileSync(path, 'utf8')) as {
    machine: string
    node: string
    rows: readonly Row[]
  }
  const sizes = [...new Set(rows.map(({ n }) => n))].sort((a, b) => a - b)
  const names = [...new Set(rows.map(({ name }) => name))].filter((name) => !name.includes('growth'))
  const cell = (name: string, n: number) => {
    const row = rows.find((one) => one.name === name && one.n === n)
    if (row === undefined) return ''
    return row.ours >= 100 ? String(Math.round(row.ours)) : row.ours.toPrecision(2)
  }
  const lines = names.map((name) => {
    const unit = rows.find((row) => row.name === name)?.unit ?? ''
    const growth = rows.find((row) => row.name.startsWith(`${name}: growth`))
    const factor = growth === undefined ? '' : `${growth.ours.toFixed(1)}x`
    return `| ${name}, ${unit} | ${sizes.map((n) => cell(name, n)).join(' | ')} | ${factor} |`
  })
  const table = [
    `| medians | ${sizes.map((n) => `n = ${n.toLocaleString('en')}`).join(' | ')} | growth |`,
    `|---|${sizes.map(() => '---:|').join('')}---:|`,
    ...lines,
    '',
    `Measured on ${machine}, Node ${node}, suite 1.`,
  ].join('\n')
  return readme.replace(/<!-- growth -->\n[\s\S]*?(?=\nFrom 1,000)/, `<!-- growth -->\n${table}\n`)
}

interface PeerRow extends Row {
  readonly peerName: string | null
  readonly ratio: number | null
}

const shownRows = [
  'create, n-1 adds (ms)',
  'join fresh (ms)',
  'join filled (ms)',
  'self-update, fresh (ms)',
  'self-update, filled (ms)',
  'process self-update, filled (ms)',
  'add one, filled (ms)',
  'process add one, filled (ms)',
  'remove one, filled (ms)',
  'process remove one, filled (ms)',
  'send 1 KiB (ms)',
  'receive 1 KiB (ms)',
]

/** The README with the figures of `bench/results/groups.json`: ours in ms, and how many times faster than the others. */
export function withGroups(readme: string): string {
  const path = join(root, 'bench/results/groups.json')
  if (!existsSync(path)) return readme
  const { machine, node, rows } = JSON.parse(readFileSync(path, 'utf8')) as {
    machine: string
    node: string
    rows: readonly PeerRow[]
  }
  const at = rows.filter(({ n }) => n === 1000)
  const peers = [...new Set(at.flatMap(({ peerName }) => (peerName === null ? [] : [peerName])))]
  const lines = shownRows.flatMap((name) => {
    const own = at.find((row) => row.name === name)
    if (own === undefined) return []
    const workers = at.find((row) => row.name === `${name}, workers`)
    const ratios = peers.map((peer) => {
      const ratio = at.find((row) => row.name === name && row.peerName === peer)?.ratio
      return ratio === undefined || ratio === null ? '' : `${ratio.toFixed(1)}x`
    })
    const ms = own.ours.toPrecision(3)
    return [`| ${name.replace(' (ms)', '')} | ${ms} | ${workers?.ours.toPrecision(3) ?? ''} | ${ratios.join(' | ')} |`]
  })
  const table = [
    `| n = 1,000 | ours, ms | with 2 workers | ${peers.map((peer) => `${peer}`).join(' | ')} |`,
    `|---|---:|---:|${peers.map(() => '---:|').join('')}`,
    ...lines,
    '',
    `Measured on ${machine}, Node ${node}, suite 1.`,
  ].join('\n')
  return readme.replace(/<!-- groups -->\n[\s\S]*?(?=\nThe ratios)/, `<!-- groups -->\n${table}\n`)
}

if (process.argv[1]?.endsWith('readme.ts')) {
  const path = join(root, 'README.md')
  const before = readFileSync(path, 'utf8')
  const after = withGroups(withGrowth(withExample(before)))
  if (process.argv.includes('--check')) process.exitCode = before === after ? 0 : 1
  else writeFileSync(path, after)
}
