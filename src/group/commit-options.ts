/** From what an application wants to a list of proposals. */
import { bug, MlsError } from '../bytes/errors.ts'
import { mapKey } from '../bytes/text.ts'
import type { CommitRequest, OwnLeafChange } from '../commit/create-commit.ts'
import type { PskLookup } from '../commit/psks.ts'
import { ruleGroup } from '../commit/rules.ts'
import type { CachedProposal } from '../proposals/proposal-cache.ts'
import type { Beginning } from '../proposals/proposal-rules.ts'
import { validateLifetime } from '../ratchet-tree/leaf-validation.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import type { Extension } from '../wire/extension.ts'
import type { FramedWireFormat } from '../wire/framed-content.ts'
import type { KeyPackage } from '../wire/key-package.ts'
import { decodeMlsMessage } from '../wire/mls-message.ts'
import type { AddProposal, CustomProposal, Proposal, ReInitProposal } from '../wire/proposal.ts'
import type { PreSharedKeyId } from '../wire/psk.ts'
import { mls10 } from '../wire/registries.ts'
import type { KeyPackageBundle } from './key-package.ts'
import type { GroupState } from './state.ts'

/** A KeyPackage as it was published (an encoded MLSMessage), decoded, or an own bundle. */
export type KeyPackageSource = Uint8Array | KeyPackage | Pick<KeyPackageBundle, 'keyPackage'>

/** What to commit. Without any of it: fresh keys for the own leaf. */
export interface CommitOptions {
  readonly add?: readonly KeyPackageSource[]
  readonly remove?: readonly LeafIndex[]
  /** Pre-shared keys; see `externalPskId` and `Group.resumptionPskId`. */
  readonly psk?: readonly PreSharedKeyId[]
  /** Replaces the extensions of the group, all of them (RFC 9420 §12.1.7). */
  readonly extensions?: readonly Extension[]
  /** Ends the group in favour of another one (RFC 9420 §11.2); stands alone. */
  readonly reinit?: Omit<ReInitProposal, 'proposalType' | 'version'>
  readonly custom?: readonly Omit<CustomProposal, 'proposalType'>[]
  /** Fresh keys even where no path is required; on by default for a commit of nothing but Adds, PSKs or custom proposals too. */
  readonly path?: boolean
  /** Changes of the own leaf. */
  readonly leaf?: OwnLeafChange
  /** Which proposals that were sent before go in: all that fit together (the default), or none. */
  readonly references?: 'all' | 'none'
  /** Bytes that are signed and visible (RFC 9420 §6). */
  readonly authenticatedData?: Uint8Array
  /** `mls_public_message` or `mls_private_message`; the group's setting by default. */
  readonly wireFormat?: FramedWireFormat
  /** Makes a GroupInfo of the next epoch too, to be published with the commit. */
  readonly groupInfo?: boolean
  /** For the first commit of a group that follows another one; see `reinitGroup` and `branchGroup`. */
  readonly beginning?: Beginning
}

/** The request for `createCommit`. @throws kind `malformed` for KeyPackages that cannot be decoded */
export async function commitRequest(
  state: GroupState,
  options: CommitOptions,
  lookup: PskLookup,
): Promise<CommitRequest> {
  const proposals: Proposal[] = [
    ...(options.extensions === undefined
      ? []
      : [{ proposalType: 'group_context_extensions' as const, extensions: options.extensions }]),
    ...(options.remove ?? []).map((removed) => ({ proposalType: 'remove' as const, removed })),
    ...(options.add ?? []).map((source) => ({ proposalType: 'add' as const, keyPackage: keyPackageOf(source) })),
    ...(options.psk ?? []).map((psk) => ({ proposalType: 'psk' as const, psk })),
    ...(options.reinit === undefined ? [] : [{ proposalType: 'reinit' as const, version: mls10, ...options.reinit }]),
    ...(options.custom ?? []).map((custom) => ({ proposalType: 'custom' as const, ...custom })),
  ]
  rejectExpired(proposals, state)
  const references =
    options.references === 'none' ? [] : await admitted(state, selectReferences(state, proposals), proposals)
  return {
    proposals,
    references,
    path: options.path ?? options.reinit === undefined,
    ...(options.leaf === undefined ? {} : { leaf: options.leaf }),
    authenticatedData: options.authenticatedData ?? new Uint8Array(0),
    wireFormat: options.wireFormat ?? state.config.handshakes,
    beginning: options.beginning,
    lookup,
    groupInfo: options.groupInfo ?? false,
  }
}

