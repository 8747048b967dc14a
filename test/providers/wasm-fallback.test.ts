/** What the WASM provider does where the platform refuses it, where its files come from, and what it leaves in memory. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { concatBytes } from '../../src/bytes/bytes.ts'
import { utf8 } from '../../src/bytes/text.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { suiteParameters } from '../../src/crypto/suites.ts'
import { defaultProvider } from '../../src/providers/default.ts'
import { nobleProvider } from '../../src/providers/noble/provider.ts'
import { systemRng } from '../../src/providers/system-rng.ts'
import { createWasmProvider, type WasmProvider } from '../../src/providers/wasm/create-provider.ts'
import { curve25519Text } from '../../src/providers/wasm/curve25519.generated.ts'
import { loadWasmProvider } from '../../src/providers/wasm/file.ts'
import { type Curve25519Exports, createKernels, type SymmetricExports } from '../../src/providers/wasm/kernel.ts'
import { fromModuleText } from '../../src/providers/wasm/module-text.ts'
import { p256Text } from '../../src/providers/wasm/p256.generated.ts'
import { createWasmCore } from '../../src/providers/wasm/parts.ts'
import { wasmProvider } from '../../src/providers/wasm/provider.ts'
import { symmetricText } from '../../src/providers/wasm/symmetric.generated.ts'
import { codeOf, countingRng, openSuite } from './conformance/oracle.ts'

const message = utf8('attack at dawn')
const none = new Uint8Array(0)
const files = {
  curve25519: fromModuleText(curve25519Text),
  symmetric: fromModuleText(symmetricText),
  p256: fromModuleText(p256Text),
}
const compiled = () => ({
  curve25519: () => new WebAssembly.Module(files.curve25519),
  symmetric: () => new WebAssembly.Module(files.symmetric),
  p256: () => new WebAssembly.Module(files.p256),
})
/** A provider whose modules are compiled when it is first used. */
const fresh = () => createWasmProvider(createWasmCore(compiled()), { name: 'wasm', fallback: nobleProvider })

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('where WebAssembly is refused', () => {
  const policy = {
    ...Object.fromEntries(Object.getOwnPropertyNames(WebAssembly).map((name) => [name, WebAssembly[name as never]])),
    // what a Content-Security-Policy without wasm-unsafe-eval does
    Module: class {
      constructor() {
        throw new WebAssembly.CompileError('refused by policy')
      }
    },
    compile: () => Promise.reject(new WebAssembly.CompileError('refused by policy')),
  }

  test.each([
    ['by a policy', policy, 'noble: CompileError: refused by policy'],
    ['because there is none', undefined, 'noble: no WebAssembly on this platform'],
  ])('%s, noble computes the same and status says why', async (_, stub, status) => {
    const expected = openSuite(wasmProvider, 1).hash(message)
    vi.stubGlobal('WebAssembly', stub)
    const provider = fresh()
    for (const id of [1, 2, 3, 4]) expect(openSuite(provider, id).provider).toBe('noble')
    expect(provider.status).toBe(status)
    expect(openSuite(provider, 1).hash(message)).toEqual(expected)
    const fromFiles = await loadWasmProvider(files)
    expect(fromFiles.status).toBe(status)
    expect(openSuite(fromFiles, 3).provider).toBe('noble')
  })

  test('an engine without SIMD refuses the modules', () => {
    const withoutSimd = () => {
      throw new WebAssembly.CompileError('invalid opcode 0xfd')
    }
    const core = createWasmCore({ ...compiled(), symmetric: withoutSimd })
    const provider = createWasmProvider(core, { name: 'wasm', fallback: nobleProvider })
    expect(provider.status).toBe('noble: CompileError: invalid opcode 0xfd')
    expect(openSuite(provider, 1).provider).toBe('noble')
  })
})

test('status and provider say who computes', async () => {
  expect(fresh().status).toBe('wasm')
  expect([1, 2, 3, 4, 5, 6, 7].map((id) => openSuite(wasmProvider, id).provider)).toEqual([
    'wasm',
    'wasm',
    'wasm',
    'noble',
    'noble',
    'noble',
    'noble',
  ])
  expect((await defaultProvider(suiteParameters(7))).name).toBe('noble')
})

