/**
 * The soft rules of identity in rooms: what is known of the people behind the leaves becomes issues that are shown, a stop of
 * sending, and Removes with evidence. Nothing here decides whether a commit counts.
 */
import { equalBytes } from '../../bytes/bytes.ts'
import { fromHex, fromUtf8, toHex, utf8 } from '../../bytes/text.ts'
import type { CommitChanges } from '../../commit/member.ts'
import type { CommitOptions } from '../../group/commit-options.ts'
import type { Group } from '../../group/group.ts'
import type { SendRule } from '../../identity/contact.ts'
import { identityAuthentication } from '../../identity/group-authentication.ts'
import { CertificateCache } from '../../identity/group-certificates.ts'
import { type IdentityPolicy, identityContextOf, withIdentityContext } from '../../identity/group-components.ts'
import { evidenceProposal, rotationProposal } from '../../identity/group-evidence.ts'
import { type GroupFact, groupFacts } from '../../identity/group-facts.ts'
import { deviceOfCredential, tryLeafIdentity } from '../../identity/group-leaf.ts'
import { identityGroupRules } from '../../identity/group-rules.ts'
import { verifyManifest } from '../../identity/manifest.ts'
import { contactSentences } from '../../identity/sentences.ts'
import type { GroupRules } from '../../ports/group-rules.ts'
import type { LeafNode } from '../../wire/leaf-node.ts'
import type { LeafProvider } from '../mls/leaf-provider.ts'
import type { IdentityIssue, IdentityRoom, RoomIdentity, Trust, TrustSubject } from '../mls/room-identity.ts'
import type { XmlElement } from '../stanza/element.ts'
import type { ContactBook } from './contact-book.ts'
import { type IdentityParts, secondsOf } from './context.ts'
import { accountsOf, HeadExchange } from './head-exchange.ts'
import { type CommitAdditions, identityLeaf } from './leaf.ts'
import type { OwnIdentity } from './own-identity.ts'
import { standingOf, trustOf } from './trust.ts'

/** The longest wait before this device does what others may do as well, in milliseconds. */
const spreadMs = 3_000
/** How long somebody who has lost the one device that was in a room has to come back to it, in milliseconds. */
const returnMs = 120_000
/** A leaf is renewed when its certificate has less than this left, in seconds. */
const renewSeconds = 60n * 86_400n
const anyLeaf = { mode: 'tofu', x509Device: undefined } as const

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

