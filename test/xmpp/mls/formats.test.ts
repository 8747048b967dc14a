import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../../src/bytes/text.ts'
import type { Storage } from '../../../src/ports/storage.ts'
import { systemClock } from '../../../src/providers/system-clock.ts'
import { keySigner } from '../../../src/signed/signer.ts'
import { MemoryMedium, openMemoryStorage } from '../../../src/storage/memory.ts'
import { defaultSettings } from '../../../src/xmpp/mls/client-options.ts'
import type { EngineContext } from '../../../src/xmpp/mls/engine/state.ts'
import { deviceCredential, formAuthentication } from '../../../src/xmpp/mls/identity.ts'
import { ClientStore } from '../../../src/xmpp/mls/store.ts'
import { openSuite } from '../../support/suite.ts'

/** A store that a release of the binding wrote, with a message and a commit on their way; never made anew. */
interface Golden {
  readonly account: string
  readonly room: string
  readonly epoch: string
  readonly epochAuthenticator: string
  readonly nextGeneration: number
  readonly cursor: string
  readonly outbox: readonly (readonly [id: string, bytes: string])[]
  readonly attempt: readonly [id: string, commit: string]
  readonly ownNumber: string
  readonly processed: number
  readonly authors: number
  readonly chains: readonly string[]
  readonly rows: readonly (readonly [address: string, value: string])[]
}

const goldenOf = (format: number): Golden =>
  JSON.parse(readFileSync(new URL(`golden/client-${format}.json`, import.meta.url), 'utf8')) as Golden
const suite = openSuite(1)

async function open(golden: Golden): Promise<{ storage: Storage; engine: EngineContext; store: () => ClientStore }> {
  const medium = new MemoryMedium()
  for (const [address, value] of golden.rows) medium.write(fromHex(address), fromHex(value))
  const storage = await openMemoryStorage({ medium, randomBytes: (length) => suite.randomBytes(length) })
  const device = await new ClientStore(storage).device()
  if (device === undefined) throw new Error('no device')
  const engine: EngineContext = {
    suite,
    identity: {
      credential: deviceCredential(device.account, device.deviceId),
      signer: keySigner(suite, device.signatureKey),
    },
    account: device.account,
    device: toHex(device.deviceId),
    room: golden.room,
    kind: 'muc',
    clock: systemClock,
    authentication: formAuthentication,
    settings: defaultSettings,
    trust: () => 'unverified',
  }
  return { storage, engine, store: () => new ClientStore(storage) }
}

describe.each([1, 2])('a client store of format %i', (format) => {
  test('is read, and kept as format 2 from the first batch on', async () => {
    const golden = goldenOf(format)
    const { storage, engine, store } = await open(golden)
    expect(await store().rooms()).toEqual([golden.room])
    const room = await store().openRoom(engine)
    const check = (state: Awaited<ReturnType<typeof room.load>>) => {
      const { group, outbox, attempt } = state
      expect(toHex(group?.epochAuthenticator ?? new Uint8Array(0))).toBe(golden.epochAuthenticator)
      expect(String(group?.epoch)).toBe(golden.epoch)
      expect(state).toMatchObject({ phase: 'active', cursor: golden.cursor, ownNumber: BigInt(golden.ownNumber) })
      expect(outbox.map(({ id, bytes, unsure }) => [id, toHex(bytes), unsure])).toEqual(
        golden.outbox.map(([id, bytes]) => [id, bytes, true]),
      )
      expect([attempt?.id, toHex(attempt?.commit ?? new Uint8Array(0))]).toEqual(golden.attempt)
      expect(group?.pending).toBeDefined()
      expect([state.processed.size, state.authors.size]).toEqual([golden.processed, golden.authors])
      expect([...state.chains.keys()]).toEqual(golden.chains)
      return group
    }
    const state = await room.load()
    // generations that were set apart are skipped
    const next = golden.nextGeneration + (format === 1 ? 0 : 30)
    expect(check(state)?.nextGeneration).toBe(next)
    expect(room.old).toBe(format === 1)
    await room.save(state)
    expect(room.old).toBe(false)
    for (const table of ['mls_rooms', 'mls_groups']) expect(await storage.scanKeys(table, { limit: 1 })).toEqual([])
    const again = await store().openRoom(engine)
    const found = await again.load()
    expect(check(found)?.nextGeneration).toBe(next)
    // what was given out before is known: its echo is no sign of a copy
    const [, bytes] = golden.outbox[0] ?? ['', '']
    const group = found.group
    if (group === undefined) throw new Error('no group')
    const message = fromHex(bytes)
    expect(again.judge(group, { message, result: await group.receive(message), own: true })).toBeUndefined()
    expect(await store().rooms()).toEqual([golden.room])
  })
})