/** The KeyPackage of any source. @throws kind `malformed`; `key_package/version` for another kind of message */
export function keyPackageOf(source: KeyPackageSource): KeyPackage {
  if (source instanceof Uint8Array) {
    const message = decodeMlsMessage(source)
    if (message.wireFormat !== 'mls_key_package')
      throw new MlsError('codec/value', 'a message that is no KeyPackage where one was expected')
    return message.keyPackage
  }
  return 'keyPackage' in source ? source.keyPackage : source
}

/** RFC 9420 §10.1, §7.3 V106, V140: an expired KeyPackage is not added by this client; received commits only warn (V107). */
function rejectExpired(proposals: readonly Proposal[], { config }: GroupState): void {
  const now = BigInt(Math.floor(config.clock.now() / 1000))
  for (const proposal of proposals) {
    if (proposal.proposalType !== 'add') continue
    const { leafNode } = proposal.keyPackage
    if (leafNode.leafNodeSource !== 'key_package') continue
    validateLifetime(leafNode.lifetime, { maximum: config.maxLifetimeSeconds, now })
  }
}

/**
 * The proposals that were sent before and fit together (RFC 9420 §12.2 leaves the choice to the committer): not own Updates,
 * not what this commit does itself; a Remove goes before an Update of the same leaf, the last Update before earlier ones; a
 * ReInit only where it stands alone.
 */
function selectReferences(state: GroupState, proposals: readonly Proposal[]): CachedProposal[] {
  const committer = state.current.privateTree.leafIndex
  const cached = state.proposals.list().filter(({ proposal, sender }) => {
    if (sender.senderType === 'member' && sender.leafIndex === committer && proposal.proposalType === 'update')
      return false
    if (proposal.proposalType === 'remove' && proposal.removed === committer) return false
    return !(proposal.proposalType === 'group_context_extensions' && proposals.some(isExtensions))
  })
  if (proposals.some(({ proposalType }) => proposalType === 'reinit')) return []
  const reinit = cached.filter(({ proposal }) => proposal.proposalType === 'reinit')
  const others = cached.filter(({ proposal }) => proposal.proposalType !== 'reinit')
  if (others.length === 0 && proposals.length === 0) return reinit.slice(-1)

  const removed = new Set(proposals.flatMap((p) => (p.proposalType === 'remove' ? [p.removed] : [])))
  const updated = new Set<LeafIndex>()
  const joining = new Set(proposals.flatMap((p) => (p.proposalType === 'add' ? [signatureKeyOf(p)] : [])))
  let extensions = false
  const kept: CachedProposal[] = []
  const byPreference = [...others].reverse().sort((a, b) => rank(a.proposal) - rank(b.proposal))
  for (const entry of byPreference) {
    const { proposal, sender } = entry
    if (proposal.proposalType === 'remove') {
      if (removed.has(proposal.removed)) continue
      removed.add(proposal.removed)
    } else if (proposal.proposalType === 'update') {
      if (sender.senderType !== 'member') throw bug('an Update by someone who is no member')
      if (removed.has(sender.leafIndex) || updated.has(sender.leafIndex)) continue
      updated.add(sender.leafIndex)
    } else if (proposal.proposalType === 'add') {
      if (joining.has(signatureKeyOf(proposal))) continue
      joining.add(signatureKeyOf(proposal))
    } else if (isExtensions(proposal)) {
      if (extensions) continue
      extensions = true
    }
    kept.push(entry)
  }
  return others.filter((entry) => kept.includes(entry))
}

/** Without what the rules of the group forbid in this company: one bad proposal does not hold up the group. */
async function admitted(
  { current, config }: GroupState,
  references: readonly CachedProposal[],
  proposals: readonly Proposal[],
): Promise<readonly CachedProposal[]> {
  const { rules } = config
  if (rules?.admits === undefined || references.length === 0) return references
  const { context, tree, privateTree } = current
  const group = ruleGroup(context, tree, context.extensions)
  const sender = { senderType: 'member' as const, leafIndex: privateTree.leafIndex }
  const company = {
    committer: privateTree.leafIndex,
    proposals: [...references, ...proposals.map((proposal) => ({ proposal, sender }))],
  }
  const kept: CachedProposal[] = []
  for (const entry of references) if (await rules.admits(group, entry, company)) kept.push(entry)
  return kept
}

function signatureKeyOf({ keyPackage }: AddProposal): string {
  return mapKey(keyPackage.leafNode.signatureKey)
}

function rank(proposal: Proposal): number {
  return proposal.proposalType === 'remove' ? 0 : 1
}

function isExtensions(proposal: Proposal): boolean {
  return proposal.proposalType === 'group_context_extensions'
}
