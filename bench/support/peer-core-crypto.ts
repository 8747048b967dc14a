import type { Implementation } from './implementation.ts'
export function installCoreCrypto(): void {}
export async function coreCryptoPeer(_suite: number): Promise<Implementation | { readonly absent: string }> {
  return { absent: 'core-crypto: skipped' }
}
