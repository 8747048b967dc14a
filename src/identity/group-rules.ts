/**
 * The hard rules of identity in a group, H1 to H9, as part of the validation of commits. A pure function of bytes that every
 * member has: it reads no clock, no pin, no list on a server. What those know is for `group-facts.ts`, which warns and never
 * refuses a commit.
 *
 * ```
 * commit ─ policy in the GroupContext? ─ no ──────────────────────────────────────────> accepted
 *             └ yes ─ changed leaves: H1 name, H2 certificate ─ one batch of signatures
 *                        └ index of accounts and devices ─ H3 roots ─ H4 devices
 *                             └ H5 successors ─ H6 adders ─ H7 removers ─ H8 context ─ H9 no way back
 * ```
 *
 * The rules hold in groups whose GroupContext has an identity policy. A commit that sets the first one is checked as a whole
 * group; every other one costs O(changed leaves * log n).
 */
import { check, MlsError } from '../bytes/errors.ts'
import { decode } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type {
  GroupRules,
  RuleCompany,
  RuleGroup,
  RuleOptions,
  RuleProposal,
  RuleTransition,
  RuleTree,
} from '../ports/group-rules.ts'
import { trieKey } from '../ratchet-tree/persistent-map.ts'
import { componentIds } from '../wire/app-data.ts'
import type { LeafNode } from '../wire/leaf-node.ts'
import { CertificateCache } from './group-certificates.ts'
import { checkAccount, checkAccountKey, checkAdmins, checkFirst, checkLeaves, few, recordsIn } from './group-checks.ts'
import { type IdentityContext, type IdentityPolicy, identityContextOf } from './group-components.ts'
import { ephemeralData, type RootChange, RotationProof, verifyEvidence, verifyRotationProof } from './group-evidence.ts'
import { type AccountInTree, changeIndex, emptyGroupIndex, type GroupIndex, type LeafChange } from './group-index.ts'
import { type LeafIdentity, type LeafReading, leafIdentity, tryLeafIdentity, type X509Device } from './group-leaf.ts'
import {
  checkContextChange,
  checkNoDowngrade,
  checkReInit,
  mayAdd,
  mayJoin,
  mayRemove,
  type Rights,
} from './group-rights.ts'
import { checkCertificateAge, checkNewLeafRoot, checkRecords, checkSuccessor } from './group-succession.ts'

/** What the rules need. */
export interface IdentityRulesInput {
  /** Cipher suite 1, whatever the suites of the groups are. */
  readonly suite: CipherSuite
  /** Shared by all groups of a client; one of its own when absent. */
  readonly certificates?: CertificateCache
  /** Reads credentials in groups of mode `x509`; without it such groups are refused. */
  readonly x509Device?: X509Device
}

/** Certificates of one batch when a whole group is checked. */
const batch = 1024

/** The rules for `GroupConfig.rules` (`MlsClientOptions.groupRules`). Every member of a group must have them, or none. */
export function identityGroupRules(input: IdentityRulesInput): GroupRules {
  return new IdentityRules(input)
}

class IdentityRules implements GroupRules {
  readonly #suite: CipherSuite
  readonly #certificates: CertificateCache
  readonly #x509Device: X509Device | undefined
  readonly #indexes = new WeakMap<RuleTree, GroupIndex>()

  constructor({ suite, certificates, x509Device }: IdentityRulesInput) {
    this.#suite = suite
    this.#certificates = certificates ?? new CertificateCache(suite)
    this.#x509Device = x509Device
  }

  async checkGroup(group: RuleGroup, options: RuleOptions = {}): Promise<void> {
    const context = identityContextOf(group.extensions)
    if (context.policy === undefined) return
    const reading = this.#reading(context.policy)
    const changes: LeafChange[] = []
    let open: LeafIdentity[] = []
    const verify = async (): Promise<void> => {
      await this.#certificates.verify(open)
      open = []
      await options.pause?.()
      if (options.signal?.aborted)
        throw new MlsError('operation/aborted', 'the caller ended the operation', { cause: options.signal.reason })
    }
    for (const [leafIndex, leaf] of group.tree.members()) {
      const after = leafIdentity(leaf.leafNode, reading)
      changes.push({ leafIndex, before: undefined, after })
      open.push(after)
      if (open.length === batch) await verify()
    }
    await verify()
    const index = changeIndex(emptyGroupIndex, changes)
    for (const { after } of changes) if (after !== undefined) checkAccount(index, after, context)
    if (group.epoch === 0n) checkFirst(context, index)
    this.#indexes.set(group.tree, index)
  }

