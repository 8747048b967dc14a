/** Bytes and time of commits and messages by the size of the group, for `npm run bench -- storage`. */
import { join } from 'node:path'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import type { Group } from '../../src/group/group.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { openMemoryStorage } from '../../src/storage/memory.ts'
import { populatedGroup } from '../../test/support/populated-group.ts'
import { median } from '../report.ts'
import { timed } from './interleave.ts'
import { Meter, openStore, random } from './storage-meter.ts'
import { tsMlsMember } from './storage-ts-mls.ts'

const payload = 1024
/** What a stored member does. */
export const operations = [
  'create commit',
  'merge own commit',
  'merge other commit',
  'send 1 KiB',
  'receive 1 KiB',
] as const
type Operation = (typeof operations)[number]
/** Commits and messages as a client sees them: an own commit is made and merged. */
export const wholes = ['own commit', 'message sent'] as const

/** Samples by contender and operation, named `CONTENDER, OPERATION`. */
export class Samples {
  readonly bytes = new Map<string, number[]>()
  readonly times = new Map<string, number[]>()

  add(name: string, ms: number, bytes: number): void {
    for (const [map, value] of [
      [this.times, ms],
      [this.bytes, bytes],
    ] as const)
      map.set(name, [...(map.get(name) ?? []), value])
  }

  async measure<T>(name: string, meter: Meter, work: () => Promise<T>): Promise<T> {
    meter.take()
    const into: number[] = []
    const result = await timed(into, work)
    this.add(name, into[0] ?? Number.NaN, meter.take())
    return result
  }

  of(unit: 'bytes' | 'times', name: string): number {
    return median(this[unit].get(name) ?? [])
  }
}

/** Two stored members of one group, on LMDB and in memory, and one that is saved as a whole, in turn. */
export async function measureSize(suite: CipherSuite, n: number, folder: string): Promise<Samples> {
  const { fixture, member } = populatedGroup(suite, n)
  const samples = new Samples()
  const open = async (name: string, storage: Storage, leaf: number) => {
    const meter = new Meter()
    const store = await openStore(suite, meter.watch(storage), fixture.signer(leaf))
    return { name, meter, store, group: await store.adopt(member(leaf)) }
  }
  const lmdb = (name: string) => openLmdbStorage({ path: join(folder, `${name}-${n}`), randomBytes: random })
  const contenders = [
    await open('LMDB', await lmdb('pages'), 0),
    await open('memory', await openMemoryStorage({ randomBytes: random }), 1),
  ]
  const [wholeStore, whole] = [await lmdb('whole'), member(n >> 1)]
  const save = async (group: Group) => {
    const value = group.snapshot()
    await wholeStore.apply([{ kind: 'put', table: 'state', key: new Uint8Array(1), value }])
    return value.length + 1
  }
  const measureWhole = async (name: (typeof wholes)[number], work: () => Promise<number>) => {
    const times: number[] = []
    const bytes = await timed(times, work)
    samples.add(`whole state, ${name}`, times[0] ?? Number.NaN, bytes)
  }
  const rounds = n > 10_000 ? 5 : 9
  for (let round = 0; round < rounds; round++) {
    for (const self of contenders) {
      const at = (operation: Operation) => `${self.name}, ${operation}`
      const others = contenders.filter((one) => one !== self)
      const { bytes: commit } = await samples.measure(at('create commit'), self.meter, () => self.group.commit())
      await samples.measure(at('merge own commit'), self.meter, () => self.group.receive({ message: commit }))
      for (const other of others)
        await samples.measure(`${other.name}, merge other commit`, other.meter, () =>
          other.group.receive({ message: commit }),
        )
      await whole.receive(commit)
      const data = new Uint8Array(payload)
      const sent = await samples.measure(at('send 1 KiB'), self.meter, () => self.group.send(data))
      await self.store.sent(sent.id)
      for (const other of others)
        await samples.measure(`${other.name}, receive 1 KiB`, other.meter, () =>
          other.group.receive({ message: sent.bytes }),
        )
      await whole.receive(sent.bytes)
    }
    if (round >= 5) continue
    await measureWhole('own commit', async () => {
      await whole.commit()
      whole.discard()
      return save(whole)
    })
    const message: Uint8Array[] = []
    await measureWhole('message sent', async () => {
      message.push(whole.protect(new Uint8Array(payload)))
      return save(whole)
    })
  }
  for (const { store } of contenders) await store.close()
  await wholeStore.close()
  if (n <= 1_000) await measureTsMls(suite, n, folder, samples)
  return samples
}

async function measureTsMls(suite: CipherSuite, n: number, folder: string, samples: Samples): Promise<void> {
  const storage = await openLmdbStorage({ path: join(folder, `ts-mls-${n}`), randomBytes: random })
  const peer = await tsMlsMember(suite, n, storage)
  for (let round = 0; round < 5; round++)
    for (const [name, work] of [
      ['own commit', () => peer.commit()],
      ['message sent', () => peer.send(payload)],
    ] as const) {
      const times: number[] = []
      const bytes = await timed(times, work)
      samples.add(`ts-mls, ${name}`, times[0] ?? Number.NaN, bytes)
    }
  await storage.close()
}
