/** What own commits carry beside their changes: evidence for Removes, the record of an own rotation, the root over heads. */
import { equalBytes } from '../../bytes/bytes.ts'
import type { CommitOptions } from '../../group/commit-options.ts'
import type { Group } from '../../group/group.ts'
import { identityContextOf, type RotationRecord, withIdentityContext } from '../../identity/group-components.ts'
import { evidenceProposal, type RotationProof, rotationProposal } from '../../identity/group-evidence.ts'
import { tryLeafIdentity } from '../../identity/group-leaf.ts'
import { verifyManifest } from '../../identity/manifest.ts'
import { accountsIn } from '../mls/account-leaves.ts'
import type { IdentityParts } from './context.ts'
import type { HeadExchange } from './head-exchange.ts'
import type { OwnIdentity } from './own-identity.ts'
import type { RoomFacts } from './room-facts.ts'

/** How leaves are read where the mode of the group does not matter. */
export const anyLeaf = { mode: 'tofu', x509Device: undefined } as const

/** What additions are made of. */
export interface AdditionSources {
  readonly parts: IdentityParts
  readonly own: OwnIdentity
  readonly heads: HeadExchange
}

/** The options of a commit with what it has to carry. */
export function withAdditions(
  { parts, own, heads }: AdditionSources,
  group: Group,
  facts: RoomFacts,
  options: CommitOptions,
): CommitOptions {
  const context = identityContextOf(group.extensions)
  if (context.policy === undefined) return options
  const custom = [...(options.custom ?? [])]
  for (const leaf of options.remove ?? []) {
    const evidence = facts.removalOf(leaf)?.evidence
    if (evidence !== undefined) custom.push(evidenceProposal(evidence))
  }
  custom.push(...heads.proposals(group))
  const records = newRecords(parts, own, group)
  custom.push(...records.map(({ proof }) => rotationProposal(proof)))
  const extensions =
    records.length === 0
      ? options.extensions
      : withIdentityContext(options.extensions ?? group.extensions, {
          rotations: [...context.rotations, ...records.map(({ record }) => record)],
        })
  return {
    ...options,
    ...(custom.length === 0 ? {} : { custom }),
    ...(extensions === undefined ? {} : { extensions }),
  }
}

/** Records of own rotations that the group must know before the own leaf can follow. */
function newRecords(
  { suite, account, accountBytes }: IdentityParts,
  own: OwnIdentity,
  group: Group,
): { readonly proof: RotationProof; readonly record: RotationRecord }[] {
  const proofs = own.rotations
  if (proofs.length === 0) return []
  const { rotations } = identityContextOf(group.extensions)
  const { tree } = group.view
  const roots = [...accountsIn(group).leavesOf(account).keys()].flatMap(
    (leafIndex) => tryLeafIdentity(tree.leaf(leafIndex)?.leafNode, anyLeaf)?.certificate?.cert ?? [],
  )
  return proofs.flatMap((proof) => {
    const { statement, lastManifest } = proof
    const old = verifyManifest(suite, lastManifest).root.ed25519
    const stands = roots.some(
      (cert) => cert.generation === statement.oldGeneration && equalBytes(cert.rootEd25519, old),
    )
    const known = rotations.some(
      (one) => one.oldGeneration === statement.oldGeneration && equalBytes(one.account, accountBytes),
    )
    if (!stands || known || statement.oldSignature === undefined) return []
    const record = {
      account: accountBytes,
      oldGeneration: statement.oldGeneration,
      oldRoot: old,
      newGeneration: statement.newGeneration,
      newRoot: statement.newRoot.ed25519,
      epoch: group.epoch + 1n,
    }
    return [{ proof, record }]
  })
}