describe('the default provider', () => {
  const long = new Uint8Array(70_000).fill(3)
  /** Its name, its status, and whether it calls OpenSSL for a long message. */
  async function opened(process: unknown) {
    vi.resetModules()
    vi.stubGlobal('process', process)
    const { defaultProvider: fresh } = await import('../../src/providers/default.ts')
    const provider = await fresh(suiteParameters(1))
    const suite = provider.open(suiteParameters(1), systemRng)
    const sealed = suite.seal(new Uint8Array(16), new Uint8Array(12), none, long)
    expect(openSuite(nobleProvider, 1).open(new Uint8Array(16), new Uint8Array(12), none, sealed)).toEqual(long)
    return [provider.name, (provider as WasmProvider).status]
  }
  const real = globalThis.process

  test('in Node: kernels, and OpenSSL for long messages', async () => {
    let asked = 0
    const crypto = new Proxy(real.getBuiltinModule('crypto'), {
      get(target, name, receiver) {
        if (name === 'createCipheriv') asked++
        return Reflect.get(target, name, receiver)
      },
    })
    expect(await opened({ ...real, getBuiltinModule: () => crypto })).toEqual(['node', 'wasm, node:crypto'])
    expect(asked).toBe(1)
  })

  test('in Node with a library that lacks the AEAD: kernels', async () => {
    const crypto = { ...real.getBuiltinModule('crypto'), getCiphers: () => [] }
    expect(await opened({ ...real, getBuiltinModule: () => crypto })).toEqual(['node', 'wasm, node:crypto'])
  })

  test.each([
    ['browsers', undefined],
    ['bundlers that put a process there', { env: {} }],
  ])('in %s: kernels alone', async (_, process) => {
    expect(await opened(process)).toEqual(['wasm', 'wasm'])
  })
})

describe('modules from files', () => {
  test('bytes, modules, buffers, responses and addresses', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/symmetric.wasm') response.end(files.symmetric)
      else response.writeHead(404).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
      const provider = await loadWasmProvider({
        curve25519: new WebAssembly.Module(files.curve25519),
        symmetric: new URL('symmetric.wasm', base),
        p256: new Response(files.p256),
      })
      expect(provider.status).toBe('wasm')
      expect([1, 2, 3].map((id) => openSuite(provider, id).provider)).toEqual(['wasm', 'wasm', 'wasm'])
      const missing = { ...files, symmetric: `${base}other.wasm` }
      expect(await codeOf(() => loadWasmProvider(missing))).toBe('crypto/provider')
    } finally {
      server.close()
    }
    const provider = await loadWasmProvider({ curve25519: files.curve25519, symmetric: files.symmetric.buffer })
    expect(openSuite(provider, 2).provider).toBe('noble')
    expect(openSuite(provider, 1).provider).toBe('wasm')
  })

  test('anything else is refused', async () => {
    const wrong = [
      { ...files, symmetric: files.p256 },
      { ...files, curve25519: new WebAssembly.Module(files.symmetric) },
      { ...files, p256: utf8('<html>') },
      { ...files, symmetric: none },
    ]
    for (const input of wrong) expect(await codeOf(() => loadWasmProvider(input))).toBe('crypto/provider')
  })
})

