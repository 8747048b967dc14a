/**
 * The rules of a LeafNode, RFC 9420 §7.2 and §7.3, that need neither its signature nor the authentication service. All costs
 * are in the size of the leaf: what concerns other members is answered by the indexes of the tree.
 */
import { check, MlsError } from '../bytes/errors.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import { credentialTypeCode } from '../wire/credential.ts'
import { type Extension, RequiredCapabilities, readExtension, rejectDuplicateExtensions } from '../wire/extension.ts'
import {
  type Capabilities,
  type LeafNode,
  type LeafNodeSource,
  type Lifetime,
  readLeafSummary,
} from '../wire/leaf-node.ts'
import { defaultExtensionTypes, defaultProposalTypes, extensionTypes } from '../wire/registries.ts'
import type { CapabilityKind } from './indexes.ts'
import { isDefaultType, type Tree } from './tree.ts'

/** What a lifetime is held against (RFC 9420 §7.2). */
export interface LifetimeRules {
  /** Longest span, in seconds (V105). */
  readonly maximum: bigint
  /** The present, in seconds since the epoch; absent where an expired leaf is accepted (V107). */
  readonly now?: bigint | undefined
}

/** What a leaf must comply with. */
export interface LeafRules {
  /** For the validity of the leaf's keys (V032, V036). */
  readonly suite: CipherSuite
  /** Of the group. */
  readonly version: number
  readonly cipherSuite: number
  /** Of the GroupContext that the leaf will live in. */
  readonly extensions: readonly Extension[]
  /** Where the leaf was found; `tree` allows every source. */
  readonly source: LeafNodeSource | 'tree'
  readonly lifetime?: LifetimeRules | undefined
  /** The members that the leaf must get along with: unique keys (V123-V126) and credential types (V120, V121). */
  readonly tree?: Tree | undefined
  /** The signature is checked next, by `verifyKeyPackages`: it does not hold under a bad key, and tells V036 itself. */
  readonly signatureFollows?: boolean | undefined
  /** The leaf of `tree` that this one replaces. */
  readonly replaces?: LeafIndex | undefined
}

const sourceRules = { key_package: 'V101', update: 'V102', commit: 'V103' } as const

/** Extensions that RFC 9420 §13.4 and §17.3 place elsewhere than in a LeafNode. */
const foreignExtensions: ReadonlySet<number> = new Set([
  extensionTypes.ratchetTree,
  extensionTypes.requiredCapabilities,
  extensionTypes.externalPub,
  extensionTypes.externalSenders,
])

/**
 * Checks a leaf.
 * @throws `leaf/source` V101-V103; `leaf/lifetime` V104-V106; `leaf/capabilities` V108-V112; `extension/unsupported`
 *   V113, V119; `extension/duplicate` V114; `extension/container` V115; `leaf/requirements` V116-V118, V120, V121;
 *   `leaf/key_reuse` V123-V126; `crypto/key` V032, V036
 */
export function validateLeafNode(leaf: LeafNode, rules: LeafRules): void {
  if (rules.source !== 'tree')
    check(leaf.leafNodeSource === rules.source, 'leaf/source', sourceRules[rules.source], 'a leaf of another source')
  if (leaf.leafNodeSource === 'key_package') {
    // RFC 9420 §7.2 V104: for all members alike, whatever their clocks say
    validateOrder(leaf.lifetime)
    if (rules.lifetime !== undefined) validateLifetime(leaf.lifetime, rules.lifetime)
  }
  validateCapabilities(leaf, rules)
  validateLeafExtensions(leaf)
  validateRequirements(leaf, rules.extensions)
  if (rules.tree !== undefined) {
    validateUniqueKeys(leaf, rules.tree, rules.replaces)
    validateCredentialSupport(leaf, rules.tree, rules.replaces)
  }
  // RFC 9420 §5.1.1 V032
  check(rules.suite.isHpkePublicKey(leaf.encryptionKey), 'crypto/key', 'V032', 'a leaf with a bad encryption key')
  // in a whole tree the signatures follow at once, and none holds under a bad key
  if (rules.source === 'tree' || rules.signatureFollows === true) return
  // RFC 9420 §5.1.1 V036; a key of another signature scheme (V044) has another form
  check(rules.suite.isSignaturePublicKey(leaf.signatureKey), 'crypto/key', 'V036', 'a leaf with a bad signature key')
}

/**
 * Checks a lifetime; both ends belong to it.
 * @throws `leaf/lifetime` V104, V105, V106
 */
export function validateLifetime(lifetime: Lifetime, { maximum, now }: LifetimeRules): void {
  validateOrder(lifetime)
  const { notBefore, notAfter } = lifetime
  // RFC 9420 §7.2 V105: the application's maximum
  check(notAfter - notBefore <= maximum, 'leaf/lifetime', 'V105', 'a lifetime longer than allowed')
  // RFC 9420 §7.3 V106
  const current = now === undefined || (notBefore <= now && now <= notAfter)
  check(current, 'leaf/lifetime', 'V106', 'a leaf outside its lifetime')
}

function validateOrder({ notBefore, notAfter }: Lifetime): void {
  // RFC 9420 §7.2 V104
  check(notBefore <= notAfter, 'leaf/lifetime', 'V104', 'a lifetime that ends before it begins')
}

