/**
 * The facts about all leaves of a group (`group-facts.ts`), kept from epoch to epoch. What is the same has the same facts, so
 * only this is looked at again:
 *
 *     leaves that a commit changes ──────────┐
 *     leaves of accounts that changed ───────┤
 *     leaves whose date or epoch has come ───┼──> leafFacts
 *     leaves of addresses that look alike ───┘
 */
import { equalBytes } from '../bytes/bytes.ts'
import { encode } from '../codec/codec.ts'
import type { RuleGroup } from '../ports/group-rules.ts'
import { trieKey } from '../ratchet-tree/persistent-map.ts'
import type { EncodedLeafNode } from '../wire/leaf-node.ts'
import { confusableKey, type Looks } from './confusable.ts'
import { Deadlines } from './deadlines.ts'
import { type IdentityContext, IdentityPolicy, identityContextOf } from './group-components.ts'
import { confusableFact, type GroupFact, type GroupKnowledge, leafFacts, readingOf } from './group-facts.ts'
import { type LeafIdentity, tryLeafIdentity } from './group-leaf.ts'

/** What has changed since the last time. */
export interface GroupNews {
  readonly group: RuleGroup
  /** `contacts` are {@link GroupNews.looks}. */
  readonly knowledge: Omit<GroupKnowledge, 'contacts'>
  /** The leaves in which the tree differs from that of the last time; all of them, and no others, the first time. */
  readonly leaves: Iterable<{
    readonly leafIndex: number
    readonly before: EncodedLeafNode | undefined
    readonly after: EncodedLeafNode | undefined
  }>
  /** Accounts of which something else is known, bare JID bytes. */
  readonly accounts: Iterable<Uint8Array>
  /** The leaves of an account in the group. */
  readonly leavesOf: (account: Uint8Array) => Iterable<number>
  /** The own address and those of contacts, the present ones. */
  readonly looks: Looks
}

/** Leaves whose addresses look alike. */
interface Alike {
  readonly leaves: Map<number, Uint8Array>
  /** How many leaves each account has among them. */
  readonly accounts: Map<string, number>
}

/** See the file. */
export class GroupFactIndex {
  readonly #facts = new Map<number, readonly GroupFact[]>()
  readonly #alike = new Map<string, Alike>()
  /** Looks that more than one account has, with the one that had it first. */
  readonly #mixed = new Map<string, Uint8Array>()
  readonly #dates = new Deadlines<number>()
  readonly #epochs = new Deadlines<number>()
  /** Leaves with facts that would not hold at an earlier second. */
  readonly #dated = new Set<number>()
  #context: IdentityContext | undefined
  #now = 0n

  /** The facts about a leaf. */
  of(leafIndex: number): readonly GroupFact[] {
    return this.#facts.get(leafIndex) ?? []
  }

  /** Leaves about which there is something to say. */
  leaves(): Iterable<number> {
    return this.#facts.keys()
  }

