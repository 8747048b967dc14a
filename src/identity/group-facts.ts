/**
 * What one member knows about the others beyond the hard rules: pins, lists from PEP, the clock, looks of addresses. It may
 * differ from member to member, so it never decides about a commit: it warns, it withholds sending, and it proposes to
 * remove, with evidence that others can check.
 */
import { type Bytes, equalBytes } from '../bytes/bytes.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { RuleGroup } from '../ports/group-rules.ts'
import { Looks } from './confusable.ts'
import { type ContactPin, contactState, type SendRule, sendRule } from './contact-state.ts'
import { deviceCertExpired } from './device-cert.ts'
import { leafKeyHash } from './device-entry.ts'
import { type IdentityContext, type IdentityPolicy, identityContextOf } from './group-components.ts'
import type { RemovalEvidence, RotationProof } from './group-evidence.ts'
import { type LeafIdentity, type LeafReading, tryLeafIdentity } from './group-leaf.ts'
import { lastEpochOf, recordOf } from './group-rights.ts'
import type { VerifiedManifest } from './manifest.ts'
import { rootHash } from './root-keys.ts'

/** Something about one leaf. */
export interface GroupFact {
  readonly leafIndex: number
  /** Bare JID bytes; empty for a leaf that names nobody. */
  readonly account: Bytes
  readonly kind: /** Its root is not the one that is pinned. */
    | 'pin_mismatch'
    /** The account has moved to another root, and the leaf has not. */
    | 'old_root'
    /** The newest manifest names its key as revoked. */
    | 'revoked'
    /** A manifest that is newer than its certificate does not list it: somebody certified it behind the owner's back. */
    | 'unlisted'
    /** Its certificate has ended by the clock. */
    | 'expired'
    /** By the count of the group it may be removed by anybody. */
    | 'over'
    /** The policy of the group asks for more than the user has done. */
    | 'unverified'
    /** The list of its account was not renewed in time. */
    | 'stale'
    /** Its account is in trouble: another root, a rollback, two lists, a root in other hands. */
    | 'account'
    /** Its account looks like another one. */
    | 'confusable'
    /** Nothing is known of the account: read its node. */
    | 'unknown'
  /** What it means for sending to the group. */
  readonly sending: SendRule
  /** What to do by itself: remove the leaf, with this evidence where one is needed. */
  readonly remove?: { readonly evidence: RemovalEvidence | undefined }
}

/** What this member knows. */
export interface GroupKnowledge {
  /** Cipher suite 1. */
  readonly suite: CipherSuite
  /** Seconds since the Unix epoch. */
  readonly now: bigint
  /** The pin of an account (bare JID bytes). */
  readonly pin: (account: Uint8Array) => ContactPin | undefined
  /** Rotations of an account with their proof, oldest first: they lead from an old leaf's root to the newest manifest. */
  readonly rotations?: (account: Uint8Array) => readonly RotationProof[]
  /** The own account, bare JID bytes. */
  readonly own: Uint8Array
  /** Accounts that the user knows beside those of the group, for addresses that look alike. */
  readonly contacts?: Iterable<Uint8Array>
  readonly reading?: LeafReading
}

/** What is known of one leaf, and how long that holds. */
export interface LeafFacts {
  readonly facts: readonly GroupFact[]
  /** The last second for which they hold, if they end. */
  readonly until: bigint | undefined
  /** Whether they began at some second. */
  readonly dated: boolean
  /** The last epoch for which they hold, if they end. */
  readonly untilEpoch: bigint | undefined
}

/**
 * The facts about leaves: all of them, unless `leaves` names those that are new or about to speak. Costs are in the number of
 * leaves that are looked at; addresses that look alike are searched among these and the contacts. `GroupFactIndex` keeps the
 * facts of a whole group from epoch to epoch.
 */
export function groupFacts(group: RuleGroup, knowledge: GroupKnowledge, leaves?: Iterable<number>): GroupFact[] {
  const context = identityContextOf(group.extensions)
  if (context.policy === undefined) return []
  const reading = readingOf(context.policy, knowledge)
  const list = leaves === undefined ? [...group.tree.members()].map(([leafIndex]) => leafIndex) : [...leaves]
  const looks = new Looks([knowledge.own, ...(knowledge.contacts ?? [])])
  const facts: GroupFact[] = []
  for (const leafIndex of list) {
    const leaf = tryLeafIdentity(group.tree.leaf(leafIndex)?.leafNode, reading)
    if (leaf === undefined) continue
    const twin = looks.add(leaf.account)
    if (!equalBytes(twin, leaf.account)) facts.push(confusableFact(leafIndex, leaf))
    facts.push(...leafFacts(group, context, { leafIndex, leaf }, knowledge).facts)
  }
  return facts
}

/** How the leaves of a group are read. */
export function readingOf({ mode }: IdentityPolicy, { reading }: Pick<GroupKnowledge, 'reading'>): LeafReading {
  return reading ?? { mode, x509Device: undefined }
}

/** That an account looks like another one. */
export function confusableFact(leafIndex: number, { account }: LeafIdentity): GroupFact {
  return { leafIndex, account, kind: 'confusable', sending: 'warn' }
}

