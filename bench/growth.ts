/**
 * How the cost of everyday operations grows with the group: members of a fully populated tree commit, remove, add and talk.
 * The operations of all sizes are interleaved, so that a slow moment of the machine hits all of them.
 */
import { type CipherSuite, cipherSuite, createIdentity, createKeyPackage, type Group } from '../src/index.ts'
import { importTree } from '../src/ratchet-tree/import-tree.ts'
import { populatedGroup } from '../test/support/populated-group.ts'
import { figure, median, own, type Row, table, writeResults } from './report.ts'

const operations = [
  'commit create',
  'commit stage',
  'commit merge',
  'remove create',
  'remove stage',
  'add create',
  'add stage',
  'protect 1 KiB',
  'receive 1 KiB',
] as const
type Operation = (typeof operations)[number]

interface Size {
  readonly n: number
  readonly samples: Record<Operation, number[]>
  readonly bytesPerMember: number
  readonly a: Group
  readonly b: Group
}

/** Milliseconds that `work` takes. */
async function timed<T>(into: number[], work: () => Promise<T> | T): Promise<T> {
  const start = performance.now()
  const result = await work()
  into.push(performance.now() - start)
  return result
}

function memory(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Bytes a member that a tree takes beside the bytes of its leaves; small trees are made often enough to be seen. */
function treeMemory(suite: CipherSuite, encoded: Uint8Array, members: number): number {
  const copies = Math.ceil(20_000 / members)
  const before = memory()
  const trees = Array.from({ length: copies }, () => importTree(suite, encoded))
  const taken = memory() - before
  let leaves = 0
  for (const tree of trees) for (const [, { bytes }] of tree.members()) leaves += bytes.length
  return (taken - leaves) / (copies * members)
}

export async function run(args: readonly string[]): Promise<void> {
  const sizes = args.length > 0 ? args.map(Number) : [100, 1_000, 10_000, 100_000]
  const rounds = 15
  const suite = await cipherSuite(1)
  const groups: Size[] = []
  for (const n of sizes) {
    process.stdout.write(`building ${n} members ... `)
    const start = performance.now()
    const group = populatedGroup(suite, n)
    const bytesPerMember = treeMemory(suite, group.fixture.encoded, n)
    console.log(`${figure((performance.now() - start) / 1000)} s`)
    const samples = Object.fromEntries(operations.map((name) => [name, []])) as unknown as Size['samples']
    groups.push({ n, samples, bytesPerMember, a: group.member(0), b: group.member(Math.floor(n / 2)) })
  }
  for (let round = 0; round < rounds; round++) for (const size of groups) await oneRound(suite, size, round)

  const smallest = groups.find(({ n }) => n === 1_000) ?? groups[0]
  const largest = groups.at(-1)
  const lines = [['milliseconds, median', ...groups.map(({ n }) => `n = ${n.toLocaleString('en')}`), 'growth']]
  const rows: Row[] = []
  for (const name of operations) {
    const medians = groups.map(({ samples }) => median(samples[name]))
    const growth = largest && smallest ? median(largest.samples[name]) / median(smallest.samples[name]) : Number.NaN
    lines.push([name, ...medians.map(figure), `${growth.toFixed(2)}x`])
    groups.forEach(({ n }, i) => {
      rows.push(own(name, n, 'ms', medians[i] ?? Number.NaN))
    })
    if (largest) rows.push(own(`${name}: growth from ${smallest?.n}`, largest.n, 'x', growth))
  }
  lines.push(['bytes per member beside the leaf', ...groups.map(({ bytesPerMember }) => figure(bytesPerMember)), ''])
  for (const { n, bytesPerMember } of groups) rows.push(own('memory per member', n, 'bytes', bytesPerMember))
  console.log()
  table(lines)
  writeResults('growth', rows)
}

async function oneRound(suite: CipherSuite, size: Size, round: number): Promise<void> {
  const { a, b, samples, n } = size
  const newcomer = await createKeyPackage({ suite, identity: createIdentity(suite, `newcomer ${n} ${round}`) })
  // staged and let go, so that the tree stays the populated one
  const victim = Math.floor(n / 4) + round
  for (const [kind, options] of [
    ['remove', { remove: [victim] }],
    ['add', { add: [newcomer], path: false }],
  ] as const) {
    const { commit } = await timed(samples[`${kind} create`], () => a.commit(options))
    await timed(samples[`${kind} stage`], () => b.stage(commit))
    a.discard()
  }
  const { commit, staged } = await timed(samples['commit create'], () => a.commit())
  const received = await timed(samples['commit stage'], () => b.stage(commit))
  if (received.kind !== 'commit') throw new Error(`the commit was ${received.kind}`)
  await timed(samples['commit merge'], () => a.merge(staged))
  b.merge(received.staged)
  const data = new Uint8Array(1024)
  // the first message of an epoch derives the sender's ratchet: count it too
  const message = await timed(samples['protect 1 KiB'], () => a.protect(data))
  const result = await timed(samples['receive 1 KiB'], () => b.receive(message))
  if (result.kind !== 'message') throw new Error(`the message was ${result.kind}`)
}
