/** Builds the P-256 module: ECDH, key generation, ECDSA. */
import { compileKernel } from '../symmetric/compile.ts'
import { generateField } from './generate/field.ts'

/** The bytes of the module; the same sources always give the same bytes. */
export async function buildP256(): Promise<Uint8Array<ArrayBuffer>> {
  return await compileKernel('p256/index.ts', { 'build/p256/field.ts': generateField() })
}
