/** What a contact's nodes, and peers in their place, show: the walk from the pin, and what does not fit. */
import { equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { conflictGrade, remember } from './chain.ts'
import { type ChainLog, type WalkEvent, walkChain } from './chain-walk.ts'
import { type Advance, type ContactPin, rejected } from './contact-state.ts'
import { datedAheadError, isDatedAhead } from './dated-ahead.ts'
import type { Finding } from './findings.ts'
import { identityLimits } from './limits.ts'
import type { VerifiedManifest } from './manifest.ts'
import { compareHeads, headOf } from './manifest-head.ts'

/** The account's node was read. @param now seconds since the Unix epoch */
export function published(
  suite: CipherSuite,
  pin: ContactPin,
  current: VerifiedManifest,
  log: ChainLog,
  now: bigint,
): Advance {
  if (!equalBytes(current.account, pin.account))
    return rejected(pin, new MlsError('identity/root', 'a manifest of another account', { rule: 'I030' }))
  // I063: a manifest from the future would look fresh for longer than any that follows
  const logged = log.manifests.filter((one) => equalBytes(one.account, pin.account) && !isDatedAhead(one, now))
  if (isDatedAhead(current, now)) return besideFuture(suite, pin, { ...log, manifests: logged })
  const manifests = [...logged, current]
  const start = startOf(pin, manifests)
  if (start === undefined) return anotherRoot(pin, current)
  try {
    return walked(suite, pin, start, current, { ...log, manifests })
  } catch (error) {
    if (error instanceof MlsError) return rejected(pin, error)
    throw error
  }
}

/** What the log says where the current manifest is from the future: whoever writes that one must not hide what follows the head. */
function besideFuture(suite: CipherSuite, pin: ContactPin, log: ChainLog): Advance {
  const refused = rejected(pin, datedAheadError())
  if (pin.head === undefined) return refused
  try {
    const found = walked(suite, pin, pin.head, undefined, log)
    return found.findings.length === 0 ? refused : found
  } catch (error) {
    if (error instanceof MlsError) return rejected(pin, error)
    throw error
  }
}

/** Where to start: the head, else the oldest manifest under the root that is believed, else what comes first. */
function startOf(pin: ContactPin, manifests: readonly VerifiedManifest[]): VerifiedManifest | undefined {
  if (pin.head !== undefined) return pin.head
  const { rootHash } = pin
  if (rootHash === undefined) return manifests.at(-1)
  const own = manifests.filter((one) => equalBytes(one.rootHash, rootHash))
  return own.reduce<VerifiedManifest | undefined>(
    (first, one) => (first === undefined || compareHeads(one, first) < 0 ? one : first),
    undefined,
  )
}

function walked(
  suite: CipherSuite,
  pin: ContactPin,
  start: VerifiedManifest,
  current: VerifiedManifest | undefined,
  log: ChainLog,
): Advance {
  const { head, events, conflicts } = walkChain(suite, start, log, {
    conflicts: pin.conflicts,
    strongOnly: pin.compromised,
  })
  const rotations = events.filter((event) => event.kind === 'rotated')
  const next: ContactPin = {
    ...pin,
    trust: pin.trust === 'UNKNOWN' ? 'TOFU' : pin.trust,
    rootHash: head.rootHash,
    head,
    conflicts,
    pastRoots: [...pin.pastRoots, ...rotations.map(({ from }) => from.rootHash)].slice(-identityLimits.pastRoots),
    // only an announced root takes over from one in other hands (I059); whatever is proven is no offer any more
    compromised: pin.compromised && rotations.length === 0,
    offered: pin.offered !== undefined && equalBytes(pin.offered.rootHash, head.rootHash) ? undefined : pin.offered,
  }
  const findings: Finding[] = events.flatMap(findingsOf)
  if (pin.head === undefined) findings.unshift({ kind: 'first_seen', head: headOf(start) })
  if (pin.conflicts.length > 0 && conflicts.length === 0) findings.push({ kind: 'settled' })
  return current === undefined ? { pin: next, findings } : compareShown(pin, next, current, findings)
}

function findingsOf(event: WalkEvent): Finding[] {
  switch (event.kind) {
    case 'advanced':
      return [
        { kind: 'advanced', from: headOf(event.from), to: headOf(event.to), gap: event.gap },
        ...deviceFindings(event.from, event.to),
      ]
    case 'rotated':
      return [
        { kind: 'rotated', generation: event.to.generation, strength: event.strength },
        ...deviceFindings(event.from, event.to),
      ]
    case 'conflict': {
      const [first, second] = [event.with, event.manifest]
      return [{ kind: 'equivocation', first, second, rule: event.rule, grade: conflictGrade(first, second) }]
    }
  }
}

function deviceFindings(from: VerifiedManifest, to: VerifiedManifest): Finding[] {
  const has = (manifest: VerifiedManifest, id: Uint8Array) =>
    manifest.devices.some(({ deviceId }) => equalBytes(deviceId, id))
  const added = to.devices.filter(({ deviceId }) => !has(from, deviceId))
  const left = from.devices.filter(({ deviceId }) => !has(to, deviceId))
  return [
    ...added.map(({ deviceId }): Finding => ({ kind: 'device_added', deviceId })),
    ...left.map(({ deviceId }): Finding => {
      const entry = to.revoked.find((one) => equalBytes(one.deviceId, deviceId))
      return { kind: 'device_removed', deviceId, reason: entry?.reason }
    }),
  ]
}

/** What the server calls current, against where the walk led, and what was known before. */
function compareShown(before: ContactPin, pin: ContactPin, current: VerifiedManifest, findings: Finding[]): Advance {
  const { head } = pin
  if (head === undefined || equalBytes(head.hash, current.hash)) return { pin: { ...pin, rolledBack: false }, findings }
  const known = before.head
  const isOld = known !== undefined && equalBytes(known.rootHash, current.rootHash) && compareHeads(current, known) < 0
  if (isOld) {
    const rollback: Finding = { kind: 'rollback', known: headOf(head), shown: headOf(current) }
    return { pin: { ...pin, rolledBack: true }, findings: [...findings, rollback] }
  }
  // a log that is ahead of the current item is the moment between two publications; less than was known is a rollback
  const between = known === undefined || equalBytes(known.rootHash, current.rootHash)
  if (between || equalBytes(head.rootHash, current.rootHash)) return { pin, findings }
  const other = anotherRoot(pin, current)
  return { pin: other.pin, findings: [...findings, ...other.findings] }
}

/** A root that nothing leads to from the one that is believed (I061). */
function anotherRoot(pin: ContactPin, manifest: VerifiedManifest): Advance {
  const { rootHash } = manifest
  if (pin.pastRoots.some((past) => equalBytes(past, rootHash))) {
    const rollback: Finding = { kind: 'rollback', known: pin.head && headOf(pin.head), shown: headOf(manifest) }
    return { pin: { ...pin, rolledBack: true }, findings: [rollback] }
  }
  return { pin: { ...pin, offered: { rootHash, manifest } }, findings: [{ kind: 'changed', rootHash }] }
}

/** A signed manifest came from a peer that contradicts the head, or not. */
export function contradicted(suite: CipherSuite, pin: ContactPin, manifest: VerifiedManifest): Advance {
  const own =
    pin.head !== undefined &&
    equalBytes(manifest.account, pin.account) &&
    equalBytes(manifest.rootHash, pin.head.rootHash)
  if (!own) return rejected(pin, new MlsError('identity/evidence', 'evidence about another root', { rule: 'I066' }))
  // I066: not the word of who sends it counts, but that the manifest does not fit
  const walk = walkChain(suite, pin.head, { manifests: [manifest], rotations: [] })
  const conflict = walk.events.some(({ kind }) => kind === 'conflict')
  if (!conflict) return { pin, findings: [] }
  const next = { ...pin, conflicts: remember(pin.conflicts, manifest) }
  return { pin: next, findings: walk.events.flatMap(findingsOf) }
}
