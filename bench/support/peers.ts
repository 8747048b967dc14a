/** The peers that are here, for `npm run bench -- groups`. */
import type { CiphersuiteName } from 'ts-mls'
import type { SuiteParameters } from '../../src/index.ts'
import type { Implementation } from './implementation.ts'
import { coreCryptoPeer, installCoreCrypto } from './peer-core-crypto.ts'
import { buildNative, nativePeer } from './peer-native.ts'
import { tsMlsPeer } from './peer-ts-mls.ts'

/**
 * Those of `wanted` (names with commas, `none`, or all), each absent one with one line that says why. `install` fetches
 * @wireapp/core-crypto into `bench/peers/` first. `threads`: of the native ones, all cores by default.
 */
export async function findPeers(
  parameters: SuiteParameters,
  wanted = 'all',
  threads?: string,
): Promise<Implementation[]> {
  const names = wanted.split(',')
  const all = names.includes('all') || names.includes('install')
  const take = (name: string): boolean => all || names.includes(name)
  const peers: Implementation[] = []
  if (take('ts-mls')) peers.push(await tsMlsPeer(parameters.name as CiphersuiteName))
  if (names.includes('install')) installCoreCrypto()
  if (take('core-crypto')) {
    const found = await coreCryptoPeer(parameters.id)
    if ('absent' in found) console.log(found.absent)
    else peers.push(found)
  }
  if (!take('openmls') && !take('mls-rs')) return peers
  if (parameters.id > 3) {
    console.log(`OpenMLS and mls-rs (native): skipped, their providers here have suites 1 to 3`)
    return peers
  }
  const native = buildNative()
  if ('absent' in native) console.log(native.absent)
  else
    for (const name of ['openmls', 'mls-rs'] as const)
      if (take(name)) peers.push(nativePeer(native.path, name, parameters.id, threads))
  return peers
}
