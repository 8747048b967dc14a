/**
 * What a newcomer checks of a GroupInfo and its tree (RFC 9420 §12.4.3.1), from the cheap to the dear: structure, tree
 * hash, signature of the GroupInfo, then every leaf of the tree.
 */
import { equalBytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { inSlices, type SliceRules, slices } from '../bytes/slices.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { authenticateExternalSenders, authenticateMember, validateGroupSupport } from '../proposals/apply.ts'
import { validateContextExtensions } from '../proposals/proposal-rules.ts'
import { importTreeSteps } from '../ratchet-tree/import-tree.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import { validateTree } from '../ratchet-tree/validate-tree.ts'
import { verifyGroupInfo } from '../signed/group-info.ts'
import { findExtension, rejectDuplicateExtensions } from '../wire/extension.ts'
import type { GroupInfo } from '../wire/group-info.ts'
import { readBinding } from '../wire/leaf-node.ts'
import { wireLimits } from '../wire/limits.ts'
import { defaultExtensionTypes, extensionTypes, mls10 } from '../wire/registries.ts'
import { type GroupConfig, sliceRules } from './config.ts'
import { ruleGroup } from './rules.ts'

/** A GroupInfo to be checked. */
export interface OpenGroupInfo {
  readonly suite: CipherSuite
  readonly config: GroupConfig
  readonly groupInfo: GroupInfo
  /** Its GroupInfoTBS as received, when that is at hand. */
  readonly signed?: Uint8Array
  /** The content of the `ratchet_tree` extension when it came beside the GroupInfo. */
  readonly ratchetTree: Uint8Array | undefined
  /** The rule that a refused credential breaks: V052 for a Welcome, V053 for an external join. */
  readonly rule: 'V052' | 'V053'
  readonly signal?: AbortSignal
}

/**
 * Checks everything that does not need the secrets of the epoch, and returns the tree.
 * @throws codes of `version/`, `key_package/cipher_suite`, `extension/`, `tree/`, `leaf/`, `group_info/`, `auth/`
 */
export async function openGroupInfo(input: OpenGroupInfo): Promise<Tree> {
  const { suite, config, groupInfo } = input
  const { groupContext } = groupInfo
  // RFC 9420 §11 V306
  check(groupContext.version === mls10, 'version/unsupported', 'V306', 'a group of another protocol version')
  // RFC 9420 §12.4.3.1 V305
  check(
    groupContext.cipherSuite === suite.parameters.id,
    'key_package/cipher_suite',
    'V305',
    'a group of another cipher suite',
  )
  // RFC 9420 §13.4 V314; unknown GroupInfo extensions are passed over (V315)
  rejectDuplicateExtensions(groupInfo.extensions, 'V314')
  // RFC 9420 §13.4, §17.3 V339
  for (const { extensionType } of groupInfo.extensions)
    check(
      extensionType === extensionTypes.ratchetTree ||
        extensionType === extensionTypes.externalPub ||
        !defaultExtensionTypes.has(extensionType),
      'extension/container',
      'V339',
      'an extension that does not belong in a GroupInfo',
    )
  validateContextExtensions(groupContext.extensions, 'V338')

  const share: SliceRules = { ...sliceRules(config), signal: input.signal }
  const tree = await inSlices(importTreeSteps(suite, treeBytes(input)), share)
  // RFC 9420 §12.4.3.1 V142, V165
  check(equalBytes(tree.treeHash, groupContext.treeHash), 'tree/hash', 'V142', 'a tree that is not that of the group')
  const signer = tree.leaf(groupInfo.signer)
  // RFC 9420 §12.4.3.1 V309
  if (signer === undefined)
    throw new MlsError('group_info/signer', 'a GroupInfo signed by a blank leaf', { rule: 'V309' })
  verifyGroupInfo(suite, groupInfo, signer.signatureKey, input.signed)

  // RFC 9420 §13.4 V312, §11.1 V320: our own leaf is one of those that must support the extensions and requirements
  await validateTree(suite, tree, {
    groupId: groupContext.groupId,
    version: groupContext.version,
    cipherSuite: groupContext.cipherSuite,
    extensions: groupContext.extensions,
    ...share,
  })
  validateGroupSupport(tree, groupContext.extensions)
  const turn = slices(share)
  for (const [, leaf] of tree.members()) {
    await turn()
    await authenticateMember(config.authentication, readBinding(leaf.bytes), undefined, input.rule)
  }
  // RFC 9420 §5.3.1 V054: those whom the group lets propose, for a Welcome as for an external join
  await authenticateExternalSenders(config.authentication, groupContext.extensions)
  const { pause } = config
  await config.rules?.checkGroup(ruleGroup(groupContext, tree, groupContext.extensions), {
    pause,
    signal: input.signal,
  })
  return tree
}

function treeBytes({ groupInfo, ratchetTree }: OpenGroupInfo): Uint8Array {
  const inside = findExtension(groupInfo.extensions, extensionTypes.ratchetTree)?.extensionData
  const bytes = inside ?? ratchetTree
  // RFC 9420 §12.4.3.3 V164
  if (bytes === undefined)
    throw new MlsError('tree/missing', 'neither the GroupInfo nor the caller has the ratchet tree', { rule: 'V164' })
  // RFC 9420 §12.4.3.3 V166
  check(
    inside === undefined || ratchetTree === undefined || equalBytes(inside, ratchetTree),
    'tree/hash',
    'V166',
    'two ratchet trees that differ',
  )
  check(bytes.length <= wireLimits.treeBytes, 'limit/exceeded', 'R01', 'a tree of too many bytes')
  return bytes
}
