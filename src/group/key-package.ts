/** Own identities and KeyPackages (RFC 9420 §10). */
import type { Bytes } from '../bytes/bytes.ts'
import { equalBytes } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import { type Codec, encode, nested, opaque, struct, uint16 } from '../codec/codec.ts'
import type { CipherSuite, HpkeKeyPair } from '../crypto/cipher-suite.ts'
import type { Clock } from '../ports/clock.ts'
import { keyPackageRef, signKeyPackage } from '../signed/key-package.ts'
import { signLeafNode } from '../signed/leaf-node.ts'
import { keySigner, type Signer } from '../signed/signer.ts'
import type { Credential } from '../wire/credential.ts'
import type { Extension } from '../wire/extension.ts'
import { KeyPackage } from '../wire/key-package.ts'
import type { Capabilities } from '../wire/leaf-node.ts'
import { encodeMlsMessage } from '../wire/mls-message.ts'
import { extensionTypes, mls10 } from '../wire/registries.ts'
import { makeCapabilities, makeLifetime, withGrease } from './defaults.ts'
import type { JoinKeys } from './join.ts'

/** Who a client is in a group: a credential, and the signature key that it is bound to. */
export interface Identity {
  readonly credential: Credential
  readonly signer: Signer
}

/** A new identity with a signature key of its own. */
export function generateIdentity(
  suite: CipherSuite,
  credential: Credential,
): Identity & { readonly privateKey: Bytes } {
  const { privateKey } = suite.generateSignatureKeyPair()
  return { credential, signer: keySigner(suite, privateKey), privateKey }
}

/** A KeyPackage to publish, and the private keys that a Welcome to it needs. */
export interface KeyPackageBundle extends JoinKeys {
  /** The encoded MLSMessage, to be published. */
  readonly message: Bytes
  /** KeyPackageRef: Nh bytes; what a Welcome names it by. */
  readonly reference: Bytes
  /** Whether it may be used more than once (RFC 9420 §16.8). */
  readonly lastResort: boolean
}

/** What a KeyPackage is made of. */
export interface KeyPackageInput {
  readonly suite: CipherSuite
  readonly identity: Identity
  readonly clock: Clock
  readonly capabilities?: Capabilities
  /** Seconds from now until it expires; 84 days by default. */
  readonly lifetimeSeconds?: number
  readonly leafExtensions?: readonly Extension[]
  readonly extensions?: readonly Extension[]
  readonly lastResort?: boolean
}

/** Makes a KeyPackage with fresh keys (RFC 9420 §10). */
export async function makeKeyPackage(input: KeyPackageInput): Promise<KeyPackageBundle> {
  const { suite, identity } = input
  const { hashLength } = suite.parameters
  const capabilities = input.capabilities ?? makeCapabilities(suite)
  const [initKeyPair, encryptionKeyPair] = await Promise.all([
    suite.deriveKeyPair(suite.randomBytes(hashLength)),
    suite.deriveKeyPair(suite.randomBytes(hashLength)),
  ])
  // RFC 9420 §10 V135, §10.1 V133: a stuck source of randomness is noticed here
  check(
    !equalBytes(initKeyPair.publicKey, encryptionKeyPair.publicKey),
    'crypto/rng',
    'V135',
    'the random source repeated itself',
  )
  const leaf = await signLeafNode(
    identity.signer,
    {
      encryptionKey: encryptionKeyPair.publicKey,
      signatureKey: identity.signer.publicKey,
      credential: identity.credential,
      capabilities,
      leafNodeSource: 'key_package',
      lifetime: makeLifetime(input.clock.now(), input.lifetimeSeconds),
      extensions: withGrease(input.leafExtensions ?? [], capabilities),
    },
    undefined,
  )
  const lastResort = input.lastResort === true
  const marker = { extensionType: extensionTypes.lastResort, extensionData: new Uint8Array(0) }
  const keyPackage = await signKeyPackage(identity.signer, {
    version: mls10,
    cipherSuite: suite.parameters.id,
    initKey: initKeyPair.publicKey,
    leafNode: leaf.leafNode,
    extensions: withGrease([...(lastResort ? [marker] : []), ...(input.extensions ?? [])], capabilities),
  })
  return {
    keyPackage,
    initKeyPair,
    encryptionKeyPair,
    signer: identity.signer,
    message: encodeMlsMessage({ wireFormat: 'mls_key_package', keyPackage }),
    reference: keyPackageRef(suite, keyPackage),
    lastResort,
  }
}

const StoredKeyPair: Codec<HpkeKeyPair> = struct({ publicKey: opaque, privateKey: opaque })
const StoredKeyPackage = struct({
  format: uint16,
  keyPackage: nested(KeyPackage),
  initKeyPair: StoredKeyPair,
  encryptionKeyPair: StoredKeyPair,
})

/** The private half of a bundle as bytes, for storage; the signer is kept by the caller. Holds secrets. */
export function encodeKeyPackageBundle(bundle: KeyPackageBundle): Bytes {
  return encode(StoredKeyPackage, { format: 1, ...bundle })
}

export { StoredKeyPackage }
