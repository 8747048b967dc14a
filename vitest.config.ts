import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

// vitest's reporter of failures calls Map.groupBy, which Node 20 does not have
const groupBy = <K, V>(items: Iterable<V>, keyOf: (item: V, index: number) => K): Map<K, V[]> => {
  const groups = new Map<K, V[]>()
  let index = 0
  for (const item of items) {
    const key = keyOf(item, index++)
    groups.set(key, [...(groups.get(key) ?? []), item])
  }
  return groups
}
if (!('groupBy' in Map)) Object.defineProperty(Map, 'groupBy', { value: groupBy, configurable: true, writable: true })

const source = (path: string) => join(import.meta.dirname, 'src', path)

export default defineConfig({
  // the package by its own name, from source
  resolve: {
    alias: [
      { find: /^xmpp-mls$/, replacement: source('index.ts') },
      { find: /^xmpp-mls\/codec$/, replacement: source('codec/index.ts') },
      { find: /^xmpp-mls\/testing$/, replacement: source('testing/xmpp/index.ts') },
      { find: /^xmpp-mls\/testing\/storage$/, replacement: source('testing/storage/index.ts') },
      { find: /^xmpp-mls\/providers\/(noble|wasm|node)$/, replacement: source('providers/$1/provider.ts') },
      { find: /^xmpp-mls\/xmpp$/, replacement: source('xmpp/index.ts') },
      { find: /^xmpp-mls\/storage\/(.*)$/, replacement: source('storage/$1.ts') },
      { find: /^xmpp-mls\/identity$/, replacement: source('identity.ts') },
      { find: /^xmpp-mls\/store$/, replacement: source('store.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globals: false,
    // compiles what of wasm/ changed since the last time
    globalSetup: ['scripts/build-wasm.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // all cores: the tests wait for nothing but themselves
    maxWorkers: '100%',
  },
})