  /** All facts, from the left: what `groupFacts` gives. */
  all(): GroupFact[] {
    return [...this.#facts].sort(([a], [b]) => a - b).flatMap(([, facts]) => facts)
  }

  /** Takes in what has changed. Returns the leaves that were looked at. @throws as `identityContextOf` */
  update(news: GroupNews): ReadonlySet<number> {
    const { group, knowledge } = news
    const context = identityContextOf(group.extensions)
    const { policy } = context
    const touched = new Set<number>()
    const last = this.#context
    this.#context = context
    if (policy === undefined) {
      for (const leafIndex of this.#facts.keys()) touched.add(leafIndex)
      this.#clear()
      return touched
    }
    const whole = last?.policy === undefined || !samePolicy(last.policy, policy)
    if (whole) {
      for (const leafIndex of this.#facts.keys()) touched.add(leafIndex)
      this.#clear()
    } else {
      for (const { account } of last.rotations === context.rotations ? [] : [...last.rotations, ...context.rotations])
        for (const leafIndex of news.leavesOf(account)) touched.add(leafIndex)
      // set back
      if (knowledge.now < this.#now) for (const leafIndex of this.#dated) touched.add(leafIndex)
      for (const leafIndex of this.#dates.takePassed(knowledge.now)) touched.add(leafIndex)
      for (const leafIndex of this.#epochs.takePassed(group.epoch)) touched.add(leafIndex)
    }
    this.#now = knowledge.now
    const reading = readingOf(policy, knowledge)
    const looks = new Set<string>()
    const read = new Map<number, LeafIdentity | undefined>()
    const changes = whole ? allLeaves(group) : [...news.leaves]
    for (const { leafIndex, before } of whole ? [] : changes)
      this.#dropLook(leafIndex, tryLeafIdentity(before?.leafNode, reading), looks)
    for (const { leafIndex, after } of changes) {
      const leaf = tryLeafIdentity(after?.leafNode, reading)
      read.set(leafIndex, leaf)
      touched.add(leafIndex)
      if (leaf !== undefined) this.#addLook(leafIndex, leaf, looks)
    }
    for (const account of news.accounts) {
      looks.add(confusableKey(account))
      for (const leafIndex of news.leavesOf(account)) touched.add(leafIndex)
    }
    for (const key of looks) this.#mix(key, news.looks, touched)
    for (const leafIndex of touched) {
      const leaf = read.has(leafIndex)
        ? read.get(leafIndex)
        : tryLeafIdentity(group.tree.leaf(leafIndex)?.leafNode, reading)
      this.#judge(news, context, { leafIndex, leaf })
    }
    return touched
  }

  #judge(
    { group, knowledge }: GroupNews,
    context: IdentityContext,
    { leafIndex, leaf }: { readonly leafIndex: number; readonly leaf: LeafIdentity | undefined },
  ): void {
    const found = leaf && leafFacts(group, context, { leafIndex, leaf }, knowledge)
    this.#dates.set(leafIndex, found?.until)
    this.#epochs.set(leafIndex, found?.untilEpoch)
    if (found?.dated === true) this.#dated.add(leafIndex)
    else this.#dated.delete(leafIndex)
    const facts = found?.facts ?? []
    const all = leaf !== undefined && this.#isTwin(leaf) ? [confusableFact(leafIndex, leaf), ...facts] : facts
    if (all.length === 0) this.#facts.delete(leafIndex)
    else this.#facts.set(leafIndex, all)
  }

  #isTwin({ account }: LeafIdentity): boolean {
    const first = this.#mixed.size === 0 ? undefined : this.#mixed.get(confusableKey(account))
    return first !== undefined && !equalBytes(first, account)
  }

  /** Finds out who had a look first: who is known, or else the first leaf. */
  #mix(key: string, looks: Looks, touched: Set<number>): void {
    const alike = this.#alike.get(key)
    let first = looks.first(key)
    const mixed = alike !== undefined && (alike.accounts.size > 1 || !isAlone(alike, first))
    if (!mixed && !this.#mixed.has(key)) return
    let least = Number.POSITIVE_INFINITY
    for (const leafIndex of alike?.leaves.keys() ?? []) {
      touched.add(leafIndex)
      least = Math.min(least, leafIndex)
    }
    first ??= alike?.leaves.get(least)
    if (mixed && first !== undefined) this.#mixed.set(key, first)
    else this.#mixed.delete(key)
  }

  #addLook(leafIndex: number, { account, accountKey }: LeafIdentity, looks: Set<string>): void {
    const key = confusableKey(account)
    looks.add(key)
    const alike = this.#alike.get(key) ?? { leaves: new Map(), accounts: new Map() }
    this.#alike.set(key, alike)
    alike.leaves.set(leafIndex, account)
    alike.accounts.set(accountKey, (alike.accounts.get(accountKey) ?? 0) + 1)
  }

  #dropLook(leafIndex: number, leaf: LeafIdentity | undefined, looks: Set<string>): void {
    const key = leaf && confusableKey(leaf.account)
    const alike = key === undefined ? undefined : this.#alike.get(key)
    if (leaf === undefined || key === undefined || alike === undefined) return
    looks.add(key)
    alike.leaves.delete(leafIndex)
    const left = (alike.accounts.get(leaf.accountKey) ?? 0) - 1
    if (left > 0) alike.accounts.set(leaf.accountKey, left)
    else alike.accounts.delete(leaf.accountKey)
    if (alike.leaves.size === 0) this.#alike.delete(key)
  }

  #clear(): void {
    for (const one of [this.#facts, this.#alike, this.#mixed, this.#dates, this.#epochs, this.#dated]) one.clear()
  }
}

function isAlone({ accounts }: Alike, first: Uint8Array | undefined): boolean {
  return first === undefined || accounts.has(trieKey(first))
}

function allLeaves({ tree }: RuleGroup): { leafIndex: number; before: undefined; after: EncodedLeafNode }[] {
  return Array.from(tree.members(), ([leafIndex, after]) => ({ leafIndex, before: undefined, after }))
}

function samePolicy(a: IdentityPolicy, b: IdentityPolicy): boolean {
  return a === b || equalBytes(encode(IdentityPolicy, a), encode(IdentityPolicy, b))
}
