/** Beginning a group that follows another one: re-initialisation (RFC 9420 §11.2) and branching (§11.3). */
import type { Bytes } from '../bytes/bytes.ts'
import { equalBytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import type { GroupConfig } from '../commit/config.ts'
import type { StagedCommit } from '../commit/staged-commit.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { Extension } from '../wire/extension.ts'
import type { KeyPackageSource } from './commit-options.ts'
import { createGroupWith, type OwnLeafInput } from './create-group.ts'
import type { Group } from './group.ts'

/** What both kinds need. */
interface FollowInput extends OwnLeafInput {
  readonly config: GroupConfig
  /** The group that the new one follows. */
  readonly group: Group
  /** KeyPackages of the members of the new group, without the creator. */
  readonly add: readonly KeyPackageSource[]
}

/** What a branch is made of. */
export interface BranchInput extends FollowInput {
  /** Random by default. */
  readonly groupId?: Uint8Array
  readonly extensions?: readonly Extension[]
}

/** What a re-initialised group is made of; group id, suite and extensions are those of the ReInit. */
export interface ReInitInput extends FollowInput {
  /** The suite that the ReInit names. */
  readonly suite: CipherSuite
}

/** A new group in epoch 0 with the commit to its epoch 1 pending: send the Welcome of its merge. */
export interface Following {
  readonly group: Group
  readonly commit: Bytes
  readonly staged: StagedCommit
}

/** A group of some members of another one, who prove it by its resumption PSK. @throws codes of a commit */
export async function branchGroupWith(input: BranchInput): Promise<Following> {
  const { suite } = input.group
  return begin('branch', input, suite, {
    ...(input.groupId === undefined ? {} : { groupId: input.groupId }),
    extensions: input.extensions ?? [],
  })
}

/**
 * The group that a ReInit announced, with all members of the old one.
 * @throws `group/reinit` when the old group's last commit had no ReInit (V332) or the suite is another one (V328)
 */
export async function reinitGroupWith(input: ReInitInput): Promise<Following> {
  const { reinit } = input.group
  // RFC 9420 §11.2 V332
  if (reinit === undefined)
    throw new MlsError('group/reinit', 'a group whose last commit had no ReInit', { rule: 'V332' })
  // RFC 9420 §11.2 V328
  check(
    reinit.cipherSuite === input.suite.parameters.id,
    'group/reinit',
    'V328',
    'another cipher suite than the ReInit says',
  )
  return begin('reinit', input, input.suite, { groupId: reinit.groupId, extensions: reinit.extensions })
}

async function begin(
  usage: 'reinit' | 'branch',
  input: FollowInput,
  suite: CipherSuite,
  context: { readonly groupId?: Uint8Array; readonly extensions: readonly Extension[] },
): Promise<Following> {
  const { group: old, config } = input
  const group = await createGroupWith({
    ...input,
    ...context,
    suite,
    config: {
      ...config,
      psks: {
        externalPsk: (pskId) => config.psks.externalPsk(pskId),
        resumptionPsk: (groupId, epoch) =>
          equalBytes(groupId, old.id) ? old.resumptionPsk(epoch) : config.psks.resumptionPsk?.(groupId, epoch),
      },
    },
  })
  const pskNonce = suite.randomBytes(suite.parameters.hashLength)
  const psk = { psktype: 'resumption' as const, usage, pskGroupId: old.id, pskEpoch: old.epoch, pskNonce }
  const { commit, staged } = await group.commit({ add: input.add, psk: [psk], beginning: usage })
  return { group, commit, staged }
}
