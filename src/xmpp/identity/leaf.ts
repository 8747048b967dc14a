/** What the identity gives to the leaves, groups and commits of the binding. */

import { equalBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { fromHex, utf8 } from '../../bytes/text.ts'
import type { CommitOptions } from '../../group/commit-options.ts'
import type { Group } from '../../group/group.ts'
import {
  defaultIdentityPolicy,
  groupRoles,
  type IdentityPolicy,
  identityGroupExtensions,
  renewedLeafExtensions,
  withCertificate,
} from '../../identity/group-components.ts'
import { draftProposalTypes, extensionTypes } from '../../wire/registries.ts'
import type { LeafProvider, OwnLeaf } from '../mls/leaf-provider.ts'
import type { OwnIdentity } from './own-identity.ts'

/** What goes into own commits beside a renewed certificate. */
export type CommitAdditions = (group: Group, options: CommitOptions) => CommitOptions | Promise<CommitOptions>

/**
 * The provider of own leaves. A device that has no identity yet shows no certificate; groups with rules do not take it in.
 * @param deviceId 16 bytes, of the device that the identity certifies
 */
export function identityLeaf(
  own: OwnIdentity,
  deviceId: Uint8Array,
  settings: {
    readonly policy: Partial<IdentityPolicy>
    readonly admins: 'creator' | 'everybody'
    readonly additions: CommitAdditions
  },
): LeafProvider {
  const certificateOf = (leaf: OwnLeaf) =>
    equalBytes(fromHex(leaf.device), deviceId) ? own.certificate(leaf.signatureKey) : undefined
  return {
    extensionTypes: [extensionTypes.appDataDictionary],
    customProposals: [{ type: draftProposalTypes.appEphemeral, pathRequired: false }],
    leafExtensions(leaf, begins) {
      const certificate = certificateOf(leaf)
      return certificate === undefined ? [] : withCertificate([], certificate, begins)
    },
    copied() {
      // what cannot be stored now is noted when the device joins again
      own.noteCopy().catch(() => undefined)
    },
    async renewKey(leaf) {
      return equalBytes(fromHex(leaf.device), deviceId) && (await own.renewKey(leaf.signatureKey))
    },
    groupExtensions(leaf) {
      if (certificateOf(leaf) === undefined)
        throw new MlsError('identity/state', 'a device without certificate makes no group', { rule: 'I091' })
      return identityGroupExtensions({
        policy: { ...defaultIdentityPolicy, ...settings.policy },
        ...(settings.admins === 'everybody' ? {} : { roles: groupRoles([utf8(leaf.account)]) }),
      })
    },
    async commitOptions(group, options) {
      const wanted = await settings.additions(group, options)
      const member = group.member(group.leafIndex)
      const certificate = member && own.certificate(member.signatureKey)
      if (member === undefined || certificate === undefined) return wanted
      const extensions = renewedLeafExtensions(group, member.extensions, certificate)
      return extensions === undefined ? wanted : { ...wanted, leaf: { ...wanted.leaf, extensions } }
    },
  }
}
