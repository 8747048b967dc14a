/** The module `node:crypto`; handed in, so that what uses it can be part of a browser build. */
export type NodeCrypto = typeof import('node:crypto')

/** The module, where the platform is Node: it needs no import that a browser or a bundler would stumble over. */
export function platformCrypto(): NodeCrypto | undefined {
  const { process } = globalThis as { readonly process?: { getBuiltinModule?: (name: 'crypto') => NodeCrypto } }
  return process?.getBuiltinModule?.('crypto')
}
