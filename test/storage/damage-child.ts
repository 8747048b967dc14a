/**
 * Opens a store that may be damaged, reads and changes all of it: `damage-child PATH`. Prints the code of a typed error or
 * `ok`; whoever started it sees a signal when the library crashed.
 */
import { randomBytes } from 'node:crypto'
import { MlsError } from '../../src/bytes/errors.ts'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'

const text = (value: string) => new TextEncoder().encode(value)
try {
  const store = await openLmdbStorage({ path: process.argv[2]!, randomBytes })
  await store.sizes()
  await store.scan('t', { limit: 65_536 })
  await store.scan('t', { limit: 65_536, reverse: true })
  for (let i = 0; i < 400; i++) await store.get('t', text(`k${i}`))
  for (let i = 0; i < 30; i++)
    await store.apply([
      { kind: 'put', table: 't', key: text(`n${i}`), value: new Uint8Array(i % 3 === 0 ? 20_000 : 300) },
      { kind: 'delete', table: 't', key: text(`k${7 * i}`) },
    ])
  await store.apply([{ kind: 'delete_prefix', table: 't', prefix: new Uint8Array(0) }])
  await store.close()
  console.log('ok')
} catch (error) {
  console.log(error instanceof MlsError ? error.code : `not typed: ${String(error)}`)
}