  async checkTransition(transition: RuleTransition): Promise<void> {
    const { before, after } = transition
    const old = identityContextOf(before.extensions)
    const next = identityContextOf(after.extensions)
    checkNoDowngrade(old, next)
    if (next.policy === undefined) return
    // H9: with the first policy, and with another way to read credentials, every leaf is new
    const whole = old.policy === undefined || (old.policy.mode === 'x509') !== (next.policy.mode === 'x509')
    if (whole) await this.checkGroup(after)
    if (old.policy === undefined) {
      checkFirst(next, this.#indexOf(after, next.policy))
      return
    }
    const rights = this.#rights(before, old, old.policy, transition.external ? undefined : transition.committer)
    if (transition.extensionsBy !== undefined) checkContextChange(rights, transition.extensionsBy, after.extensions)
    if (transition.reinit !== undefined)
      checkReInit(rights, transition.reinit.sender, transition.reinit.proposal.extensions)
    const changes = await this.#changes(transition, old.policy, next.policy)
    const index = whole
      ? this.#indexOf(after, next.policy)
      : changeIndex(this.#indexOf(before, old.policy), changes.values())
    if (transition.extensionsBy !== undefined) checkAdmins(old, next, index)
    checkRecords(old.rotations, next.rotations, {
      epoch: after.epoch,
      proven: old.rotations === next.rotations ? [] : this.#proven(transition),
      rootsBefore: (account) => this.#indexOf(before, rights.policy).accounts.get(trieKey(account))?.roots ?? [],
      rootsAfter: (account) => index.accounts.get(trieKey(account))?.roots ?? [],
    })
    for (const change of changes.values()) {
      if (change.before !== undefined) checkAccount(index, change.before, next)
      if (change.after !== undefined) checkAccount(index, change.after, next)
    }
    if (next.rotations.length < old.rotations.length)
      for (const { account } of old.rotations) checkAccountKey(index, account, next)
    checkLeaves(transition, changes, next, [...next.rotations, ...old.rotations])
    this.#checkMembership(transition, changes, rights)
    this.#indexes.set(after.tree, index)
  }

  async admits(group: RuleGroup, { proposal, sender }: RuleProposal, company: RuleCompany): Promise<boolean> {
    const context = identityContextOf(group.extensions)
    if (context.policy === undefined) return true
    const rights = this.#rights(group, context, context.policy, company.committer)
    try {
      if (proposal.proposalType === 'add') {
        const added = await this.#verified(proposal.keyPackage.leafNode, context.policy)
        checkNewLeafRoot(added, context.rotations)
        const index = changeIndex(this.#indexOf(group, context.policy), [
          { leafIndex: -1, before: undefined, after: added },
        ])
        checkAccount(index, added, context)
        return mayAdd(rights, sender, added)
      }
      if (proposal.proposalType === 'update' && sender.senderType === 'member') {
        const before = rights.at(sender.leafIndex)
        const after = await this.#verified(proposal.leafNode.leafNode, context.policy)
        // the rotation that it rests on may be recorded by the same commit
        const rotations = recordsIn(company) ?? context.rotations
        checkSuccessor(before, after, rotations)
        checkCertificateAge(before, after, group.epoch + 1n, context.policy)
        return true
      }
      if (proposal.proposalType === 'remove') {
        const removed = rights.at(proposal.removed)
        return removed === undefined || mayRemove(rights, sender, removed, this.#evidence(company.proposals))
      }
      if (proposal.proposalType === 'group_context_extensions') {
        checkNoDowngrade(context, identityContextOf(proposal.extensions))
        checkContextChange(rights, sender, proposal.extensions)
        return true
      }
      if (proposal.proposalType === 'reinit') checkReInit(rights, sender, proposal.extensions)
      if (proposal.proposalType === 'custom') {
        this.#evidence([{ proposal }])
        for (const data of ephemeralData([{ proposal }], componentIds.rotations))
          verifyRotationProof(this.#suite, decode(RotationProof, data))
      }
      return true
    } catch (error) {
      if (error instanceof MlsError && error.kind !== 'bug' && error.kind !== 'environment') return false
      throw error
    }
  }

  #reading({ mode }: IdentityPolicy): LeafReading {
    check(
      mode !== 'x509' || this.#x509Device !== undefined,
      'identity_group/policy',
      'H8',
      'a group of mode x509, which was not set up here',
    )
    return { mode, x509Device: this.#x509Device }
  }

  #rights(group: RuleGroup, context: IdentityContext, policy: IdentityPolicy, committer: number | undefined): Rights {
    const reading = this.#reading(policy)
    return {
      group,
      policy,
      context,
      committer,
      at: (leafIndex) => tryLeafIdentity(group.tree.leaf(leafIndex)?.leafNode, reading),
      accountOf: ({ accountKey }): AccountInTree | undefined => this.#indexOf(group, policy).accounts.get(accountKey),
    }
  }

  /** Made anew when a group was restored, or its policy was set by others: O(n), once. */
  #indexOf({ tree }: RuleGroup, policy: IdentityPolicy): GroupIndex {
    const known = this.#indexes.get(tree)
    if (known !== undefined) return known
    const reading = this.#reading(policy)
    const changes: LeafChange[] = []
    for (const [leafIndex, leaf] of tree.members())
      changes.push({ leafIndex, before: undefined, after: tryLeafIdentity(leaf.leafNode, reading) })
    const index = changeIndex(emptyGroupIndex, changes)
    this.#indexes.set(tree, index)
    return index
  }

  /** The leaves that differ, read; the certificates of new ones hold. @throws `identity_group/…` (H1, H2) */
  async #changes(
    { before, after, changed }: RuleTransition,
    old: IdentityPolicy,
    next: IdentityPolicy,
  ): Promise<ReadonlyMap<number, LeafChange>> {
    const changes = new Map<number, LeafChange>()
    const [was, is] = [this.#reading(old), this.#reading(next)]
    for (const leafIndex of changed) {
      const leaf = after.tree.leaf(leafIndex)
      changes.set(leafIndex, {
        leafIndex,
        before: tryLeafIdentity(before.tree.leaf(leafIndex)?.leafNode, was),
        after: leaf === undefined ? undefined : leafIdentity(leaf.leafNode, is),
      })
    }
    await this.#certificates.verify([...changes.values()].flatMap((one) => one.after ?? []))
    return changes
  }

  async #verified(leaf: LeafNode, policy: IdentityPolicy): Promise<LeafIdentity> {
    const identity = leafIdentity(leaf, this.#reading(policy))
    await this.#certificates.verify([identity])
    return identity
  }

  #proven({ custom }: RuleTransition): RootChange[] {
    return few(ephemeralData(custom, componentIds.rotations), 'identity_group/rotation', 'H3').map((data) =>
      verifyRotationProof(this.#suite, decode(RotationProof, data)),
    )
  }

  #evidence(proposals: Iterable<Pick<RuleProposal, 'proposal'>>): ((leaf: LeafIdentity) => boolean)[] {
    const found = few(ephemeralData(proposals, componentIds.evidence), 'identity_group/evidence', 'H7')
    return found.map((data) => verifyEvidence(this.#suite, data))
  }

  #checkMembership(transition: RuleTransition, changes: ReadonlyMap<number, LeafChange>, rights: Rights): void {
    const { added, removed, external, committer, custom } = transition
    for (const { leafIndex, by } of added) {
      const leaf = changes.get(leafIndex)?.after
      const may = leaf !== undefined && mayAdd(rights, by, leaf)
      check(may, 'identity_group/adder', 'H6', 'a leaf that was added by somebody who may not')
    }
    if (external) {
      const leaf = changes.get(committer)?.after
      const may = leaf !== undefined && mayJoin(rights, leaf)
      check(may, 'identity_group/adder', 'H6', 'a newcomer whom nobody let in')
    }
    const evidence = removed.length === 0 ? [] : this.#evidence(custom)
    const newcomer = external ? changes.get(committer)?.after : undefined
    for (const { leafIndex, by } of removed) {
      const leaf = rights.at(leafIndex)
      // who comes in by himself removes what is his own (RFC 9420 §12.2 V283), and nothing on a newer root
      const may =
        leaf === undefined ||
        (newcomer === undefined ? mayRemove(rights, by, leaf, evidence) : newcomer.accountKey === leaf.accountKey)
      check(may, 'identity_group/remover', 'H7', 'a leaf that was removed by somebody who may not')
    }
  }
}
