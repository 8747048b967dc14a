/** The pins of other accounts: reading their nodes, remembering what was seen, telling what was found. */
import { equalBytes } from '../../bytes/bytes.ts'
import { mapKey, utf8 } from '../../bytes/text.ts'
import { decode, encode } from '../../codec/codec.ts'
import { emptyLog } from '../../identity/chain-walk.ts'
import { advance, type ContactObservation } from '../../identity/contact.ts'
import { decodePin, encodePin } from '../../identity/contact-pin.ts'
import { type ContactPin, contactState, unknownContact } from '../../identity/contact-state.ts'
import type { Finding } from '../../identity/findings.ts'
import type { RotationProof } from '../../identity/group-evidence.ts'
import { identityLimits } from '../../identity/limits.ts'
import type { VerifiedManifest } from '../../identity/manifest.ts'
import { type ReadPublication, readPublication } from '../../identity/publication.ts'
import { RotationStatement } from '../../identity/rotation.ts'
import { subscribePep } from '../pep/pep-fetch.ts'
import { XmppError } from '../stanza/xmpp-error.ts'
import { ChangeLog } from './change-log.ts'
import {
  describe,
  type IdentityFinding,
  splitEvidence,
  splitSentence,
  tried,
  withheldSentence,
} from './contact-findings.ts'
import { beforeNextLook, type IdentityParts, maxLooks, secondsOf } from './context.ts'
import type { ShownIdentity } from './directory.ts'
import type { StoredFinding, StoredPin } from './store.ts'
import { identityNodes } from './wire.ts'

/** Who is told. */
export interface ContactBookEvents {
  onFinding(found: IdentityFinding): void
  /** A pin is another one. */
  onChange(account: string): void
  onProblem(error: unknown): void
}

interface Known {
  readonly pin: ContactPin
  readonly rotations: readonly RotationProof[]
  readonly readAt: number
}

/** See the file. */
export class ContactBook {
  /** Whose pins changed: what is computed from the others holds. */
  readonly changes = new ChangeLog()
  readonly #parts: IdentityParts
  readonly #events: ContactBookEvents
  readonly #known = new Map<string, Known>()
  readonly #subscribed = new Set<string>()
  readonly #reading = new Map<string, Promise<void>>()
  #work: Promise<unknown> = Promise.resolve()

  constructor(parts: IdentityParts, events: ContactBookEvents) {
    this.#parts = parts
    this.#events = events
  }

  /** Reads the pins. @throws `storage/…`, as `decodePin` */
  async load(): Promise<void> {
    const { store, suite } = this.#parts
    for (const { account, pin, rotations, readAt } of await store.pins()) {
      const proofs = rotations.map(({ statement, lastManifest }) => ({
        statement: decode(RotationStatement, statement),
        lastManifest,
      }))
      this.#known.set(account, { pin: decodePin(suite, pin), rotations: proofs, readAt })
    }
  }

  /** Accounts with a pin. */
  get accounts(): readonly string[] {
    return [...this.#known.keys()]
  }

  /** The pin of an account; `UNKNOWN` where there is none. @param account bare JID */
  pin(account: string): ContactPin {
    return this.#known.get(account)?.pin ?? unknownContact(utf8(account))
  }

  /** Rotations of an account with their proof, oldest first. */
  rotations(account: string): readonly RotationProof[] {
    return this.#known.get(account)?.rotations ?? []
  }

  /** Takes in what was seen or decided. Resolves when it is stored. @throws `storage/…` */
  observe(account: string, seen: ContactObservation, log?: ReadLog): Promise<readonly Finding[]> {
    const next = this.#work.then(() => this.#observe(account, seen, log))
    this.#work = next.catch(() => undefined)
    return next
  }

  async #observe(account: string, seen: ContactObservation, log: ReadLog | undefined): Promise<readonly Finding[]> {
    const { suite, timers, store } = this.#parts
    const before = this.#known.get(account)
    const was = before?.pin ?? unknownContact(utf8(account))
    const { pin, findings } = advance(suite, was, seen, secondsOf(timers))
    const told = findings.map((finding) => describe(account, finding, seen, pin))
    const next: Known = {
      pin,
      rotations: log === undefined ? (before?.rotations ?? []) : proofsIn(log, before, pin),
      readAt: log === undefined ? (before?.readAt ?? 0) : timers.now(),
    }
    const loud = told.flatMap((one): StoredFinding[] =>
      one.loudness === 'silent' || one.sentence === undefined
        ? []
        : [
            {
              account,
              kind: one.finding.kind,
              loudness: one.loudness,
              sentence: one.sentence,
              at: timers.now(),
              evidence: one.evidence,
            },
          ],
    )
    if (pin !== was || log !== undefined || loud.length > 0) await store.savePin(storedPin(account, next), loud)
    this.#known.set(account, next)
    if (pin !== was) this.changes.note(account)
    for (const one of told) this.#events.onFinding(one)
    if (pin !== was) this.#events.onChange(account)
    return findings
  }

  /**
   * Reads the nodes of an account; calls that come together are one.
   * @throws XmppError, `xmpp/timeout`, `xmpp/offline`, `storage/…`; as `verifyManifest` for a manifest that does not hold
   */
  refresh(account: string): Promise<void> {
    const running = this.#reading.get(account)
    if (running !== undefined) return running
    const reading = this.#refresh(account).finally(() => this.#reading.delete(account))
    this.#reading.set(account, reading)
    return reading
  }

