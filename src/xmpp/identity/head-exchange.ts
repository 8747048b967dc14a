/**
 * Heads of manifests travel with messages and commits, so that a server that tells two people two things is found out.
 *
 *     commit of another, other Merkle root ──> read nodes again ──> say all heads ──> who knows more says the manifest itself
 *     head in a message, newer or other ─────> read node again ──> still missing: ask for it ──> its owner says it
 */
import { type Bytes, equalBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { fromBase64, fromUtf8, toBase64, utf8 } from '../../bytes/text.ts'
import { type Codec, decode, encode, vec } from '../../codec/codec.ts'
import type { CommitChanges } from '../../commit/member.ts'
import type { Group } from '../../group/group.ts'
import {
  compareHeadsRoot,
  headElementName,
  headIsDue,
  headOfText,
  headsRootProposal,
  headText,
  type Said,
} from '../../identity/group-gossip.ts'
import { headsRoot } from '../../identity/heads-tree.ts'
import { type VerifiedManifest, verifyManifest } from '../../identity/manifest.ts'
import { compareHeads, headOf, ManifestHead } from '../../identity/manifest-head.ts'
import type { CustomProposal } from '../../wire/proposal.ts'
import { accountsIn } from '../mls/account-leaves.ts'
import type { IdentityRoom } from '../mls/room-identity.ts'
import { element, textOf, type XmlElement } from '../stanza/element.ts'
import type { ContactBook } from './contact-book.ts'
import type { IdentityParts } from './context.ts'
import type { OwnIdentity } from './own-identity.ts'
import { type People, type PeopleMark, sameMark } from './people.ts'
import { buildBytes, identityNamespace, parseBytes } from './wire.ts'

/** Accounts whose heads are compared in a group; larger groups find out by what their members say of themselves. */
const maxAccounts = 512
/** Heads that one message carries. */
const headsPerMessage = 64
/** Characters of the text of an element about heads. */
const maxText = 2 * headsPerMessage * 3_200
/** Nodes are read again at most so often because of what others say, in milliseconds. */
const staleMs = 10_000
/** The longest wait before this device says what others may say as well, in milliseconds. */
const spreadMs = 3_000

const Heads = vec(ManifestHead, headsPerMessage)

/** Heads of the accounts of a group, and the root over them, for what they were made of. */
interface Seen {
  readonly accounts: number
  readonly mark: PeopleMark
  readonly heads: readonly ManifestHead[]
  readonly root: Bytes
}

/** See the file. */
export class HeadExchange {
  readonly #parts: IdentityParts
  readonly #own: OwnIdentity
  readonly #book: ContactBook
  readonly #people: People
  readonly #seen = new WeakMap<Group, Seen>()
  readonly #said = new Map<string, Said>()
  readonly #exchanged = new Map<string, bigint>()

  constructor(parts: IdentityParts, own: OwnIdentity, book: ContactBook, people: People) {
    this.#parts = parts
    this.#own = own
    this.#book = book
    this.#people = people
  }

  /** Made when accounts or manifests are others than the last time, and for groups of a bounded number of accounts alone. */
  #headsOf(group: Group): Seen | undefined {
    const accounts = accountsIn(group)
    if (accounts.size > maxAccounts) return undefined
    const { mark } = this.#people
    const known = this.#seen.get(group)
    if (known?.accounts === accounts.version && sameMark(known.mark, mark)) return known
    const heads = Array.from(accounts.names()).flatMap((account) => {
      const manifest = this.#people.manifestOf(account)
      return manifest === undefined ? [] : [headOf(manifest)]
    })
    const seen = { accounts: accounts.version, mark, heads, root: headsRoot(this.#parts.suite, heads) }
    this.#seen.set(group, seen)
    return seen
  }

  /** The Merkle root for an own commit. */
  proposals(group: Group): readonly Omit<CustomProposal, 'proposalType'>[] {
    const seen = this.#headsOf(group)
    return seen === undefined ? [] : [headsRootProposal(seen.root)]
  }

  /** Whether the committer of a commit that is about to be taken in sees other heads. */
  differs(group: Group, { committer, custom }: CommitChanges): boolean {
    if (committer.leafIndex === group.leafIndex) return false
    const seen = this.#headsOf(group)
    return seen !== undefined && compareHeadsRoot(custom, seen.root) === 'different'
  }

  /** Somebody sees other heads: reads again, then says what is seen here; once in an epoch. */
  async exchange(room: IdentityRoom): Promise<void> {
    const group = room.group()
    if (group === undefined || this.#exchanged.get(room.jid) === group.epoch) return
    this.#exchanged.set(room.jid, group.epoch)
    for (const account of [...accountsIn(group).names()])
      if (account !== '' && account !== this.#parts.account) await this.#book.meet(account, staleMs)
    await this.#pause()
    const heads = this.#headsOf(group)?.heads ?? []
    for (let i = 0; i < heads.length; i += headsPerMessage) {
      const some = encode(Heads, heads.slice(i, i + headsPerMessage))
      await room.say(element('heads', identityNamespace, {}, toBase64(some)))
    }
  }

  /** The own head, for the first message of an epoch and after it has moved. */
  toSay(jid: string, group: Group): readonly XmlElement[] {
    const { manifest } = this.#own
    if (manifest === undefined) return []
    const head = headOf(manifest)
    if (!headIsDue(this.#said.get(jid), group.epoch, head)) return []
    this.#said.set(jid, { epoch: group.epoch, head })
    return [element(headElementName, identityNamespace, {}, headText(head))]
  }

  /** Takes an element of a member. Returns whether it was about heads. @throws `xmpp/…`; as `verifyManifest` */
  async receive(room: IdentityRoom, account: string, source: XmlElement): Promise<boolean> {
    switch (source.name) {
      case headElementName: {
        const head = headOfText(textOf(source), utf8(account))
        if (head !== undefined) await this.#compare(room, head, 'account')
        return true
      }
      case 'heads':
        for (const head of decodedIn(source, Heads) ?? []) await this.#compare(room, head, 'member')
        return true
      case 'want':
        await this.#wanted(room, source)
        return true
      case 'manifest':
        await this.#shown(source)
        return true
      default:
        return false
    }
  }

  async #compare(room: IdentityRoom, head: ManifestHead, from: 'account' | 'member'): Promise<void> {
    const account = fromUtf8(head.account)
    const group = room.group()
    if (group === undefined || !accountsIn(group).has(account)) return
    if (account === this.#parts.account) {
      await this.#compareOwn(room, head)
      return
    }
    const found = await this.#book.observe(account, { kind: 'head', head, from })
    if (found.some(({ kind }) => kind === 'fetch' || kind === 'head_conflict')) {
      await this.#book.tryRefresh(account)
      const after = this.#book.pin(account).head
      const known = after !== undefined && (compareHeads(after, head) > 0 || equalBytes(headOf(after).hash, head.hash))
      if (known) return
      await room.say(element('want', identityNamespace, {}, toBase64(encode(ManifestHead, head))))
      // two under one number: whoever sees both can prove it
      if (after !== undefined && compareHeads(after, head) === 0) await this.#say(room, after)
    } else if (found.some(({ kind }) => kind === 'behind') && from === 'member') {
      const manifest = this.#people.manifestOf(account)
      if (manifest !== undefined) await this.#say(room, manifest)
    }
  }

  /** Somebody sees another list of the own account than this device: the server is asked, and the own list said. */
  async #compareOwn(room: IdentityRoom, head: ManifestHead): Promise<void> {
    const own = this.#own.manifest
    if (own === undefined || equalBytes(headOf(own).hash, head.hash)) return
    await this.#own.reconcile()
    const now = this.#own.manifest
    if (now === undefined || equalBytes(headOf(now).hash, head.hash)) return
    if (compareHeads(now, head) >= 0) await this.#say(room, now)
    else await room.say(element('want', identityNamespace, {}, toBase64(encode(ManifestHead, head))))
  }

  async #say(room: IdentityRoom, manifest: VerifiedManifest): Promise<void> {
    await room.say(buildBytes('manifest', manifest.bytes))
  }

  /** Whoever has a manifest that somebody misses says it. */
  async #wanted(room: IdentityRoom, source: XmlElement): Promise<void> {
    const head = decodedIn(source, ManifestHead)
    const account = head && fromUtf8(head.account)
    const manifest = account === undefined ? undefined : this.#people.manifestOf(account)
    if (head === undefined || manifest === undefined || compareHeads(manifest, head) < 0) return
    if (account !== this.#parts.account) await this.#pause()
    await this.#say(room, manifest)
  }

  /** A manifest that a member says: what it proves does not depend on who says it, and what it does not prove is no news. */
  async #shown(source: XmlElement): Promise<void> {
    const bytes = parseBytes('manifest', source)
    if (bytes === undefined) return
    const manifest = verifyManifest(this.#parts.suite, bytes)
    const account = fromUtf8(manifest.account)
    const known = this.#people.manifestOf(account)
    if (known === undefined || equalBytes(known.hash, manifest.hash)) return
    if (account === this.#parts.account) await this.#own.reconcile([manifest])
    else if (!equalBytes(known.rootHash, manifest.rootHash)) {
      // any member could have made a root up: it counts when the account's own node shows it
      await this.#book.tryRefresh(account)
      await this.#book.noteSplit(account, known, manifest)
    } else if (compareHeads(manifest, known) > 0)
      await this.#book.observe(account, { kind: 'published', current: manifest })
    else if (compareHeads(manifest, known) === 0) await this.#book.observe(account, { kind: 'contradicted', manifest })
  }

  #pause(): Promise<void> {
    const { random, timers } = this.#parts
    const [byte = 0] = random.randomBytes(1)
    return new Promise((resolve) => void timers.after((byte * spreadMs) / 256, resolve))
  }
}

function decodedIn<T>(source: XmlElement, codec: Codec<T>): T | undefined {
  const text = textOf(source)
  if (text.length > maxText) return undefined
  try {
    return decode(codec, fromBase64(text))
  } catch (error) {
    if (error instanceof MlsError && error.kind !== 'bug') return undefined
    throw error
  }
}