describe('memory', () => {
  /** Every kernel of a core, from outside. */
  function watched() {
    const made: { memory: WebAssembly.Memory; heapBase(): number }[] = []
    const { Instance } = WebAssembly
    vi.stubGlobal('WebAssembly', {
      Module: WebAssembly.Module,
      Instance: class {
        readonly exports: WebAssembly.Exports
        constructor(module: WebAssembly.Module) {
          this.exports = new Instance(module).exports
          made.push(this.exports as never)
        }
      },
    })
    return { made, provider: fresh() }
  }

  /** Everything secret that one can do with a suite. */
  async function useEverything(suite: CipherSuite, secret: Uint8Array): Promise<void> {
    const { keyLength } = suite.parameters
    const signer = suite.generateSignatureKeyPair()
    suite.verify(signer.publicKey, secret, suite.sign(secret.slice(0, 32), secret))
    await suite.verifyMany(
      [1, 2].map(() => ({ publicKey: signer.publicKey, message: secret, signature: new Uint8Array(64) })),
    )
    suite.hash(secret)
    suite.hashMany([secret, secret, secret])
    suite.hash(concatBytes(secret, new Uint8Array(70_000), secret))
    suite.expand(suite.extract(secret, secret), secret, 80)
    suite.expandMany([secret.slice(0, 32), secret.slice(0, 32)], [secret, secret], 32)
    const sealed = suite.seal(secret.slice(0, keyLength), new Uint8Array(12), secret, secret)
    suite.open(secret.slice(0, keyLength), new Uint8Array(12), secret, sealed)
    await codeOf(() => suite.open(secret.slice(0, keyLength), new Uint8Array(12), secret, sealed.reverse()))
    const pair = await suite.deriveKeyPair(secret)
    const { kemOutput, ciphertext } = await suite.hpkeSeal({ ...pair, info: secret, aad: secret, plaintext: secret })
    await suite.hpkeOpen(pair, kemOutput, secret, secret, ciphertext)
  }

  /** Whether any 8 bytes in a row of `secret` stand in a memory. */
  const holds = (memory: WebAssembly.Memory, secret: Uint8Array) => {
    const all = Buffer.from(memory.buffer)
    return Array.from({ length: secret.length - 8 }, (_, i) => secret.subarray(i, i + 8)).some((part) =>
      all.includes(Buffer.from(part)),
    )
  }

  test.each([1, 2, 3])('suite %i leaves no input behind', async (id) => {
    const { made, provider } = watched()
    const suite = openSuite(provider, id, countingRng(id))
    const secret = countingRng(id + 50).randomBytes(200)
    await useEverything(suite, secret)
    expect(made.length).toBe(2)
    for (const { memory } of made) expect(holds(memory, secret)).toBe(false)
    // the symmetric kernel comes first: nothing at all above the midstates that it keeps
    const { memory: symmetric, heapBase } = made[0]!
    expect(new Uint8Array(symmetric.buffer, heapBase() + 64).every((byte) => byte === 0)).toBe(true)
    // the check can see: a kernel that is not cleared
    const [{ memory } = made[0]!] = made
    new Uint8Array(memory.buffer).set(secret.subarray(3, 40), memory.buffer.byteLength - 50)
    expect(holds(memory, secret)).toBe(true)
  })

  test.each([1, 3])(
    'suite %i seals to many as noble does: all lanes, several blocks, infos and lengths',
    async (id) => {
      const [suite, reference] = [wasmProvider, nobleProvider].map((one) => openSuite(one, id, countingRng(id)))
      const bytes = (length: number, seed: number) => new Uint8Array(length).map((_, i) => (i * 7 + seed) & 0xff)
      const pairs = await suite!.deriveKeyPairs(Array.from({ length: 4 }, (_, i) => bytes(32, i)))
      const requests = (count: number, infoLength: number, longest: number) =>
        Array.from({ length: count }, (_, i) => ({
          publicKey: pairs[i % 4]!.publicKey,
          info: bytes(infoLength, i % 7 < 5 ? 1 : 2),
          aad: bytes(i % 3, i),
          plaintext: bytes((i * 13) % (longest + 1), i),
        }))
      for (const many of [requests(9, 40, 90), requests(9, 0, 3000), requests(260, 300, 0)]) {
        const sealed = await suite!.hpkeSealMany(many)
        expect(sealed).toEqual(await reference!.hpkeSealMany(many))
        const [{ kemOutput, ciphertext } = sealed[0]!] = sealed
        const { info, aad, plaintext } = many[0]!
        expect(await reference!.hpkeOpen(pairs[0]!, kemOutput, info, aad, ciphertext)).toEqual(plaintext)
      }
      const low = { publicKey: new Uint8Array(32), info: none, aad: none, plaintext: none }
      expect(await codeOf(() => suite!.hpkeSealMany([...requests(5, 1, 1), low]))).toBe('crypto/key')
    },
  )

  test('inputs beyond what an instance should keep', () => {
    const { made, provider } = watched()
    const suite = openSuite(provider, 3)
    const large = new Uint8Array(17 * 1024 * 1024).fill(3)
    const sealed = suite.seal(new Uint8Array(32), new Uint8Array(12), none, large)
    expect(Buffer.compare(suite.open(new Uint8Array(32), new Uint8Array(12), none, sealed), large)).toBe(0)
    const reference = openSuite(nobleProvider, 3)
    expect(suite.hash(large)).toEqual(reference.hash(large))
    expect(suite.hmac(message, large)).toEqual(reference.hmac(message, large))
    const { publicKey, privateKey } = suite.generateSignatureKeyPair()
    expect(suite.verify(publicKey, large, suite.sign(privateKey, large))).toBe(true)
    // two of them stay, the others are collected
    for (const { memory } of made.slice(0, 2)) expect(memory.buffer.byteLength).toBeLessThan(2 ** 22)
    expect(made.length).toBeGreaterThan(2)
  })

  test('an arena that the platform gives no memory is an error of the environment', async () => {
    const { symmetric } = createKernels(compiled())
    const { arena, exports } = symmetric() as {
      arena: ReturnType<typeof symmetric>['arena']
      exports: SymmetricExports
    }
    expect(await codeOf(() => arena.reserve(2 ** 31))).toBe('crypto/provider')
    vi.spyOn(exports.memory, 'grow').mockImplementation(() => {
      throw new RangeError('no')
    })
    expect(await codeOf(() => arena.reserve(2 ** 26))).toBe('crypto/provider')
  })

  test('kept room is neither cleared nor given out', () => {
    const { arena, exports } = createKernels(compiled()).curve25519() as {
      arena: ReturnType<ReturnType<typeof createKernels>['curve25519']>['arena']
      exports: Curve25519Exports
    }
    const kept = arena.keep(64)
    arena.write(kept, message)
    const at = arena.put(message)
    expect(at).toBeGreaterThanOrEqual(kept + 64)
    expect(at % 16).toBe(0)
    arena.clear()
    expect(arena.read(kept, message.length)).toEqual(message)
    expect(arena.read(at, message.length)).toEqual(new Uint8Array(message.length))
    expect(kept).toBeGreaterThanOrEqual(exports.heapBase())
  })
})

test('many keys: those that give way are expanded again, and every answer stays right', () => {
  const suite = openSuite(wasmProvider, 1)
  const signers = Array.from({ length: 300 }, () => {
    const pair = suite.generateSignatureKeyPair()
    return { ...pair, signature: suite.sign(pair.privateKey, message) }
  })
  for (let round = 0; round < 3; round++)
    for (const [i, { publicKey, signature }] of signers.entries()) {
      expect(suite.verify(publicKey, message, signature)).toBe(true)
      expect(suite.verify(publicKey, none, signature)).toBe(false)
      expect(suite.verify(publicKey, message, signers[(i + 1) % 300]!.signature)).toBe(false)
    }
})
