/**
 * What durability costs: bytes and time of one commit and of one message by the size of the group, opening a large group
 * beside joining it, and throughput on LMDB (every message durable before it is sent) beside the memory driver and beside
 * saving the whole state each time. The store is on the disk of this checkout; nothing is encrypted at rest.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { basicAuthentication } from '../src/authentication/basic-authentication.ts'
import type { CipherSuite } from '../src/crypto/cipher-suite.ts'
import { makeConfig } from '../src/group/defaults.ts'
import type { Group } from '../src/group/group.ts'
import { type GroupStore, openGroupStore } from '../src/group-store/group-store.ts'
import type { StoredGroup } from '../src/group-store/stored-group.ts'
import { cipherSuite, createIdentity, createKeyPackage, joinGroup, restoreGroup } from '../src/index.ts'
import type { Storage } from '../src/ports/storage.ts'
import { systemClock } from '../src/providers/system-clock.ts'
import type { Signer } from '../src/signed/signer.ts'
import { openLmdbStorage } from '../src/storage/lmdb.ts'
import { openMemoryStorage } from '../src/storage/memory.ts'
import { populatedGroup } from '../test/support/populated-group.ts'
import { beside, figure, median, own, type Row, table, writeResults } from './report.ts'

const rounds = 9
const random = (length: number) => Uint8Array.from(randomBytes(length))

/** Counts the bytes of keys and values that batches write. */
class Meter {
  bytes = 0
  take(): number {
    const { bytes } = this
    this.bytes = 0
    return bytes
  }

