import type { SuiteParameters } from '../../crypto/suites.ts'
import { nobleProvider } from '../noble/provider.ts'
import type { SuiteParts } from '../parts.ts'
import { createWasmProvider, type WasmProvider } from '../wasm/create-provider.ts'
import { inlineCore } from '../wasm/inline-core.ts'
import { nodeAead } from './aead.ts'
import { crossovers } from './crossovers.ts'
import { nodeEcdsaP256 } from './ecdsa.ts'
import { nodeKdf, nodeSha512 } from './kdf.ts'

function withNode(parts: SuiteParts, { aead, signature }: SuiteParameters): SuiteParts {
  const kdf = nodeKdf(parts.kdf, crossovers)
  const scheme = parts.signature.withSha512?.(nodeSha512, crossovers.sha512) ?? parts.signature
  return {
    ...parts,
    kdf,
    aead: aead === 'AES256GCM' ? parts.aead : nodeAead(aead, parts.aead, crossovers[aead]),
    signature: signature === 'P256' ? nodeEcdsaP256(parts.signature) : scheme,
  }
}

/** The WASM provider with `node:crypto` where that is faster, see `crossovers.ts`; the same results. */
export const nodeProvider: WasmProvider = createWasmProvider(inlineCore, {
  name: 'node',
  fallback: nobleProvider,
  tune: withNode,
})
