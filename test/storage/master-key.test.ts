import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type MasterKey, passphraseMasterKey, platformMasterKey, rawMasterKey } from '../../src/storage/master-key.ts'
import { MemoryMedium, openMemoryStorage } from '../../src/storage/memory.ts'
import { openSealedStorage } from '../../src/storage/sealed.ts'

const text = (value: string) => new TextEncoder().encode(value)
const row = { kind: 'put', table: 't', key: text('k'), value: text('value') } as const
const raw = () => rawMasterKey(randomBytes(32), randomBytes)
const cheap = { memory: 19_456, passes: 2, lanes: 1 }

async function open(medium: MemoryMedium, masterKey: MasterKey) {
  return openSealedStorage({ storage: await openMemoryStorage({ medium, randomBytes }), masterKey, randomBytes })
}

describe('master keys', () => {
  test('each kind opens what it sealed, and no other key does', { timeout: 60_000 }, async () => {
    const platform = async () =>
      platformMasterKey(
        await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']),
        randomBytes,
      )
    const kinds = [
      [raw(), raw()],
      [passphraseMasterKey('correct horse', randomBytes, cheap), passphraseMasterKey('wrong', randomBytes, cheap)],
      [await platform(), await platform()],
    ] as const
    for (const [right, wrong] of kinds) {
      const medium = new MemoryMedium()
      const store = await open(medium, right)
      await store.apply([row])
      await store.close()
      await expect(open(medium, wrong)).rejects.toMatchObject({ code: 'storage/key' })
      for (const [other] of kinds)
        if (other !== right) await expect(open(medium, other)).rejects.toMatchObject({ code: 'storage/key' })
      const again = await open(medium, right)
      expect(await again.get('t', text('k'))).toEqual(text('value'))
      await again.close()
    }
  })

  test('a passphrase in another Unicode form is the same passphrase', async () => {
    const sealed = await passphraseMasterKey('caf\u00e9', randomBytes, cheap).seal(text('x'), text('ad'))
    const opened = await passphraseMasterKey('cafe\u0301', randomBytes, cheap).open(sealed, text('ad'))
    expect(opened).toEqual(text('x'))
  })

  test('the cost of Argon2id is bounded on both sides, for callers and in stored records', async () => {
    for (const cost of [{ memory: 8 }, { passes: 1 }, { memory: 2 ** 21 }, { passes: 17 }, { lanes: 17 }, { lanes: 0 }])
      expect(() => passphraseMasterKey('p', randomBytes, { ...cheap, ...cost })).toThrow(
        expect.objectContaining({ code: 'storage/range' }),
      )
    const key = passphraseMasterKey('p', randomBytes, cheap)
    const sealed = await key.seal(text('x'), text('ad'))
    for (const [offset, value] of [
      [17, 0xffffffff],
      [21, 0xffffffff],
      [25, 0],
    ] as const) {
      const forged = sealed.slice()
      new DataView(forged.buffer).setUint32(offset, value)
      await expect(key.open(forged, text('ad'))).rejects.toMatchObject({ code: 'storage/damaged' })
    }
  })

  test('another master key takes the place of the first', async () => {
    const [medium, first, second] = [new MemoryMedium(), raw(), raw()]
    const store = await open(medium, first)
    await store.apply([row])
    await store.changeMasterKey(second)
    await store.close()
    await expect(open(medium, first)).rejects.toMatchObject({ code: 'storage/key' })
    expect(await (await open(medium, second)).get('t', text('k'))).toEqual(text('value'))
  })

  test('keys of the wrong shape are refused', async () => {
    expect(() => rawMasterKey(new Uint8Array(16), randomBytes)).toThrow(
      expect.objectContaining({ code: 'storage/range' }),
    )
    const hmac = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
    expect(() => platformMasterKey(hmac as CryptoKey, randomBytes)).toThrow(
      expect.objectContaining({ code: 'storage/range' }),
    )
  })
})
