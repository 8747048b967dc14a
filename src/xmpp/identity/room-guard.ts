/**
 * The soft rules of identity in rooms: what is known of the people behind the leaves becomes issues that are shown, a stop of
 * sending, and Removes with evidence. Nothing here decides whether a commit counts.
 */
import { toHex } from '../../bytes/text.ts'
import type { CommitChanges } from '../../commit/member.ts'
import type { Group } from '../../group/group.ts'
import { identityAuthentication } from '../../identity/group-authentication.ts'
import { CertificateCache } from '../../identity/group-certificates.ts'
import type { IdentityPolicy } from '../../identity/group-components.ts'
import { tryLeafIdentity } from '../../identity/group-leaf.ts'
import { identityGroupRules } from '../../identity/group-rules.ts'
import type { GroupRules } from '../../ports/group-rules.ts'
import type { LeafNode } from '../../wire/leaf-node.ts'
import { accountsIn } from '../mls/account-leaves.ts'
import type { LeafProvider } from '../mls/leaf-provider.ts'
import type { IdentityIssue, IdentityRoom, RoomIdentity, Trust, TrustSubject } from '../mls/room-identity.ts'
import type { XmlElement } from '../stanza/element.ts'
import { anyLeaf, withAdditions } from './commit-additions.ts'
import type { ContactBook } from './contact-book.ts'
import { type IdentityParts, secondsOf } from './context.ts'
import { HeadExchange } from './head-exchange.ts'
import { identityLeaf } from './leaf.ts'
import { Meeting } from './meeting.ts'
import type { OwnIdentity } from './own-identity.ts'
import { People } from './people.ts'
import { Removals } from './removals.ts'
import { RoomFacts } from './room-facts.ts'
import { standingOf, trustOf } from './trust.ts'

/** The longest wait before this device does what others may do as well, in milliseconds. */
const spreadMs = 3_000
/** A leaf is renewed when its certificate has less than this left, in seconds. */
const renewSeconds = 60n * 86_400n

/** See the file. */
export class RoomGuard implements RoomIdentity {
  readonly authentication = identityAuthentication()
  readonly groupRules: GroupRules
  readonly leaf: LeafProvider
  /** Certificates that were verified. */
  readonly certificates: CertificateCache
  readonly #listeners = new Set<() => void>()
  readonly #parts: IdentityParts
  readonly #own: OwnIdentity
  readonly #book: ContactBook
  readonly #onElement: (account: string, element: XmlElement) => Promise<boolean>
  readonly #problem: (error: unknown) => void
  readonly #rooms = new Map<string, IdentityRoom>()
  readonly #facts = new WeakMap<Group, RoomFacts>()
  readonly #pending: { readonly account: string; readonly element: XmlElement }[] = []
  readonly #people: People
  readonly #meeting: Meeting
  readonly #heads: HeadExchange
  readonly #removals: Removals
  #timers = new Set<() => void>()

  constructor(
    parts: IdentityParts,
    deps: {
      readonly own: OwnIdentity
      readonly book: ContactBook
      /** Takes elements that are not about heads. */
      readonly onElement: (account: string, element: XmlElement) => Promise<boolean>
      readonly problem: (error: unknown) => void
      /** What groups that are made here ask. */
      readonly policy: Partial<IdentityPolicy>
      readonly admins: 'creator' | 'everybody'
    },
  ) {
    const { suite, deviceId } = parts
    this.certificates = new CertificateCache(suite)
    this.groupRules = identityGroupRules({ suite, certificates: this.certificates })
    this.#people = new People(parts, deps.own, deps.book)
    this.#meeting = new Meeting(deps.book, parts.account)
    this.#heads = new HeadExchange(parts, deps.own, deps.book, this.#people)
    const sources = { parts, own: deps.own, heads: this.#heads }
    this.leaf = identityLeaf(deps.own, deviceId, {
      policy: deps.policy,
      admins: deps.admins,
      additions: (group, options) => withAdditions(sources, group, this.#factsOf(group), options),
    })
    this.#removals = new Removals({
      hasDevices: (account) => (this.#people.manifestOf(account)?.devices.length ?? 0) > 0,
      spread: () => this.#spread(),
      later: (ms, run) => this.#later(ms, run),
    })
    this.#parts = parts
    this.#own = deps.own
    this.#book = deps.book
    this.#onElement = deps.onElement
    this.#problem = deps.problem
  }

  /** Rooms with a group, for a backup. */
  get rooms(): readonly { readonly groupId: Uint8Array; readonly room: string }[] {
    return [...this.#rooms.values()].flatMap((room) => {
      const group = room.group()
      return group === undefined ? [] : [{ groupId: group.id, room: room.jid }]
    })
  }

