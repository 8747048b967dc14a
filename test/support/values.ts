/** Proposals and leaves for forgeries: valid ones, to be bent. */
import type { Bytes } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import { signKeyPackage } from '../../src/signed/key-package.ts'
import { signLeafNode } from '../../src/signed/leaf-node.ts'
import type { Signer } from '../../src/signed/signer.ts'
import { type Extension, ExternalSenders, RequiredCapabilities } from '../../src/wire/extension.ts'
import type { KeyPackage, KeyPackageTbs } from '../../src/wire/key-package.ts'
import type { EncodedLeafNode, LeafNodeContent } from '../../src/wire/leaf-node.ts'
import type { Proposal } from '../../src/wire/proposal.ts'
import type { PreSharedKeyId } from '../../src/wire/psk.ts'
import { extensionTypes } from '../../src/wire/registries.ts'
import { newcomer, suite, type World } from './world.ts'

export const unknownExtension: Extension = { extensionType: 0xf00d, extensionData: new Uint8Array(0) }

export const remove = (removed: number): Proposal => ({ proposalType: 'remove', removed })
export const add = (keyPackage: KeyPackage): Proposal => ({ proposalType: 'add', keyPackage })
export const setExtensions = (extensions: readonly Extension[]): Proposal => ({
  proposalType: 'group_context_extensions',
  extensions,
})
export const externalPsk = (id: number, nonce = 1): PreSharedKeyId => ({
  psktype: 'external',
  pskId: new Uint8Array([id]),
  pskNonce: new Uint8Array(32).fill(nonce),
})
export const psk = (id: PreSharedKeyId): Proposal => ({ proposalType: 'psk', psk: id })
export const reinit = (change: Partial<Extract<Proposal, { proposalType: 'reinit' }>> = {}): Proposal => ({
  proposalType: 'reinit',
  groupId: new Uint8Array(16).fill(7),
  version: 1,
  cipherSuite: 1,
  extensions: [],
  ...change,
})
export const custom = (type: number): Proposal => ({ proposalType: 'custom', type, body: new Uint8Array([1]) })
export const externalInit: Proposal = { proposalType: 'external_init', kemOutput: new Uint8Array(32).fill(9) }

export function requiredCapabilities(change: Partial<RequiredCapabilities>): Extension {
  return {
    extensionType: extensionTypes.requiredCapabilities,
    extensionData: encode(RequiredCapabilities, {
      extensionTypes: [],
      proposalTypes: [],
      credentialTypes: [],
      ...change,
    }),
  }
}

export function externalSenders(...signers: readonly Signer[]): Extension {
  return {
    extensionType: extensionTypes.externalSenders,
    extensionData: encode(
      ExternalSenders,
      signers.map(({ publicKey }, i) => ({
        signatureKey: publicKey,
        credential: { credentialType: 'basic' as const, identity: new Uint8Array([i]) },
      })),
    ),
  }
}

/** What of a KeyPackage is bent; its leaf and the package are signed afterwards. */
export interface KeyPackageForgery {
  readonly name?: string
  readonly leaf?: (leaf: LeafNodeContent) => LeafNodeContent
  readonly signedLeaf?: (leaf: EncodedLeafNode) => EncodedLeafNode
  readonly content?: (content: KeyPackageTbs) => KeyPackageTbs
  readonly leafSigner?: Signer
  readonly signer?: Signer
  readonly signed?: (keyPackage: KeyPackage) => KeyPackage
}

/** A KeyPackage that the group of a world would accept but for what is bent. */
export async function forgeKeyPackage(world: World, forgery: KeyPackageForgery = {}): Promise<KeyPackage> {
  const { keyPackage, signer } = await newcomer(world, forgery.name)
  const { signature: _, ...honest } = keyPackage.leafNode
  const bentLeaf = await signLeafNode(
    forgery.leafSigner ?? signer,
    forgery.leaf?.(honest as LeafNodeContent) ?? (honest as LeafNodeContent),
    undefined,
  )
  const { leafNode } = forgery.signedLeaf?.(bentLeaf) ?? bentLeaf
  const { signature: __, ...package_ } = keyPackage
  const content = { ...package_, leafNode }
  const signed = await signKeyPackage(forgery.signer ?? signer, forgery.content?.(content) ?? content)
  return forgery.signed?.(signed) ?? signed
}

/** What of an Update is bent. */
export interface UpdateForgery {
  readonly leaf?: (leaf: LeafNodeContent) => LeafNodeContent
  readonly leafSigner?: Signer
  readonly position?: { readonly groupId?: Bytes; readonly leafIndex?: number }
  readonly signedLeaf?: (leaf: EncodedLeafNode) => EncodedLeafNode
}

/** An Update of a member's leaf. */
export async function forgeUpdate(world: World, by: number, forgery: UpdateForgery = {}): Promise<Proposal> {
  const { current } = world.state(by)
  const { credential, capabilities, extensions, signatureKey } = current.tree.leaf(by)!.leafNode
  const { publicKey } = await suite.deriveKeyPair(suite.randomBytes(32))
  const honest: LeafNodeContent = {
    encryptionKey: publicKey,
    signatureKey,
    credential,
    capabilities,
    leafNodeSource: 'update',
    extensions,
  }
  const leafNode = await signLeafNode(forgery.leafSigner ?? current.signer, forgery.leaf?.(honest) ?? honest, {
    groupId: current.context.groupId,
    leafIndex: by,
    ...forgery.position,
  })
  return { proposalType: 'update', leafNode: forgery.signedLeaf?.(leafNode) ?? leafNode }
}
