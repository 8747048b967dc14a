/** What a group at one client shows of its state. Nothing here changes it. */
import { type Bytes, copyBytes, equalBytes } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import { type Member, memberOf, membersOf } from '../commit/member.ts'
import { ruleGroup } from '../commit/rules.ts'
import type { StagedCommit } from '../commit/staged-commit.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { exportSecret } from '../key-schedule/exporter.ts'
import type { RuleGroup } from '../ports/group-rules.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import type { Extension } from '../wire/extension.ts'
import type { ReInitProposal } from '../wire/proposal.ts'
import type { PreSharedKeyId } from '../wire/psk.ts'
import type { Predecessor } from './predecessor.ts'
import { safetyNumber } from './safety-number.ts'
import { encodeSnapshot } from './snapshot.ts'
import type { GroupState, GroupStatus } from './state.ts'

/** See the file; the part of `Group` that only reads. */
export abstract class GroupView {
  /** For `group-store/`: the whole state, with its secrets. */
  abstract get state(): GroupState

  /** The cipher suite. */
  get suite(): CipherSuite {
    return this.state.current.suite
  }

  /** The group id; opaque bytes. */
  get id(): Bytes {
    return copyBytes(this.state.current.context.groupId)
  }

  /** The number of the current epoch. */
  get epoch(): bigint {
    return this.state.current.context.epoch
  }

  /** Whether the group can be used. */
  get status(): GroupStatus {
    return this.state.status
  }

  /** The extensions of the GroupContext. */
  get extensions(): readonly Extension[] {
    return this.state.current.context.extensions
  }

  /** The shared state of the epoch, as rules and those who warn look at it. */
  get view(): RuleGroup {
    const { context, tree } = this.state.current
    return ruleGroup(context, tree, context.extensions)
  }

  /** The own leaf. */
  get leafIndex(): LeafIndex {
    return this.state.current.privateTree.leafIndex
  }

  /** The generation (RFC 9420 §9.1) that the next {@link protect} uses, from 0: for what the sender signs beside it. */
  get nextGeneration(): number {
    const { secretTree, privateTree } = this.state.current
    return secretTree.nextGeneration(privateTree.leafIndex, 'application')
  }

  /** The number of members. */
  get memberCount(): number {
    return this.state.current.tree.memberCount
  }

  /** The own commit that waits for the delivery service. */
  get pending(): StagedCommit | undefined {
    return this.state.pending
  }

  /** The ReInit that ended the group. */
  get reinit(): ReInitProposal | undefined {
    return this.state.reinit
  }

  /** The members with their credentials, from the left; lazily, a look at one costs O(log n). */
  members(): Iterable<Member> {
    return { [Symbol.iterator]: () => membersOf(this.state.current.tree) }
  }

  /** The member at a leaf, if there is one. */
  member(leafIndex: LeafIndex): Member | undefined {
    const leaf = this.state.current.tree.leaf(leafIndex)
    return leaf === undefined ? undefined : memberOf(leafIndex, leaf)
  }

  /** The leaf of the member with a signature key, if there is one; an application_id identifies nobody (RFC 9420 §5.3.3 V057). */
  memberWithSignatureKey(signatureKey: Uint8Array): Member | undefined {
    const leafIndex = this.state.current.tree.leafOfSignatureKey(signatureKey)
    return leafIndex === undefined ? undefined : this.member(leafIndex)
  }

  /** Proposals of this epoch that wait for a commit: ProposalRefs, oldest first. */
  get proposals(): readonly Bytes[] {
    return this.state.proposals.list().map(({ reference }) => reference)
  }

  /** The content of the `ratchet_tree` extension, for those who get it beside a Welcome or GroupInfo. */
  ratchetTree(): Bytes {
    return this.state.current.tree.encode()
  }

  /** Hash of the tree, Nh bytes. */
  get treeHash(): Bytes {
    return Uint8Array.from(this.state.current.tree.treeHash)
  }

  /**
   * `MLS-Exporter` of RFC 9420 §8.5: `length` bytes that only members of this epoch know.
   * @throws `crypto/length` beyond 65535 bytes or 255 * Nh (V031)
   */
  exportSecret(label: string, context: Uint8Array, length: number): Bytes {
    const { current } = this.readable()
    return exportSecret(current.suite, current.secrets.exporterSecret, label, context, length)
  }

  /** Equal for two members exactly when they are in the same epoch of the same group (RFC 9420 §8.7); Nh bytes. */
  get epochAuthenticator(): Bytes {
    return Uint8Array.from(this.readable().current.secrets.epochAuthenticator)
  }

  /** The epoch authenticator for people: twelve groups of five digits, the same for all members (V197). */
  get safetyNumber(): string {
    const { current } = this.readable()
    return safetyNumber(current.suite, current.secrets.epochAuthenticator)
  }

  /** What those who join a group that follows this one check it against (RFC 9420 §11.2, §11.3). */
  predecessor(usage: 'reinit' | 'branch'): Predecessor & { readonly psk: (id: PreSharedKeyId) => Bytes | undefined } {
    const { current, reinit } = this.state
    return {
      usage,
      context: current.context,
      tree: current.tree,
      reinit,
      psk: (id) => this.pskOf(id),
    }
  }

  /** A pre-shared key id that proves membership in an epoch of this group (RFC 9420 §8.6), for a commit in another. */
  resumptionPskId(usage: 'application' | 'reinit' | 'branch', epoch = this.epoch): PreSharedKeyId {
    const { suite } = this.state.current
    return {
      psktype: 'resumption',
      usage,
      pskGroupId: this.id,
      pskEpoch: epoch,
      pskNonce: suite.randomBytes(suite.parameters.hashLength),
    }
  }

  /** The resumption PSK of an epoch of this group, if it is kept. */
  resumptionPsk(epoch: bigint): Bytes | undefined {
    const psk = this.state.resumptionPsks.get(epoch)
    return psk === undefined ? undefined : Uint8Array.from(psk)
  }

  /** The whole state as bytes, the pending commit included; holds every secret of the group. See `restoreGroup`. */
  snapshot(): Bytes {
    return encodeSnapshot(this.state)
  }

  /** The resumption PSK that an id names, when it is one of this group. */
  protected pskOf(id: PreSharedKeyId): Bytes | undefined {
    if (id.psktype !== 'resumption' || !equalBytes(id.pskGroupId, this.state.current.context.groupId)) return undefined
    return this.state.resumptionPsks.get(id.pskEpoch)
  }

  /** The state, while its secrets are there. */
  protected readable(): GroupState {
    const { status } = this.state
    check(status !== 'closed', 'group/closed', undefined, 'this group was closed')
    // RFC 9420 §12.4.2 V274
    check(status !== 'removed', 'group/removed', 'V274', 'this client was removed from the group')
    return this.state
  }
}
