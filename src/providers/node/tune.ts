import type { SuiteParameters } from '../../crypto/suites.ts'
import type { SuiteParts } from '../parts.ts'
import type { ProviderOptions } from '../wasm/create-provider.ts'
import { nodeAead } from './aead.ts'
import { crossovers } from './crossovers.ts'
import type { NodeCrypto } from './crypto.ts'
import { nodeEcdsaP256 } from './ecdsa.ts'
import { nodeKdf, nodeSha512 } from './kdf.ts'

/** How a WASM provider becomes one with `node:crypto` where that is faster, see `crossovers.ts`. */
export function tunedFor(crypto: NodeCrypto): Pick<ProviderOptions, 'name' | 'engine' | 'tune'> {
  const tune = (parts: SuiteParts, { aead, signature }: SuiteParameters): SuiteParts => ({
    ...parts,
    kdf: nodeKdf(crypto, parts.kdf, crossovers),
    aead: aead === 'AES256GCM' ? parts.aead : nodeAead(crypto, aead, parts.aead, crossovers[aead]),
    signature:
      signature === 'P256'
        ? nodeEcdsaP256(crypto, parts.signature)
        : (parts.signature.withSha512?.(nodeSha512(crypto), crossovers.sha512) ?? parts.signature),
  })
  return { name: 'node', engine: 'wasm, node:crypto', tune }
}
