/** What the test page offers to scripts/test-indexeddb.ts, under `globalThis.page`; for groups, see group.ts. */
import { openDB } from 'idb'
import type { Storage } from '../../../src/ports/storage.ts'
import { openIndexedDbStorage } from '../../../src/storage/indexeddb.ts'
import { platformMasterKey, rawMasterKey } from '../../../src/storage/master-key.ts'
import { openSealedStorage } from '../../../src/storage/sealed.ts'
import { type StorageSubject, storageChecks } from '../../../src/testing/storage/index.ts'
import { group } from './group.ts'

const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length))
const text = (value: string) => new TextEncoder().encode(value)
let counter = 0
let store: Storage | undefined

function plain(): StorageSubject {
  const name = `check-${counter++}`
  const open = (ifOwned: 'take' | 'refuse') => openIndexedDbStorage({ name, randomBytes, ifOwned })
  return { open: () => open('take'), openPolitely: () => open('refuse') }
}

function sealed(): StorageSubject {
  const below = plain()
  const key = randomBytes(32)
  const seal = async (storage: Promise<Storage>) =>
    openSealedStorage({ storage: await storage, masterKey: rawMasterKey(key, randomBytes), randomBytes })
  return { open: () => seal(below.open()), openPolitely: () => seal(below.openPolitely!()) }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'ok',
    (error) => String(error.code ?? error),
  )
}

/** The non-extractable key of this origin, made at the first call. */
async function platformKey(): Promise<CryptoKey> {
  const keys = await openDB('keys', 1, { upgrade: (fresh) => void fresh.createObjectStore('keys') })
  const found = await keys.get('keys', 'master')
  if (found !== undefined) return found
  const made = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
  await keys.put('keys', made, 'master')
  return made
}

const page = {
  checks: () => storageChecks.map((check) => check.name),
  /** Runs one check; the empty text when it passed. */
  async check(driver: 'plain' | 'sealed', name: string): Promise<string> {
    try {
      await storageChecks.find((check) => check.name === name)!.run(driver === 'plain' ? plain() : sealed())
      return ''
    } catch (error) {
      return String(error)
    }
  },
  async open(name: string, ifOwned: 'take' | 'refuse' | 'wait'): Promise<string> {
    return codeOf(
      openIndexedDbStorage({ name, randomBytes, ifOwned }).then((opened) => {
        store = opened
      }),
    )
  },
  async openSealed(name: string): Promise<string> {
    return codeOf(
      openIndexedDbStorage({ name, randomBytes }).then(async (storage) => {
        const masterKey = platformMasterKey(await platformKey(), randomBytes)
        store = await openSealedStorage({ storage, masterKey, randomBytes })
      }),
    )
  },
  close: () => store!.close(),
  put: (key: string, value: string) =>
    codeOf(store!.apply([{ kind: 'put', table: 't', key: text(key), value: text(value) }])),
  async get(key: string): Promise<string | undefined> {
    const value = await store!.get('t', text(key))
    return value && new TextDecoder().decode(value)
  },
  /** Applies numbered batches for ever, each of `width` rows of 2 KB and the counter; tells of each one acknowledged. */
  async hammer(from: number, width: number): Promise<void> {
    for (let i = from; ; i++) {
      const rows = Array.from({ length: width }, (_, row) => {
        return { kind: 'put', table: 't', key: text(`${i}/${row}`), value: new Uint8Array(2048).fill(i & 255) } as const
      })
      await store!.apply([...rows, { kind: 'put', table: 'c', key: text('n'), value: text(String(i)) }])
      ;(globalThis as unknown as { acknowledged(i: number): void }).acknowledged(i)
    }
  },
  /** The last batch that is there, or a description of a half one. */
  async inspect(width: number): Promise<number | string> {
    const counter = await store!.get('c', text('n'))
    const last = counter === undefined ? -1 : Number(new TextDecoder().decode(counter))
    const keys = await store!.scanKeys('t', { limit: 65_536 })
    if (keys.length !== (last + 1) * width) return `${keys.length} rows for ${last + 1} batches`
    return last
  },
}

export type Page = typeof page
Object.assign(globalThis, { page, group })