  async #refresh(account: string): Promise<void> {
    for (let looks = 1; ; looks++) {
      const began = this.#parts.timers.now()
      const seen = await this.#look(account)
      if (seen === undefined) return
      if (looks === maxLooks || !this.#isDoubtful(account, seen)) {
        await this.observe(account, seen, seen.log ?? emptyLog)
        return
      }
      await beforeNextLook(this.#parts.timers, looks, began)
    }
  }

  async #look(account: string): Promise<ReadPublication['observation'] | undefined> {
    const { directory, suite } = this.#parts
    const head = this.#known.get(account)?.pin.head
    const current = await directory.current(account)
    if (current === undefined) {
      if (head !== undefined) await this.#noteWithheld(account, head)
      return undefined
    }
    // most reads find what is known, and need no log
    const shown: ShownIdentity =
      head !== undefined && equalBytes(head.bytes, current)
        ? { current, manifests: [], rotations: [] }
        : await directory.read(account)
    if (shown.current === undefined) return undefined
    return readPublication(suite, { ...shown, current: shown.current }).observation
  }

  /** Whether it would be told as trouble that was not there before, and may be two devices that publish at this moment. */
  #isDoubtful(account: string, seen: ContactObservation): boolean {
    const { suite, timers } = this.#parts
    const before = this.pin(account)
    const { pin } = advance(suite, before, seen, secondsOf(timers))
    const changed = pin.offered !== undefined && pin.offered !== before.offered
    return changed || (pin.rolledBack && !before.rolledBack) || pin.conflicts.length > before.conflicts.length
  }

  /** Reads an account of which nothing is known, or nothing lately. Problems are told and not thrown. */
  async meet(account: string, staleMs: number): Promise<void> {
    const known = this.#known.get(account)
    if (known !== undefined && known.readAt + staleMs > this.#parts.timers.now()) return
    await this.refresh(account).catch((error: unknown) => this.#events.onProblem(error))
  }

  /**
   * Asks to be told when a known account publishes: `+notify` would need a presence subscription. Once while the client is
   * open; a server that does not do it changes nothing but the time.
   */
  async subscribe(account: string): Promise<void> {
    if (this.#subscribed.has(account) || this.pin(account).trust === 'UNKNOWN') return
    this.#subscribed.add(account)
    try {
      await subscribePep(this.#parts.port, account, identityNodes.manifest)
    } catch (error) {
      if (!(error instanceof XmppError)) throw error
    }
  }

  /** As {@link refresh}; problems are told and not thrown. */
  async tryRefresh(account: string): Promise<void> {
    await this.refresh(account).catch((error: unknown) => this.#events.onProblem(error))
  }

  readonly #withheld = new Map<string, bigint>()

  /** There was a manifest, and the server shows none: told once for each that is missed. */
  async #noteWithheld(account: string, head: VerifiedManifest): Promise<void> {
    if (this.#withheld.get(account) === head.seq) return
    this.#withheld.set(account, head.seq)
    const found = {
      account,
      kind: 'withheld',
      loudness: 'warning',
      sentence: withheldSentence,
      evidence: undefined,
    } as const
    await this.#parts.store.saveFindings([{ ...found, at: this.#parts.timers.now() }])
    this.#events.onFinding({ ...found, finding: { kind: 'withheld' } })
  }

  /** Somebody else was shown another root of an account: a server lies to one of the two. @throws `storage/…` */
  async noteSplit(account: string, known: VerifiedManifest, other: VerifiedManifest): Promise<void> {
    const { store, timers } = this.#parts
    const evidence = tried(() => splitEvidence(known, other))
    const found = { account, kind: 'split_view', loudness: 'warning', sentence: splitSentence, evidence } as const
    await store.saveFindings([{ ...found, at: timers.now() }])
    this.#events.onFinding({ ...found, finding: { kind: 'split_view', rootHash: other.rootHash } })
  }

  /** The state of an account now. */
  state(account: string): ReturnType<typeof contactState> {
    return contactState(this.pin(account), secondsOf(this.#parts.timers))
  }
}

interface ReadLog {
  readonly manifests: readonly VerifiedManifest[]
  readonly rotations: readonly RotationStatement[]
}

/** The rotations of a log that can be proven, beside those that are known. */
function proofsIn(log: ReadLog, before: Known | undefined, pin: ContactPin): readonly RotationProof[] {
  const manifests = [...log.manifests, ...(before?.pin.head === undefined ? [] : [before.pin.head])]
  const found = log.rotations.flatMap((statement): RotationProof[] => {
    const last = manifests.find(({ hash }) => equalBytes(hash, statement.lastHash))
    const leads = pin.head !== undefined && statement.newGeneration <= pin.head.generation
    return last === undefined || !leads ? [] : [{ statement, lastManifest: last.bytes }]
  })
  const all = [...(before?.rotations ?? []), ...found]
  const unique = new Map(all.map((one) => [mapKey(encode(RotationStatement, one.statement)), one]))
  return [...unique.values()]
    .sort((a, b) => a.statement.oldGeneration - b.statement.oldGeneration)
    .slice(-identityLimits.pastRoots)
}

function storedPin(account: string, { pin, rotations, readAt }: Known): StoredPin {
  return {
    account,
    pin: encodePin(pin),
    rotations: rotations.map(({ statement, lastManifest }) => ({
      statement: encode(RotationStatement, statement),
      lastManifest,
    })),
    readAt,
  }
}
