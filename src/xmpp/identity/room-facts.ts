/** The facts about the people of one group, as a room shows them; kept from commit to commit. */
import { fromUtf8, utf8 } from '../../bytes/text.ts'
import type { Group } from '../../group/group.ts'
import type { ContactState, SendRule } from '../../identity/contact-state.ts'
import type { RemovalEvidence } from '../../identity/group-evidence.ts'
import { GroupFactIndex } from '../../identity/group-fact-index.ts'
import type { GroupFact } from '../../identity/group-facts.ts'
import { contactSentences } from '../../identity/sentences.ts'
import type { Tree } from '../../ratchet-tree/tree.ts'
import type { LeafChange } from '../../ratchet-tree/tree-delta.ts'
import type { LeafIndex } from '../../tree-math/tree-math.ts'
import { accountsIn, leavesSince, nameOfLeaf, treeOf } from '../mls/account-leaves.ts'
import type { IdentityIssue } from '../mls/room-identity.ts'
import type { People, PeopleMark } from './people.ts'

/** Sentences for facts about single devices. */
const factSentences: Readonly<Record<GroupFact['kind'], string>> = {
  pin_mismatch: 'A device in this room claims this person under another identity than the one that you know.',
  old_root: 'A device of this person has not followed a renewal of the identity yet.',
  revoked: 'A device that this person has removed is still in this room.',
  unlisted: 'A device in this room is not in the list of devices of this person.',
  expired: 'The certificate of a device of this person has ended.',
  over: 'A device of this person has been in this room with old papers for too long.',
  unverified: 'This room is for people whose identity you have compared; compare that of this person.',
  stale: contactSentences.STALE,
  account: contactSentences.CHANGED,
  confusable: 'The address of this person looks like that of somebody else.',
  unknown: contactSentences.UNKNOWN,
}

/** Who asks. */
export interface Viewer {
  /** Own bare JID. */
  readonly account: string
  /** The state of an account now. */
  state(account: string): ContactState
}

/** See the file. */
export class RoomFacts {
  readonly #group: Group
  readonly #people: People
  readonly #viewer: Viewer
  readonly #facts = new GroupFactIndex()
  readonly #issues = new Map<LeafIndex, readonly IdentityIssue[]>()
  readonly #removable = new Set<LeafIndex>()
  #list: readonly IdentityIssue[] | undefined
  #tree: Tree | undefined
  #mark: PeopleMark | undefined
  #arrived = new Set<string>()

  constructor(group: Group, people: People, viewer: Viewer) {
    this.#group = group
    this.#people = people
    this.#viewer = viewer
  }

  /** What is to be shown: the same list as long as it says the same. */
  get issues(): readonly IdentityIssue[] {
    this.#follow()
    this.#list ??= [...this.#issues].sort(([a], [b]) => a - b).flatMap(([, issues]) => issues)
    return this.#list
  }

  /** Leaves that are to go. */
  get removable(): Iterable<LeafIndex> {
    this.#follow()
    return this.#removable
  }

  /** Why a leaf is to go, where it is; without evidence where it goes without. */
  removalOf(leafIndex: LeafIndex): { readonly evidence: RemovalEvidence | undefined } | undefined {
    this.#follow()
    return this.#facts.of(leafIndex).find(({ remove }) => remove !== undefined)?.remove
  }

  /** Accounts that came into the group since this was asked; all of them the first time. */
  takeArrived(): Iterable<string> {
    this.#follow()
    const arrived = this.#arrived
    this.#arrived = new Set()
    return arrived
  }

  /** Takes in what has changed in the group and in what is believed of its people. */
  #follow(): void {
    const accounts = accountsIn(this.#group)
    const tree = treeOf(this.#group)
    const leaves = leavesSince(this.#tree, tree)
    if (this.#tree === undefined) for (const account of accounts.names()) this.#arrived.add(account)
    else this.#noteArrivals(leaves)
    // the first time all leaves are new, whoever they belong to
    const changed = this.#tree === undefined ? [] : this.#people.since(this.#mark)
    this.#tree = tree
    const looked = this.#facts.update({
      group: this.#group.view,
      knowledge: this.#people.knowledge,
      leaves,
      accounts: Array.from(changed, utf8),
      leavesOf: (account) => accounts.leavesOf(fromUtf8(account)).keys(),
      looks: this.#people.looks,
    })
    this.#mark = this.#people.mark
    for (const leafIndex of looked) this.#show(leafIndex)
  }

  /** An account has arrived when each of its leaves is one that was not its own before. */
  #noteArrivals(leaves: readonly LeafChange[]): void {
    const accounts = accountsIn(this.#group)
    const fresh = new Map<string, number>()
    for (const { before, after } of leaves) {
      if (after === undefined) continue
      const { account } = nameOfLeaf(after)
      if (before === undefined || nameOfLeaf(before).account !== account)
        fresh.set(account, (fresh.get(account) ?? 0) + 1)
    }
    for (const [account, count] of fresh) if (accounts.leavesOf(account).size === count) this.#arrived.add(account)
  }

  #show(leafIndex: LeafIndex): void {
    const facts = this.#facts.of(leafIndex)
    if (facts.some(({ remove }) => remove !== undefined)) this.#removable.add(leafIndex)
    else this.#removable.delete(leafIndex)
    const issues = facts.map((fact) => this.#issueOf(fact))
    const shown = this.#issues.get(leafIndex) ?? []
    if (issues.length === shown.length && issues.every((one, i) => sameIssue(one, shown[i]))) return
    if (issues.length === 0) this.#issues.delete(leafIndex)
    else this.#issues.set(leafIndex, issues)
    this.#list = undefined
  }

  #issueOf({ account: bytes, kind, leafIndex, sending }: GroupFact): IdentityIssue {
    const account = fromUtf8(bytes)
    const sentence = kind === 'account' ? contactSentences[this.#viewer.state(account)] : factSentences[kind]
    const device = accountsIn(this.#group).leavesOf(account).get(leafIndex)
    return { kind: 'identity', account, device, fact: kind, sending: this.#rule(sending, kind, account), sentence }
  }

  /** The own devices are no reason to stop: whoever is wrong there is removed. */
  #rule(sending: SendRule, kind: GroupFact['kind'], account: string): SendRule {
    return account === this.#viewer.account && kind !== 'revoked' && sending === 'block' ? 'warn' : sending
  }
}

function sameIssue(a: IdentityIssue, b: IdentityIssue | undefined): boolean {
  const same = b !== undefined && a.account === b.account && a.device === b.device && a.fact === b.fact
  return same && a.sending === b.sending && a.sentence === b.sentence
}