/** What all facts together mean for sending: the worst of them. */
export function sendingOf(facts: Iterable<GroupFact>): SendRule {
  let worst: SendRule = 'send'
  for (const { sending } of facts) {
    if (sending === 'block') return 'block'
    if (sending === 'warn') worst = 'warn'
  }
  return worst
}

type Add = (kind: GroupFact['kind'], sending: SendRule, remove?: GroupFact['remove']) => void

/** The facts about one leaf but for how its address looks: a function of the leaf, its account's pin, epoch and clock. */
export function leafFacts(
  group: RuleGroup,
  context: IdentityContext,
  { leafIndex, leaf }: { readonly leafIndex: number; readonly leaf: LeafIdentity },
  knowledge: GroupKnowledge,
): LeafFacts {
  const { policy } = context
  const { now } = knowledge
  const facts: GroupFact[] = []
  if (policy === undefined) return { facts, until: undefined, dated: false, untilEpoch: undefined }
  const add: Add = (kind, sending, remove) => {
    const fact = { leafIndex, account: leaf.account, kind, sending }
    facts.push(remove === undefined ? fact : { ...fact, remove })
  }
  const last = lastEpochOf(policy, context, leaf)
  const over = last !== undefined && group.epoch + 1n > last
  if (over) add('over', 'warn', { evidence: undefined })
  const pin = knowledge.pin(leaf.account)
  personalFacts(context, policy, leaf, { pin, knowledge }, add)
  const ends = [leaf.certificate?.cert.notAfter, pin?.head?.expiresAt].flatMap((end) => end ?? [])
  const coming = ends.filter((end) => now <= end).sort((a, b) => (a < b ? -1 : 1))
  return {
    facts,
    until: coming[0],
    dated: coming.length < ends.length,
    untilEpoch: over || last === undefined ? undefined : last - 1n,
  }
}

function personalFacts(
  context: IdentityContext,
  policy: IdentityPolicy,
  leaf: LeafIdentity,
  { pin, knowledge }: { readonly pin: ContactPin | undefined; readonly knowledge: GroupKnowledge },
  add: Add,
): void {
  const { now, own } = knowledge
  const cert = leaf.certificate?.cert
  if (cert !== undefined && deviceCertExpired(cert, now)) add('expired', 'warn')
  const self = equalBytes(leaf.account, own)
  if (pin === undefined || pin.trust === 'UNKNOWN') {
    add('unknown', policy.mode === 'tofu' || policy.mode === 'x509' ? 'send' : 'block')
    return
  }
  const trusted = policy.mode !== 'verified' || pin.trust === 'VERIFIED' || self
  if (!trusted) add('unverified', 'block')
  const state = contactState(pin, now)
  if (state === 'STALE') add('stale', sendRule(pin, now))
  else if (state !== pin.trust) add('account', sendRule(pin, now))
  if (cert === undefined) return
  const { head } = pin
  if (head === undefined) {
    const known = rootHash(knowledge.suite, { ed25519: cert.rootEd25519, mldsa65: undefined })
    // a hybrid root cannot be told from its half: the manifest must be read first
    if (pin.rootHash !== undefined && !equalBytes(known, pin.rootHash)) add('unknown', 'warn')
    return
  }
  manifestFacts(leaf, head, { context, pin, knowledge }, add)
}

function manifestFacts(
  leaf: LeafIdentity,
  head: VerifiedManifest,
  { context, pin, knowledge }: { context: IdentityContext; pin: ContactPin; knowledge: GroupKnowledge },
  add: Add,
): void {
  const cert = leaf.certificate?.cert
  if (cert === undefined) return
  const onHead = cert.generation === head.generation && equalBytes(cert.rootEd25519, head.root.ed25519)
  const hash = leafKeyHash(knowledge.suite, leaf.signatureKey)
  if (head.revoked.some((one) => equalBytes(one.deviceId, leaf.deviceId) && equalBytes(one.leafKeyHash, hash))) {
    const rotations = onHead ? [] : pathTo(knowledge.rotations?.(leaf.account) ?? [], leaf)
    const evidence: RemovalEvidence = { kind: 'revoked', manifest: head.bytes, rotations }
    add('revoked', 'block', onHead || rotations.length > 0 ? { evidence } : undefined)
    return
  }
  if (!onHead) {
    const older = cert.generation < head.generation
    if (older && recordOf(context.rotations, leaf) !== undefined) add('old_root', 'warn')
    else if (cert.generation > head.generation) add('unknown', 'warn')
    else add('pin_mismatch', pin.trust === 'TOFU' ? 'warn' : 'block')
    return
  }
  const listed = head.devices.some(
    (one) => equalBytes(one.deviceId, leaf.deviceId) && one.leafKeys.some((key) => equalBytes(key, leaf.signatureKey)),
  )
  if (!listed && head.seq >= BigInt(cert.manifestSeq)) add('unlisted', pin.trust === 'TOFU' ? 'warn' : 'block')
}

/** The rotations from the root of a leaf on. */
function pathTo(rotations: readonly RotationProof[], { certificate }: LeafIdentity): readonly RotationProof[] {
  const generation = certificate?.cert.generation
  return rotations.filter(({ statement }) => generation !== undefined && statement.oldGeneration >= generation)
}