  /** See `RoomIdentity.attach`. */
  attach(room: IdentityRoom): () => void {
    this.#rooms.set(room.jid, room)
    this.#later(0, () => this.#look(room))
    return () => {
      if (this.#rooms.get(room.jid) === room) this.#rooms.delete(room.jid)
    }
  }

  /** What is known has changed: rooms look again. */
  changed(): void {
    for (const room of this.#rooms.values()) this.#show(room)
  }

  #show(room: IdentityRoom): void {
    room.report()
    const group = room.group()
    if (group !== undefined) this.#removals.plan(room, group, this.#factsOf(group))
  }

  /** Learns of who came into a room, or of all who are there. */
  async #look(room: IdentityRoom, who: 'arrived' | 'all' = 'arrived'): Promise<void> {
    const group = room.group()
    if (group === undefined) return
    const arrived = this.#factsOf(group).takeArrived()
    await this.#meeting.meet(group, who === 'all' ? accountsIn(group).names() : arrived)
    for (const one of this.#pending.splice(0)) await this.sayTo(one.account, one.element)
    this.#show(room)
  }

  #factsOf(group: Group): RoomFacts {
    const known = this.#facts.get(group)
    if (known !== undefined) return known
    const { account } = this.#parts
    const facts = new RoomFacts(group, this.#people, { account, state: (other) => this.#book.state(other) })
    this.#facts.set(group, facts)
    return facts
  }

  /** See `RoomIdentity.issues`. */
  issues(group: Group): readonly IdentityIssue[] {
    return this.#factsOf(group).issues
  }

  /** A device of the own account is gone: it leaves every room. */
  async removeEverywhere(device: string): Promise<void> {
    const { account } = this.#parts
    for (const room of this.#rooms.values()) {
      const group = room.group()
      const listed = group !== undefined && accountsIn(group).leafOf(account, device) !== undefined
      if (listed) await room.removeDevice(account, device)
    }
  }

  /** Leaves that stand on an older root, or whose certificate ends soon, are renewed without waiting for another commit. */
  #renewLeaves(): void {
    for (const room of this.#rooms.values())
      this.#later(this.#spread(), async () => {
        const group = room.group()
        if (group !== undefined && this.#isOld(group)) await room.update()
      })
  }

  #isOld(group: Group): boolean {
    const leaf = tryLeafIdentity(group.view.tree.leaf(group.leafIndex)?.leafNode, anyLeaf)
    const shown = leaf?.certificate?.cert
    const newest = leaf && this.#own.certificate(leaf.signatureKey)
    if (shown === undefined || newest === undefined) return false
    const soon = secondsOf(this.#parts.timers) + renewSeconds
    return shown.generation < newest.generation || (shown.notAfter < soon && newest.notAfter > shown.notAfter)
  }

  /** Reads the nodes of the people in all rooms again. */
  async refresh(): Promise<void> {
    for (const room of this.#rooms.values()) await this.#look(room, 'all')
  }

  /** See `RoomIdentity.committing`. */
  committing(jid: string, group: Group, changes: CommitChanges): void {
    const room = this.#rooms.get(jid)
    if (room === undefined) return
    const other = this.#heads.differs(group, changes)
    this.#later(0, async () => {
      await this.#look(room)
      if (other) await this.#heads.exchange(room)
    })
  }

  /** See `RoomIdentity.toSay`. */
  toSay(jid: string, group: Group): readonly XmlElement[] {
    return this.#rooms.has(jid) ? this.#heads.toSay(jid, group) : []
  }

  /** See `RoomIdentity.heard`. */
  heard(jid: string, account: string, elements: readonly XmlElement[]): void {
    const room = this.#rooms.get(jid)
    if (room === undefined) return
    for (const one of elements.slice(0, 16))
      this.#later(0, async () => {
        if (!(await this.#heads.receive(room, account, one))) await this.#onElement(account, one)
      })
  }

  /** See `SayTo`. */
  async sayTo(account: string, source: XmlElement): Promise<boolean> {
    const found = [...this.#rooms.values()].filter((room) => {
      const group = room.group()
      return group !== undefined && accountsIn(group).has(account)
    })
    // the room with the fewest others
    const [best] = found.sort((a, b) => (a.group()?.memberCount ?? 0) - (b.group()?.memberCount ?? 0))
    if (best === undefined) {
      this.#pending.push({ account, element: source })
      return false
    }
    await best.say(source)
    return true
  }

  /** See `RoomIdentity.admits`. */
  admits(account: string, device: string, leaf: Pick<LeafNode, 'signatureKey' | 'extensions'>): boolean {
    const head = this.#people.manifestOf(account)
    // of an account without identity nothing is known; whether its devices need one is for the rules of the group
    if (head === undefined) return true
    const standing = standingOf(this.#parts.suite, this.certificates, head, { account, device, ...leaf })
    return standing === 'listed' || standing === 'newer' || standing === 'old_root'
  }

  /** See `MlsClientOptions.trust`. */
  readonly trust = (who: TrustSubject): Trust => {
    const { suite, account } = this.#parts
    const own = who.account === account
    const head = this.#people.manifestOf(who.account)
    const standing = head && standingOf(suite, this.certificates, head, who)
    const verified = own || this.#book.pin(who.account).trust === 'VERIFIED'
    return trustOf(own ? 'VERIFIED' : this.#book.state(who.account), standing, verified)
  }

  /** See `RoomIdentity.replaces`. */
  replaces(device: string): boolean {
    return this.#own.stored.replaces.some((one) => toHex(one) === device)
  }

  /** See `RoomIdentity.prepare`. */
  async prepare(account: string): Promise<void> {
    if (account !== this.#parts.account) await this.#book.meet(account, 0)
  }

  /** See `RoomIdentity.onCertificate`. */
  onCertificate(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The own certificate is another one. */
  certified(): void {
    for (const listener of this.#listeners) listener()
    this.#renewLeaves()
  }

  #spread(): number {
    const [byte = 0] = this.#parts.random.randomBytes(1)
    return (byte * spreadMs) / 256
  }

  #later(ms: number, run: () => Promise<void>): void {
    const stop = this.#parts.timers.after(ms, () => {
      this.#timers.delete(stop)
      run().catch(this.#problem)
    })
    this.#timers.add(stop)
  }

  /** Stops everything. */
  close(): void {
    for (const stop of this.#timers) stop()
    this.#timers.clear()
    this.#rooms.clear()
  }
}
