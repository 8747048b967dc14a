/** Members of one large, fully populated group: all of them in one epoch, without a history of joins. */

import { basicAuthentication } from '../../src/authentication/basic-authentication.ts'
import { Secret } from '../../src/bytes/secret.ts'
import { encode } from '../../src/codec/codec.ts'
import type { GroupConfig } from '../../src/commit/config.ts'
import { makeEpoch } from '../../src/commit/epoch.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { makeConfig } from '../../src/group/defaults.ts'
import { Group } from '../../src/group/group.ts'
import { confirmationTag, expandEpochSecret } from '../../src/key-schedule/key-schedule.ts'
import type { Clock } from '../../src/ports/clock.ts'
import { ProposalCache } from '../../src/proposals/proposal-cache.ts'
import { systemClock } from '../../src/providers/system-clock.ts'
import type { Extension } from '../../src/wire/extension.ts'
import { GroupContext } from '../../src/wire/group-context.ts'
import { mls10 } from '../../src/wire/registries.ts'
import { type PopulatedLeaves, type PopulatedTree, populatedTree } from './populated-tree.ts'

/** See the file. */
export interface PopulatedGroup {
  readonly fixture: PopulatedTree
  readonly config: GroupConfig
  /** A new `Group` of the member at a leaf, in the first epoch. */
  member(leafIndex: number): Group
}

/** A group of `members` members; `overrides` for its settings, `own` for what it and its leaves say of themselves. */
export function populatedGroup(
  suite: CipherSuite,
  members: number,
  overrides: Parameters<typeof makeConfig>[0] = {},
  own: { readonly leaves?: PopulatedLeaves; readonly extensions?: readonly Extension[]; readonly clock?: Clock } = {},
): PopulatedGroup {
  const fixture = populatedTree(suite, members, own.leaves)
  const config = makeConfig(
    { ratchetTreeExtension: false, externalPub: false, padding: { kind: 'none' }, ...overrides },
    { authentication: basicAuthentication(), psks: { externalPsk: () => undefined }, clock: own.clock ?? systemClock },
  )
  const epochSecret = suite.randomBytes(suite.parameters.hashLength)
  const context: GroupContext = {
    version: mls10,
    cipherSuite: suite.parameters.id,
    groupId: fixture.groupId,
    epoch: 5n,
    treeHash: fixture.tree.treeHash,
    confirmedTranscriptHash: suite.hash(epochSecret),
    extensions: own.extensions ?? [],
  }
  return {
    fixture,
    config,
    member(leafIndex) {
      const secrets = expandEpochSecret(suite, new Secret<'epoch_secret'>(Uint8Array.from(epochSecret)))
      const current = makeEpoch(
        {
          suite,
          context,
          encodedContext: encode(GroupContext, context),
          tree: fixture.tree,
          privateTree: fixture.privateTree(leafIndex),
          signer: fixture.signer(leafIndex),
          confirmationTag: confirmationTag(suite, secrets.confirmationKey, context.confirmedTranscriptHash),
        },
        secrets,
        config.limits,
      )
      return new Group({
        config,
        status: 'active',
        current,
        past: [],
        proposals: ProposalCache.empty,
        pending: undefined,
        resumptionPsks: new Map(),
        lastCommit: undefined,
        reinit: undefined,
      })
    },
  }
}