/** Whether a leaf supports a type: it lists it, or it is a default type (RFC 9420 §7.2). */
export function supports(capabilities: Capabilities, kind: CapabilityKind, type: number): boolean {
  return isDefaultType(kind, type) || capabilities[kind].includes(type)
}

function validateCapabilities({ capabilities, credential }: LeafNode, rules: LeafRules): void {
  const { versions, cipherSuites, credentials, proposals, extensions } = capabilities
  const credentialType = credentialTypeCode(credential)
  // RFC 9420 §7.2 V108, V109: default types are not listed
  const ownProposals = !proposals.some((type) => defaultProposalTypes.has(type))
  check(ownProposals, 'leaf/capabilities', 'V108', 'a default proposal type in capabilities')
  const ownExtensions = !extensions.some((type) => defaultExtensionTypes.has(type))
  check(ownExtensions, 'leaf/capabilities', 'V109', 'a default extension type in capabilities')
  // RFC 9420 §7.2 V110, V111: the parameters of the group
  check(versions.includes(rules.version), 'leaf/capabilities', 'V110', "capabilities without the group's version")
  const suite = cipherSuites.includes(rules.cipherSuite)
  check(suite, 'leaf/capabilities', 'V111', "capabilities without the group's cipher suite")
  // RFC 9420 §7.2 V112
  const listed = credentials.includes(credentialType)
  check(listed, 'leaf/capabilities', 'V112', "capabilities without the type of the leaf's credential")
}

function validateLeafExtensions({ extensions, capabilities }: LeafNode): void {
  // RFC 9420 §13.4 V114
  rejectDuplicateExtensions(extensions, 'V114')
  for (const { extensionType } of extensions) {
    // RFC 9420 §13.4 V115
    const allowed = !foreignExtensions.has(extensionType)
    check(allowed, 'extension/container', 'V115', 'an extension that does not belong in a leaf')
    // RFC 9420 §7.3 V113
    const listed = supports(capabilities, 'extensions', extensionType)
    check(listed, 'extension/unsupported', 'V113', 'a leaf extension outside its capabilities')
  }
}

function validateRequirements({ capabilities }: LeafNode, extensions: readonly Extension[]): void {
  const required = readExtension(extensions, extensionTypes.requiredCapabilities, RequiredCapabilities)
  if (required !== undefined) {
    // RFC 9420 §7.3, §11.1 V116, V117, V118
    requireAll(capabilities, 'extensions', required.extensionTypes, 'V116')
    requireAll(capabilities, 'proposals', required.proposalTypes, 'V117')
    requireAll(capabilities, 'credentials', required.credentialTypes, 'V118')
  }
  for (const { extensionType } of extensions) {
    // RFC 9420 §13.4 V119
    const supported = supports(capabilities, 'extensions', extensionType)
    check(supported, 'extension/unsupported', 'V119', 'a leaf that does not support an extension of the group')
  }
}

function requireAll(capabilities: Capabilities, kind: CapabilityKind, types: readonly number[], rule: string): void {
  for (const type of types)
    check(supports(capabilities, kind, type), 'leaf/requirements', rule, 'a leaf without a required capability')
}

function validateUniqueKeys(leaf: LeafNode, tree: Tree, replaces: LeafIndex | undefined): void {
  const signer = tree.leafOfSignatureKey(leaf.signatureKey)
  // RFC 9420 §7.3 V123
  const own = signer === undefined || signer === replaces
  check(own, 'leaf/key_reuse', 'V123', 'the signature key of another member')
  const holder = tree.nodeOfEncryptionKey(leaf.encryptionKey)
  if (holder === undefined) return
  // RFC 9420 §7.3 V126 a new key, V124 unique among leaves; §16.7 V125 unique in the tree
  const rule = holder % 2 === 1 ? 'V125' : holder / 2 === replaces ? 'V126' : 'V124'
  throw new MlsError('leaf/key_reuse', 'an encryption key of another node', { rule })
}

/**
 * Checks that a leaf and the members of a tree support each other's credentials.
 * @throws `leaf/requirements` V120, V121
 */
export function validateCredentialSupport(leaf: LeafNode, tree: Tree, replaces: LeafIndex | undefined): void {
  const old = replaces === undefined ? undefined : tree.leaf(replaces)
  const replaced = old === undefined ? undefined : readLeafSummary(old.bytes)
  const others = tree.memberCount - (replaced === undefined ? 0 : 1)
  const type = credentialTypeCode(leaf.credential)
  const counted = replaced !== undefined && supports(replaced.capabilities, 'credentials', type) ? 1 : 0
  // RFC 9420 §7.3 V120: all members support the credential
  const known = tree.supportCount('credentials', type) - counted === others
  check(known, 'leaf/requirements', 'V120', 'a credential type that a member does not support')
  for (const [used, count] of tree.indexes.credentialTypes) {
    if (used === replaced?.credentialType && count === 1) continue
    // RFC 9420 §7.3 V121: the leaf supports all credentials
    const supported = leaf.capabilities.credentials.includes(used)
    check(supported, 'leaf/requirements', 'V121', 'a leaf that does not support the credential type of a member')
  }
}
