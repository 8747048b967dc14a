import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fromHex, fromUtf8, toHex } from '../../src/bytes/text.ts'
import { keySigner } from '../../src/signed/signer.ts'
import { bytesOf, Device } from './support.ts'

const folder = join(import.meta.dirname, 'golden')

interface Golden {
  readonly facts: Record<'groupId' | 'privateKey' | 'treeHash', string> & { readonly epoch: number }
  readonly rows: readonly (readonly [string, string, string])[]
}

describe('stores of every format that was ever written', () => {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.json')))
    test(`${name} opens, and goes on`, async () => {
      const { facts, rows } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Golden
      const device = new Device('alice')
      device.signers.push({ ...device.identity, signer: keySigner(device.suite, fromHex(facts.privateKey)) })
      const storage = await device.storage()
      await storage.apply(
        rows.map(([table, key, value]) => ({ kind: 'put', table, key: fromHex(key), value: fromHex(value) })),
      )
      const store = await device.open({ storage })
      expect((await store.list()).map(({ phase }) => phase)).toEqual(['catching-up'])
      const group = await store.open(fromHex(facts.groupId))
      await group.read((one) => {
        expect([Number(one.epoch), one.memberCount, one.proposals.length]).toEqual([facts.epoch, 2, 1])
        expect(toHex(one.treeHash)).toBe(facts.treeHash)
        expect(one.state.past.length).toBe(2)
        expect(one.pending?.own).toBe(true)
      })
      expect((await group.history()).map(({ data }) => fromUtf8(data))).toEqual(['from bob', 'from alice'])
      expect((await store.keyPackages.list()).length).toBe(1)
      const [entry] = store.outbox()
      expect([entry?.id, entry?.kind]).toEqual(['pending', 'commit'])
      expect((await group.reconcile([{ message: entry!.bytes }])).pending).toBe('merged')
      await group.send(bytesOf('goes on'))
      expect(store.outbox().map(({ kind }) => kind)).toEqual(['application'])
    })
})
