/** Opens a suite with a provider that the command line names. */
import { type CipherSuite, type CipherSuiteId, type CryptoProvider, cipherSuite } from '../../src/index.ts'
import { nobleProvider } from '../../src/providers/noble/provider.ts'
import { nodeProvider } from '../../src/providers/node/provider.ts'
import { wasmProvider } from '../../src/providers/wasm/provider.ts'

const providers: Record<string, CryptoProvider> = { noble: nobleProvider, wasm: wasmProvider, node: nodeProvider }

/** What a bench was told: `--name=value` options and plain words. */
export interface Arguments {
  readonly words: readonly string[]
  readonly option: (name: string) => string | undefined
}

/** Splits the arguments of a bench. */
export function readArguments(args: readonly string[]): Arguments {
  const options = new Map<string, string>()
  for (const arg of args) {
    const [, name, value] = /^--([a-z-]+)(?:=(.*))?$/.exec(arg) ?? []
    if (name !== undefined) options.set(name, value ?? '')
  }
  return { words: args.filter((arg) => !arg.startsWith('--')), option: (name) => options.get(name) }
}

/** The suite, computed by `noble`, `wasm` or `node`; `node` when none is named, as a Node application would. */
export function openNamed(id: number, provider = 'node'): Promise<CipherSuite> {
  const found = providers[provider]
  if (found === undefined) throw new Error(`provider ${provider}: one of ${Object.keys(providers).join(', ')}`)
  return cipherSuite(id as CipherSuiteId, { provider: found })
}
