/**
 * What durability costs: `npm run bench -- storage [SIZES]`.
 *
 * 1. Bytes written and time of one commit and of one message by the size of the group: on LMDB (everything durable before it
 *    is sent), beside the memory driver, and beside saving the whole state each time, in this package and in ts-mls.
 * 2. Opening a stored group beside joining it.
 * 3. Messages a second.
 *
 * Contenders take turns within every round, so that a slow moment of the machine hits all; figures are medians. The stores
 * are on the disk of this checkout.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { CipherSuite } from '../src/crypto/cipher-suite.ts'
import type { StoredGroup } from '../src/group-store/stored-group.ts'
import { cipherSuite, createIdentity, createKeyPackage, joinGroup } from '../src/index.ts'
import type { Storage } from '../src/ports/storage.ts'
import { openLmdbStorage } from '../src/storage/lmdb.ts'
import { rawMasterKey } from '../src/storage/master-key.ts'
import { openMemoryStorage } from '../src/storage/memory.ts'
import { openSealedStorage } from '../src/storage/sealed.ts'
import { populatedGroup } from '../test/support/populated-group.ts'
import { beside, figure, median, own, type Row, table, writeResults } from './report.ts'
import { timed } from './support/interleave.ts'
import { openStore, random } from './support/storage-meter.ts'
import { measureSize, operations, type Samples, wholes } from './support/storage-sizes.ts'
import { tsMlsMember } from './support/storage-ts-mls.ts'

const payload = 1024

/** Opening, and the first things done after it, beside a fresh join by Welcome. */
async function measureOpen(suite: CipherSuite, n: number, folder: string): Promise<Row[]> {
  const { member } = populatedGroup(suite, n, { ratchetTreeExtension: true })
  const identity = createIdentity(suite, 'newcomer')
  const keyPackage = await createKeyPackage({ suite, identity })
  const first = member(0)
  const { staged } = await first.commit({ add: [keyPackage] })
  const { welcome } = first.merge(staged)
  if (welcome === undefined) throw new Error('no Welcome')
  const times = { join: [] as number[], open: [] as number[], message: [] as number[], commit: [] as number[] }
  const join_ = () => timed(times.join, () => joinGroup({ suite, keyPackage, welcome }))
  const path = join(folder, `open-${n}`)
  const open = async () => openStore(suite, await openLmdbStorage({ path, randomBytes: random }), identity.signer)
  const group = await join_()
  const { id } = group
  const store = await open()
  await store.adopt(group)
  await store.close()
  for (let round = 0; round < 7; round++) {
    const again = await open()
    const stored = await again.open(id)
    await timed(times.open, () => stored.read((one) => one.epoch))
    const message = first.protect(new Uint8Array(payload))
    await timed(times.message, () => stored.receive({ message }))
    const { commit, staged: next } = await first.commit()
    first.merge(next)
    await timed(times.commit, () => stored.receive({ message: commit }))
    await again.close()
    await join_()
  }
  const joined = median(times.join)
  const share = (ms: number) => `${((100 * ms) / joined).toFixed(1)} %`
  console.log(`\nn = ${n.toLocaleString('en')}: a fresh join takes ${figure(joined)} ms`)
  const steps = [
    ['open a stored group', median(times.open)],
    ['first message after opening', median(times.message)],
    ['first commit after opening', median(times.commit)],
  ] as const
  for (const [name, ms] of steps) console.log(`  ${name.padEnd(28)} ${figure(ms).padStart(6)} ms  ${share(ms)}`)
  return steps.map(([name, ms]) => beside(name, n, 'ms', ms, 'fresh join', joined))
}

interface Contender {
  readonly name: string
  readonly amount: number
  readonly send: (amount: number) => Promise<unknown>
}

function storedContenders(name: string, group: StoredGroup): Contender[] {
  const one = () => group.send(new Uint8Array(payload))
  return [
    {
      name: `${name}, one at a time`,
      amount: 60,
      send: async (amount) => {
        for (let i = 0; i < amount; i++) await one()
      },
    },
    { name: `${name}, 128 at a time`, amount: 256, send: (amount) => Promise.all(Array.from({ length: amount }, one)) },
  ]
}