  watch(storage: Storage): Storage {
    return new Proxy(storage, {
      get: (target, name) => {
        if (name === 'apply')
          return (batch: Parameters<Storage['apply']>[0]) => {
            for (const operation of batch)
              if (operation.kind === 'put') this.bytes += operation.key.length + operation.value.length
            return target.apply(batch)
          }
        const value = Reflect.get(target, name, target) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
}

function openStore(suite: CipherSuite, storage: Storage, signer: Signer): Promise<GroupStore> {
  return openGroupStore({
    storage,
    config: makeConfig(
      { padding: { kind: 'none' }, ratchetTreeExtension: false, externalPub: false },
      { authentication: basicAuthentication(), psks: { externalPsk: () => undefined }, clock: systemClock },
    ),
    suite: () => suite,
    signer: () => signer,
    randomBytes: random,
  })
}

async function timed<T>(into: number[], work: () => Promise<T> | T): Promise<T> {
  const start = performance.now()
  const result = await work()
  into.push(performance.now() - start)
  return result
}

const names = ['create commit', 'merge own commit', 'merge other commit', 'send 1 KiB', 'receive 1 KiB'] as const
type Name = (typeof names)[number]
type Samples = Record<Name, number[]>
const emptySamples = () => Object.fromEntries(names.map((name) => [name, [] as number[]])) as unknown as Samples

interface Size {
  readonly n: number
  readonly bytes: Samples
  readonly times: Samples
}

async function measureSize(suite: CipherSuite, n: number, folder: string): Promise<Size> {
  const { fixture, member } = populatedGroup(suite, n)
  const meter = new Meter()
  const storage = meter.watch(await openLmdbStorage({ path: join(folder, `size-${n}`), randomBytes: random }))
  const store = await openStore(suite, storage, fixture.signer(0))
  const group = await store.adopt(member(0))
  const peer = member(n >> 1)
  const [bytes, times] = [emptySamples(), emptySamples()]
  const measure = async <T>(name: Name, work: () => Promise<T>): Promise<T> => {
    meter.take()
    const result = await timed(times[name], work)
    bytes[name].push(meter.take())
    return result
  }
  for (let round = 0; round < rounds; round++) {
    const { bytes: commit } = await measure('create commit', () => group.commit())
    await measure('merge own commit', () => group.receive({ message: commit }))
    await peer.receive(commit)
    const theirs = await peer.commit()
    peer.merge(theirs.staged)
    await measure('merge other commit', () => group.receive({ message: theirs.commit }))
    const data = new Uint8Array(1024)
    const sent = await measure('send 1 KiB', () => group.send(data))
    await store.sent(sent.id)
    await peer.receive(sent.bytes)
    const message = peer.protect(data)
    await measure('receive 1 KiB', () => group.receive({ message }))
  }
  await store.close()
  return { n, bytes, times }
}

/** A fresh join by Welcome beside opening the same group again. */
async function measureOpen(suite: CipherSuite, n: number, folder: string): Promise<Row> {
  const { member } = populatedGroup(suite, n, { ratchetTreeExtension: true })
  const identity = createIdentity(suite, 'newcomer')
  const keyPackage = await createKeyPackage({ suite, identity })
  const first = member(0)
  const { staged } = await first.commit({ add: [keyPackage] })
  const { welcome } = first.merge(staged)
  const [joins, opens]: [number[], number[]] = [[], []]
  const freshJoin = () => timed(joins, () => joinGroup({ suite, keyPackage, welcome: welcome as Uint8Array }))
  const group: Group = await freshJoin()
  const path = join(folder, 'open')
  const store = await openStore(suite, await openLmdbStorage({ path, randomBytes: random }), identity.signer)
  const { id } = group
  await store.adopt(group)
  await store.close()
  for (let i = 0; i < 5; i++) {
    const again = await openStore(suite, await openLmdbStorage({ path, randomBytes: random }), identity.signer)
    await timed(opens, async () => (await again.open(id)).read((one) => one.epoch))
    await again.close()
    // in turn, so that a slow moment of the machine hits both
    await freshJoin()
  }
  return beside('open a stored group', n, 'ms', median(opens), 'fresh join', median(joins))
}

type Send = (amount: number) => Promise<void>

function oneByOne(group: StoredGroup): Send {
  return async (amount) => {
    for (let i = 0; i < amount; i++) await group.send(new Uint8Array(100))
  }
}

function together(group: StoredGroup): Send {
  return async (amount) => {
    for (let done = 0; done < amount; done += 128)
      await Promise.all(Array.from({ length: Math.min(128, amount - done) }, () => group.send(new Uint8Array(100))))
  }
}

/** Messages a second in a group of `n`. */
async function measureThroughput(suite: CipherSuite, n: number, folder: string): Promise<Map<string, number>> {
  const { fixture, member, config } = populatedGroup(suite, n)
  const rates = new Map<string, number>()
  const rate = async (name: string, amount: number, send: Send) => {
    await send(Math.min(amount, 32))
    const start = performance.now()
    await send(amount)
    rates.set(name, (1000 * amount) / (performance.now() - start))
  }
  const lmdb = await openLmdbStorage({ path: join(folder, 'throughput'), randomBytes: random })
  for (const [name, storage] of [
    ['LMDB', lmdb],
    ['memory', await openMemoryStorage({ randomBytes: random })],
  ] as const) {
    const store = await openStore(suite, storage, fixture.signer(0))
    const group = await store.adopt(member(0))
    await rate(`${name}, one at a time`, 300, oneByOne(group))
    await rate(`${name}, 128 at a time`, 1280, together(group))
    await store.close()
  }
  const whole = await openLmdbStorage({ path: join(folder, 'whole'), randomBytes: random })
  const group = restoreGroup(member(0).snapshot(), {
    suite,
    signers: [{ credential: { credentialType: 'basic', identity: new Uint8Array(1) }, signer: fixture.signer(0) }],
    options: config,
  })
  await rate('LMDB, whole state each time', 30, async (amount) => {
    for (let i = 0; i < amount; i++) {
      group.protect(new Uint8Array(100))
      await whole.apply([{ kind: 'put', table: 'state', key: new Uint8Array(1), value: group.snapshot() }])
    }
  })
  await whole.close()
  const without = member(0)
  await rate('nothing stored', 1280, async (amount) => {
    for (let i = 0; i < amount; i++) without.protect(new Uint8Array(100))
  })
  return rates
}

export async function run(args: readonly string[]): Promise<void> {
  const sizes = args.length > 0 ? args.map(Number) : [100, 1_000, 10_000, 100_000]
  const suite = await cipherSuite(1)
  const folder = mkdtempSync(join(import.meta.dirname, '../node_modules/.bench-storage-'))
  const rows: Row[] = []
  try {
    const measured: Size[] = []
    for (const n of sizes) measured.push(await measureSize(suite, n, folder))
    const base = measured.find(({ n }) => n === 1_000) ?? measured[0]
    const last = measured.at(-1)
    for (const unit of ['bytes', 'times'] as const) {
      const lines = [[unit === 'bytes' ? 'bytes written, median' : 'milliseconds, median']]
      lines[0]?.push(...measured.map(({ n }) => `n = ${n.toLocaleString('en')}`), 'growth from 1,000')
      for (const name of names) {
        const medians = measured.map((size) => median(size[unit][name]))
        const growth = base && last ? median(last[unit][name]) / median(base[unit][name]) : Number.NaN
        lines.push([name, ...medians.map(figure), `${growth.toFixed(2)}x`])
        for (const [i, { n }] of measured.entries())
          rows.push(own(`${name}: ${unit}`, n, unit === 'bytes' ? 'bytes' : 'ms', medians[i] ?? Number.NaN))
      }
      if (unit === 'bytes') {
        const commit = (size: Size) => median(size.bytes['create commit']) + median(size.bytes['merge own commit'])
        const growth = base && last ? commit(last) / commit(base) : Number.NaN
        lines.push(['own commit, both', ...measured.map((size) => figure(commit(size))), `${growth.toFixed(2)}x`])
        rows.push(own('own commit: growth of bytes from 1,000', last?.n ?? 0, 'x', growth))
      }
      console.log()
      table(lines)
    }
    const open = await measureOpen(suite, Math.min(10_000, Math.max(...sizes)), folder)
    rows.push(open)
    console.log(
      `\nn = ${open.n}: open ${figure(open.ours)} ms, fresh join ${figure(open.peer ?? 0)} ms: ${figure((100 * open.ours) / (open.peer ?? 1))} %`,
    )
    console.log('\nmessages a second, n = 1,000')
    for (const [name, rate] of await measureThroughput(suite, 1_000, folder)) {
      console.log(`  ${name.padEnd(28)} ${figure(rate)}`)
      rows.push(own(`messages: ${name}`, 1_000, 'per second', rate))
    }
    writeResults('storage', rows)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
