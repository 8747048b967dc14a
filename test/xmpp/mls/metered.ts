import type { Storage } from '../../../src/ports/storage.ts'

/** A storage that counts the bytes of keys and values that batches write. */
export function metered(storage: Storage) {
  const meter = {
    bytes: 0,
    batches: 0,
    take(): number {
      const { bytes } = meter
      meter.bytes = 0
      return bytes
    },
  }
  const watched = new Proxy(storage, {
    get: (target, name) => {
      if (name === 'apply')
        return (batch: Parameters<Storage['apply']>[0]) => {
          meter.batches++
          for (const operation of batch)
            if (operation.kind === 'put') meter.bytes += operation.key.length + operation.value.length
          return target.apply(batch)
        }
      const value = Reflect.get(target, name, target) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { meter, storage: watched }
}
