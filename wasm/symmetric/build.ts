/** Builds the symmetric module: SHA-256, HMAC, HKDF, ChaCha20-Poly1305, AES-128-GCM. */
import { compileKernel } from './compile.ts'
import { generateAes } from './generate/aes.ts'
import { generateChacha20Poly1305 } from './generate/chacha20-poly1305.ts'
import { generateGhash } from './generate/ghash.ts'
import { generateSha256 } from './generate/sha256.ts'

/** The bytes of the module; the same sources always give the same bytes. */
export async function buildSymmetric(): Promise<Uint8Array<ArrayBuffer>> {
  return await compileKernel('symmetric/index.ts', {
    'build/symmetric/aes.ts': generateAes(),
    'build/symmetric/chacha20-poly1305.ts': generateChacha20Poly1305(),
    'build/symmetric/ghash.ts': generateGhash(),
    'build/symmetric/sha256.ts': generateSha256(),
  })
}