interface Watched {
  readonly room: IdentityRoom
  /** The last answer with what it holds for. */
  issues:
    | { readonly key: string; readonly list: readonly IdentityIssue[]; readonly facts: readonly GroupFact[] }
    | undefined
}

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
  readonly #rooms = new Map<string, Watched>()
  readonly #pending: { readonly account: string; readonly element: XmlElement }[] = []
  readonly #heads: HeadExchange
  readonly #removing = new Set<string>()
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
    const additions: CommitAdditions = (group, options) => this.commitOptions(group, options)
    this.leaf = identityLeaf(deps.own, deviceId, { policy: deps.policy, admins: deps.admins, additions })
    this.#parts = parts
    this.#own = deps.own
    this.#book = deps.book
    this.#onElement = deps.onElement
    this.#problem = deps.problem
    this.#heads = new HeadExchange(parts, deps.own, deps.book)
  }

  /** Rooms with a group, for a backup. */
  get rooms(): readonly { readonly groupId: Uint8Array; readonly room: string }[] {
    return [...this.#rooms.values()].flatMap(({ room }) => {
      const group = room.group()
      return group === undefined ? [] : [{ groupId: group.id, room: room.jid }]
    })
  }

  /** See `RoomIdentity.attach`. */
  attach(room: IdentityRoom): () => void {
    const watched: Watched = { room, issues: undefined }
    this.#rooms.set(room.jid, watched)
    this.#later(0, () => this.#meetAll(watched))
    return () => {
      if (this.#rooms.get(room.jid) === watched) this.#rooms.delete(room.jid)
    }
  }

  /** What is known has changed: rooms look again. */
  changed(): void {
    for (const watched of this.#rooms.values()) {
      watched.room.report()
      this.#act(watched)
    }
  }

  async #meetAll(watched: Watched): Promise<void> {
    const group = watched.room.group()
    if (group === undefined) return
    for (const account of accountsOf(group))
      if (account !== this.#parts.account) await this.#book.meet(account, 3_600_000)
    for (const one of this.#pending.splice(0)) await this.sayTo(one.account, one.element)
    watched.room.report()
    this.#act(watched)
  }

  /** See `RoomIdentity.issues`. */
  issues(group: Group): readonly IdentityIssue[] {
    const watched = [...this.#rooms.values()].find(({ room }) => room.group() === group)
    return watched === undefined ? this.#look(group).list : this.#known(watched, group).list
  }

  #known(watched: Watched, group: Group): NonNullable<Watched['issues']> {
    const hour = Math.floor(this.#parts.timers.now() / 3_600_000)
    const key = `${toHex(group.id)} ${group.epoch} ${this.#book.version} ${this.#own.manifest?.seq} ${hour}`
    if (watched.issues?.key !== key) watched.issues = { key, ...this.#look(group) }
    return watched.issues
  }

  #look(group: Group): { readonly list: readonly IdentityIssue[]; readonly facts: readonly GroupFact[] } {
    const { suite, timers, accountBytes, account: self } = this.#parts
    const { view } = group
    const facts = groupFacts(view, {
      suite,
      now: secondsOf(timers),
      own: accountBytes,
      pin: (account) => this.#book.pin(fromUtf8(account)),
      rotations: (account) =>
        fromUtf8(account) === self ? this.#own.rotations : this.#book.rotations(fromUtf8(account)),
      contacts: this.#book.accounts.map(utf8),
    })
    const list = facts.map((fact): IdentityIssue => {
      const account = fromUtf8(fact.account)
      const leaf = tryLeafIdentity(view.tree.leaf(fact.leafIndex)?.leafNode, anyLeaf)
      const sentence = fact.kind === 'account' ? contactSentences[this.#book.state(account)] : factSentences[fact.kind]
      const device = leaf === undefined ? undefined : toHex(leaf.deviceId)
      return { kind: 'identity', account, device, fact: fact.kind, sending: this.#rule(fact, account), sentence }
    })
    return { list, facts }
  }

  /** The own devices are no reason to stop: whoever is wrong there is removed. */
  #rule({ sending, kind }: GroupFact, account: string): SendRule {
    return account === this.#parts.account && kind !== 'revoked' && sending === 'block' ? 'warn' : sending
  }

  /** Removes what has to go, after a while in which others may have done it. */
  #act(watched: Watched): void {
    const group = watched.room.group()
    if (group === undefined) return
    for (const { remove, leafIndex } of this.#known(watched, group).facts) {
      const member = remove === undefined ? undefined : group.member(leafIndex)
      if (member === undefined) continue
      const { account, deviceId } = deviceOfCredential(member.credential)
      const device = toHex(deviceId)
      const name = `${watched.room.jid} ${device}`
      if (leafIndex === group.leafIndex || this.#removing.has(name)) continue
      this.#removing.add(name)
      this.#later(this.#patience(group, fromUtf8(account), remove?.evidence !== undefined), async () => {
        try {
          if (watched.room.group()?.memberWithSignatureKey(member.signatureKey) !== undefined)
            await watched.room.removeDevice(fromUtf8(account), device)
        } finally {
          this.#removing.delete(name)
        }
      })
    }
  }

  /**
   * How long others are left to do it. A person whose last leaf goes would have to be invited again: whoever comes back from a
   * backup takes the old leaf's place by himself, if that is left for him. Nothing is sent meanwhile.
   */
  #patience(group: Group, account: string, evidence: boolean): number {
    const leaves = [...group.members()].filter(
      ({ credential }) => fromUtf8(deviceOfCredential(credential).account) === account,
    )
    const comesBack = evidence && leaves.length === 1 && (this.#heads.manifestOf(account)?.devices.length ?? 0) > 0
    return this.#spread() + (comesBack ? returnMs : 0)
  }

  /** A device of the own account is gone: it leaves every room. */
  async removeEverywhere(device: string): Promise<void> {
    const { account } = this.#parts
    for (const { room } of this.#rooms.values()) {
      const group = room.group()
      if (group === undefined) continue
      const listed = [...group.members()].some(({ credential }) => {
        const name = deviceOfCredential(credential)
        return fromUtf8(name.account) === account && equalBytes(name.deviceId, fromHex(device))
      })
      if (listed) await room.removeDevice(account, device)
    }
  }

  /** Leaves that stand on an older root, or whose certificate ends soon, are renewed without waiting for another commit. */
  #renewLeaves(): void {
    for (const { room } of this.#rooms.values())
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
    for (const watched of this.#rooms.values()) await this.#meetAll(watched)
  }

  /** What own commits carry: evidence for Removes, the record of an own rotation, the root over the heads that are seen. */
  commitOptions(group: Group, options: CommitOptions): CommitOptions {
    const context = identityContextOf(group.extensions)
    if (context.policy === undefined) return options
    const custom = [...(options.custom ?? [])]
    const facts = this.#look(group).facts
    for (const leaf of options.remove ?? []) {
      const evidence = facts.find(({ leafIndex }) => leafIndex === leaf)?.remove?.evidence
      if (evidence !== undefined) custom.push(evidenceProposal(evidence))
    }
    custom.push(...this.#heads.proposals(group))
    const records = this.#newRecords(group)
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
  #newRecords(group: Group) {
    const { rotations } = identityContextOf(group.extensions)
    const roots = [...group.members()].flatMap((member) => {
      const leaf = tryLeafIdentity(group.view.tree.leaf(member.leafIndex)?.leafNode, {
        mode: 'tofu',
        x509Device: undefined,
      })
      const cert = leaf?.certificate?.cert
      return cert !== undefined && leaf !== undefined && equalBytes(leaf.account, this.#parts.accountBytes)
        ? [cert]
        : []
    })
    return this.#own.rotations.flatMap((proof) => {
      const { statement, lastManifest } = proof
      const old = verifyManifest(this.#parts.suite, lastManifest).root.ed25519
      const stands = roots.some(
        (cert) => cert.generation === statement.oldGeneration && equalBytes(cert.rootEd25519, old),
      )
      const known = rotations.some(
        (one) => one.oldGeneration === statement.oldGeneration && equalBytes(one.account, this.#parts.accountBytes),
      )
      if (!stands || known || statement.oldSignature === undefined) return []
      const record = {
        account: this.#parts.accountBytes,
        oldGeneration: statement.oldGeneration,
        oldRoot: old,
        newGeneration: statement.newGeneration,
        newRoot: statement.newRoot.ed25519,
        epoch: group.epoch + 1n,
      }
      return [{ proof, record }]
    })
  }

  /** See `RoomIdentity.committing`. */
  committing(jid: string, group: Group, changes: CommitChanges): void {
    const watched = this.#rooms.get(jid)
    if (watched === undefined) return
    const other = this.#heads.differs(group, changes)
    this.#later(0, async () => {
      await this.#meetAll(watched)
      if (other) await this.#heads.exchange(watched.room)
    })
  }

  /** See `RoomIdentity.toSay`. */
  toSay(jid: string, group: Group): readonly XmlElement[] {
    return this.#rooms.has(jid) ? this.#heads.toSay(jid, group) : []
  }

  /** See `RoomIdentity.heard`. */
  heard(jid: string, account: string, elements: readonly XmlElement[]): void {
    const watched = this.#rooms.get(jid)
    if (watched === undefined) return
    for (const one of elements.slice(0, 16))
      this.#later(0, async () => {
        if (!(await this.#heads.receive(watched.room, account, one))) await this.#onElement(account, one)
      })
  }

  /** See `SayTo`. */
  async sayTo(account: string, source: XmlElement): Promise<boolean> {
    const found = [...this.#rooms.values()].filter(({ room }) => {
      const group = room.group()
      return group !== undefined && accountsOf(group).includes(account)
    })
    // the room with the fewest others
    const [best] = found.sort((a, b) => (a.room.group()?.memberCount ?? 0) - (b.room.group()?.memberCount ?? 0))
    if (best === undefined) {
      this.#pending.push({ account, element: source })
      return false
    }
    await best.room.say(source)
    return true
  }

  /** See `RoomIdentity.admits`. */
  admits(account: string, device: string, leaf: Pick<LeafNode, 'signatureKey' | 'extensions'>): boolean {
    const head = this.#heads.manifestOf(account)
    // of an account without identity nothing is known; whether its devices need one is for the rules of the group
    if (head === undefined) return true
    const standing = standingOf(this.#parts.suite, head, { account, device, ...leaf })
    return standing === 'listed' || standing === 'newer' || standing === 'old_root'
  }

  /** See `MlsClientOptions.trust`. */
  readonly trust = (who: TrustSubject): Trust => {
    const { suite, account } = this.#parts
    const own = who.account === account
    const head = this.#heads.manifestOf(who.account)
    const standing = head && standingOf(suite, head, who)
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