/** Messages a second in a group of `n`. */
async function measureThroughput(suite: CipherSuite, n: number, folder: string): Promise<Map<string, number>> {
  const { fixture, member } = populatedGroup(suite, n)
  const lmdb = (name: string) => openLmdbStorage({ path: join(folder, `throughput-${name}`), randomBytes: random })
  const masterKey = rawMasterKey(random(32), random)
  const storages: readonly (readonly [string, Storage])[] = [
    ['LMDB', await lmdb('plain')],
    [
      'LMDB, encrypted at rest',
      await openSealedStorage({ storage: await lmdb('sealed'), masterKey, randomBytes: random }),
    ],
    ['memory', await openMemoryStorage({ randomBytes: random })],
  ]
  const contenders: Contender[] = []
  const stores = []
  for (const [name, storage] of storages) {
    const store = await openStore(suite, storage, fixture.signer(0))
    stores.push(store)
    contenders.push(...storedContenders(name, await store.adopt(member(0))))
  }
  const [wholeStore, peerStore] = [await lmdb('whole'), await lmdb('ts-mls')]
  const [whole, without] = [member(0), member(0)]
  contenders.push({
    name: 'LMDB, whole state each time',
    amount: 8,
    async send(amount) {
      for (let i = 0; i < amount; i++) {
        whole.protect(new Uint8Array(payload))
        await wholeStore.apply([{ kind: 'put', table: 'state', key: new Uint8Array(1), value: whole.snapshot() }])
      }
    },
  })
  const peer = await tsMlsMember(suite, n, peerStore)
  contenders.push({
    name: 'LMDB, whole state of ts-mls',
    amount: 8,
    async send(amount) {
      for (let i = 0; i < amount; i++) await peer.send(payload)
    },
  })
  contenders.push({
    name: 'nothing stored',
    amount: 500,
    async send(amount) {
      for (let i = 0; i < amount; i++) without.protect(new Uint8Array(payload))
    },
  })
  const rates = new Map(contenders.map(({ name }) => [name, [] as number[]]))
  // the first round warms up
  for (let round = 0; round < 8; round++)
    for (const { name, amount, send } of contenders) {
      const times: number[] = []
      await timed(times, () => send(amount))
      if (round > 0) rates.get(name)?.push((1000 * amount) / (times[0] ?? Number.NaN))
    }
  for (const store of [...stores]) await store.close()
  await wholeStore.close()
  await peerStore.close()
  return new Map([...rates].map(([name, samples]) => [name, median(samples)]))
}

interface Measured {
  readonly n: number
  readonly samples: Samples
}

/** One table: a line for each operation of each contender, a column for each size, and the growth from 1,000 on. */
function sizesTable(unit: 'bytes' | 'times', measured: readonly Measured[], rows: Row[]): void {
  const base = measured.find(({ n }) => n === 1_000) ?? measured[0]
  const last = measured.at(-1)
  const title = unit === 'bytes' ? 'bytes written, median' : 'milliseconds, median'
  const growthTitle = `${figure(last?.n ?? 0)} : ${figure(base?.n ?? 0)}`
  const lines = [[title, ...measured.map(({ n }) => n.toLocaleString('en')), growthTitle]]
  const line = (name: string, of: (samples: Samples) => number) => {
    const values = measured.map(({ samples }) => of(samples))
    const growth = base === undefined || last === undefined ? Number.NaN : of(last.samples) / of(base.samples)
    lines.push([name, ...values.map(figure), Number.isNaN(growth) ? '-' : `${growth.toFixed(2)}x`])
    for (const [i, { n }] of measured.entries())
      rows.push(own(`${name}: ${unit}`, n, unit === 'bytes' ? 'bytes' : 'ms', values[i] ?? Number.NaN))
    return growth
  }
  for (const contender of unit === 'bytes' ? ['LMDB'] : ['LMDB', 'memory']) {
    for (const operation of operations)
      line(`${contender}, ${operation}`, (samples) => samples.of(unit, `${contender}, ${operation}`))
    const growth = line(
      `${contender}, own commit`,
      (samples) => samples.of(unit, `${contender}, create commit`) + samples.of(unit, `${contender}, merge own commit`),
    )
    if (unit === 'bytes') rows.push(own('own commit: growth of bytes', last?.n ?? 0, 'x', growth))
  }
  for (const contender of ['whole state', 'ts-mls'])
    for (const whole of wholes) line(`${contender}, ${whole}`, (samples) => samples.of(unit, `${contender}, ${whole}`))
  console.log()
  table(lines)
}

/** Runs the whole bench, or the tables of some sizes: `SIZES`. */
export async function run(args: readonly string[]): Promise<void> {
  const sizes = args.length > 0 ? args.map(Number) : [100, 1_000, 10_000, 100_000]
  const suite = await cipherSuite(1)
  const folder = mkdtempSync(join(import.meta.dirname, '../node_modules/.bench-storage-'))
  const rows: Row[] = []
  try {
    const measured: Measured[] = []
    for (const n of sizes) measured.push({ n, samples: await measureSize(suite, n, folder) })
    for (const unit of ['bytes', 'times'] as const) sizesTable(unit, measured, rows)
    for (const n of sizes.filter((size) => size >= 1_000 && size <= 10_000))
      rows.push(...(await measureOpen(suite, n, folder)))
    console.log('\nmessages of 1 KiB a second, n = 1,000')
    for (const [name, rate] of await measureThroughput(suite, 1_000, folder)) {
      console.log(`  ${name.padEnd(40)} ${figure(rate)}`)
      rows.push(own(`messages: ${name}`, 1_000, 'per second', rate))
    }
    if (args.length === 0) writeResults('storage', rows)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
