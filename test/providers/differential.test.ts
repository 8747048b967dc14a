/** A few cases of each method; `npm run test:differential` runs a hundred thousand. */
import { describe, expect, test } from 'vitest'
import { suites } from '../../src/crypto/suites.ts'
import { nobleProvider } from '../../src/providers/noble/provider.ts'
import { nodeProvider } from '../../src/providers/node/provider.ts'
import { wasmProvider } from '../../src/providers/wasm/provider.ts'
import { differential, differentialMethods } from './conformance/differential.ts'

describe.each([wasmProvider, nodeProvider])('noble and $name', (provider) => {
  const check = differential(nobleProvider, provider)
  test.each(differentialMethods)('$name', async ({ name, share }) => {
    await check(name, Math.max(4, Math.ceil(share / 400)))
  })
})

test('a provider that differs in one byte is found', async () => {
  const wrong = {
    ...nobleProvider,
    name: 'wrong',
    open: (...input: Parameters<typeof nobleProvider.open>) => {
      const suite = nobleProvider.open(...input)
      suite.hash = (data) =>
        suite.hashMany([data])[0]!.map((byte, i) => (data.length === 64 && i === 31 ? byte ^ 1 : byte))
      return suite
    },
  }
  await expect(differential(nobleProvider, wrong)('hash', 1000)).rejects.toThrow('Property failed')
})

test('every method of a suite has a case', () => {
  const suite = Object.getPrototypeOf(wasmProvider.open({ ...suites[0]! }, { randomBytes: (n) => new Uint8Array(n) }))
  const names = Object.getOwnPropertyNames(suite).filter((name) => name !== 'constructor')
  expect(names.filter((name) => !differentialMethods.some((method) => method.name === name))).toEqual([])
})
