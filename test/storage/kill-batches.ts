/** Numbered batches for the kill tests, and the check that a store holds a whole number of them. */
import type { Storage, StorageOperation } from '../../src/ports/storage.ts'

const text = (value: string) => new TextEncoder().encode(value)
const ring = 64

function rowOf(number: number, row: number): Uint8Array {
  const value = new Uint8Array(200 + ((number * 37 + row * 101) % 6000)).fill((number + row) & 255)
  new DataView(value.buffer).setUint32(0, number)
  return value
}

/** Batch `number`: `width` rows that replace those of batch `number - 64`, a deletion by prefix, and the counter. */
export function batchOf(number: number, width: number): StorageOperation[] {
  const slot = number % ring
  const rows = Array.from({ length: width }, (_, row): StorageOperation => {
    return { kind: 'put', table: 'rows', key: text(`${slot}/${row}`), value: rowOf(number, row) }
  })
  const trace: StorageOperation = { kind: 'put', table: 'trace', key: text(`${slot}/${number}`), value: text('-') }
  const clear: StorageOperation = { kind: 'delete_prefix', table: 'trace', prefix: text(`${slot}/`) }
  // A prefix deletion waits for earlier batches, hence only in some.
  const traces = number % 7 === 0 ? [clear, trace] : [trace]
  return [...rows, ...traces, { kind: 'put', table: 'last', key: text('number'), value: text(String(number)) }]
}

/** The number of the last batch that is there, -1 when there is none. */
export async function lastBatch(store: Storage): Promise<number> {
  const value = await store.get('last', text('number'))
  return value === undefined ? -1 : Number(new TextDecoder().decode(value))
}

/** Says what is wrong with the store after `acknowledged` was the last acknowledged batch; the empty text for nothing. */
export async function inspect(store: Storage, acknowledged: number, width: number): Promise<string> {
  const last = await lastBatch(store)
  if (last < acknowledged) return `batch ${acknowledged} was acknowledged, the last one there is ${last}`
  for (let number = Math.max(0, last - ring + 1); number <= last; number++) {
    for (let row = 0; row < width; row++) {
      const value = await store.get('rows', text(`${number % ring}/${row}`))
      if (value === undefined || Buffer.compare(value, rowOf(number, row)) !== 0)
        return `row ${row} of batch ${number} of ${last} is missing or another one's`
    }
    if ((await store.get('trace', text(`${number % ring}/${number}`))) === undefined) return `trace of batch ${number}`
  }
  const rows = await store.scanKeys('rows', { limit: 65_536 })
  const expected = Math.min(last + 1, ring) * width
  return rows.length === expected ? '' : `${rows.length} rows, expected ${expected}`
}
