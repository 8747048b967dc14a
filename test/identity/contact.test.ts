/** The pin of a contact: every state against every observation, with what comes of it written down. */
import { beforeAll, describe, expect, test } from 'vitest'
import { advance, type ContactObservation } from '../../src/identity/contact.ts'
import { decodePin, encodePin } from '../../src/identity/contact-pin.ts'
import { type ContactPin, contactState, sendRule, unknownContact } from '../../src/identity/contact-state.ts'
import { loudnessOf } from '../../src/identity/findings.ts'
import type { VerifiedManifest } from '../../src/identity/manifest.ts'
import { contactSentences, findingSentence, sendSentences } from '../../src/identity/sentences.ts'
import { account, type Cases, makeCases, observations, shown } from './contact-cases.ts'
import { codeOf, day, following, now, ruleOf, signed, signerOf, suite } from './fixture.ts'

let cases: Cases
let seen: Readonly<Record<string, ContactObservation>>
beforeAll(async () => {
  cases = await makeCases()
  seen = observations(cases)
})

/** The pin after observations by name. */
function pinAfter(names: string, from: ContactPin = unknownContact(account)): ContactPin {
  return names.split(' ').reduce((pin, name) => advance(suite, pin, seen[name]!, now).pin, from)
}
const findings = (pin: ContactPin, name: string) =>
  advance(suite, pin, seen[name]!, now).findings.map((finding) =>
    finding.kind === 'rejected' ? finding.error.rule : finding.kind,
  )
const state = (pin: ContactPin) => contactState(pin, now)

/** How a pin at `line[2]` comes to its trust. */
const roads = { TOFU: 'same', LINK_VERIFIED: 'invitedSame same', VERIFIED: 'same verifiedSame' } as const
/** How it comes to its trouble. */
const troubles = { ROLLBACK: 'older', EQUIVOCATION: 'fork', CHANGED: 'otherRoot', COMPROMISED: 'compromised' } as const

describe('from nothing', () => {
  test.each([
    ['same', 'TOFU'],
    ['invitedSame', 'LINK_VERIFIED'],
    ['verifiedSame', 'VERIFIED'],
    ['invitedSame same', 'LINK_VERIFIED'],
    ['verifiedSame same', 'VERIFIED'],
    ['verifiedSame otherRoot', 'CHANGED'],
    ['invitedSame otherRoot', 'CHANGED'],
    // the root that was verified is followed from the log through its rotation
    ['verifiedNext rotation', 'VERIFIED'],
    ['headNewer', 'UNKNOWN'],
    ['certificate', 'UNKNOWN'],
    ['drop', 'UNKNOWN'],
    ['keep', 'UNKNOWN'],
    ['compromised', 'UNKNOWN'],
    ['contradicted', 'UNKNOWN'],
    ['acceptOther', 'UNKNOWN'],
    ['otherAccount', 'UNKNOWN'],
    ['future', 'UNKNOWN'],
  ])('%s: %s', (road, expected) => {
    expect(state(pinAfter(road))).toBe(expected)
  })
  test('a verified old root is followed to the new one when the log leads there', () => {
    const pin = advance(
      suite,
      pinAfter('verifiedSame'),
      shown(cases.afterRotation, [cases.rotation], [cases.line[1]!, cases.line[2]!, cases.rotated]),
      now,
    ).pin
    expect(state(pin)).toBe('VERIFIED')
    expect(pin.head).toBe(cases.afterRotation)
  })
})

describe('from a pinned root, each observation', () => {
  const same = ['TOFU', 'LINK_VERIFIED', 'VERIFIED'] as const
  const all = (name: string) => [name, name, name] as const
  const table: Readonly<Record<string, readonly [string, string, string]>> = {
    same,
    next: same,
    gap: same,
    rotation: same,
    rotationLater: same,
    older: all('ROLLBACK'),
    fork: all('EQUIVOCATION'),
    contradicted: all('EQUIVOCATION'),
    merge: same,
    otherRoot: all('CHANGED'),
    rotationWithoutStatement: all('CHANGED'),
    brokenRotation: all('CHANGED'),
    compromised: all('COMPROMISED'),
    verifiedSame: all('VERIFIED'),
    verifiedOther: all('VERIFIED'),
    verifiedNext: all('VERIFIED'),
    invitedSame: ['LINK_VERIFIED', 'LINK_VERIFIED', 'VERIFIED'],
    drop: all('TOFU'),
    // nothing changes
    future: same,
    otherAccount: same,
    invitedOther: same,
    compromisedOther: same,
    contradictedNot: same,
    contradictedOther: same,
    acceptOther: same,
    keep: same,
    headSame: same,
    headNewer: same,
    headOlder: same,
    headConflict: same,
    headOtherAccount: same,
    certificate: same,
    certificateNext: same,
    certificateOther: same,
  }
  test('the table names every observation', () => {
    expect(Object.keys(table).sort()).toEqual(Object.keys(seen).sort())
  })
  test.each(Object.entries(table))('%s', (name, expected) => {
    expect(Object.values(roads).map((road) => state(pinAfter(`${road} ${name}`)))).toEqual(expected)
  })
  test('time alone makes it stale, and a fresh manifest mends that', () => {
    for (const road of Object.values(roads)) {
      const pin = pinAfter(road)
      const late = pin.head!.expiresAt + 1n
      expect(contactState(pin, late - 1n)).toBe(pin.trust)
      expect(contactState(pin, late)).toBe('STALE')
      expect(sendRule(pin, late)).toBe('warn')
    }
  })
})

describe('from trouble, each observation, by a verified contact', () => {
  const table: Readonly<
    Record<string, readonly [rollback: string, fork: string, changed: string, compromised: string]>
  > = {
    same: ['VERIFIED', 'EQUIVOCATION', 'CHANGED', 'COMPROMISED'],
    next: ['VERIFIED', 'EQUIVOCATION', 'CHANGED', 'COMPROMISED'],
    gap: ['VERIFIED', 'EQUIVOCATION', 'CHANGED', 'COMPROMISED'],
    merge: ['VERIFIED', 'VERIFIED', 'CHANGED', 'COMPROMISED'],
    rotation: ['VERIFIED', 'VERIFIED', 'CHANGED', 'VERIFIED'],
    rotationLater: ['VERIFIED', 'VERIFIED', 'CHANGED', 'VERIFIED'],
    older: ['ROLLBACK', 'EQUIVOCATION', 'CHANGED', 'COMPROMISED'],
    fork: ['EQUIVOCATION', 'EQUIVOCATION', 'EQUIVOCATION', 'COMPROMISED'],
    contradicted: ['EQUIVOCATION', 'EQUIVOCATION', 'EQUIVOCATION', 'COMPROMISED'],
    otherRoot: ['CHANGED', 'EQUIVOCATION', 'CHANGED', 'COMPROMISED'],
    rotationWithoutStatement: ['CHANGED', 'EQUIVOCATION', 'CHANGED', 'COMPROMISED'],
    brokenRotation: ['CHANGED', 'EQUIVOCATION', 'CHANGED', 'COMPROMISED'],
    compromised: ['COMPROMISED', 'COMPROMISED', 'COMPROMISED', 'COMPROMISED'],
    verifiedSame: ['ROLLBACK', 'VERIFIED', 'VERIFIED', 'COMPROMISED'],
    verifiedOther: ['VERIFIED', 'VERIFIED', 'VERIFIED', 'VERIFIED'],
    verifiedNext: ['VERIFIED', 'VERIFIED', 'VERIFIED', 'VERIFIED'],
    acceptOther: ['ROLLBACK', 'EQUIVOCATION', 'TOFU', 'COMPROMISED'],
    keep: ['ROLLBACK', 'EQUIVOCATION', 'VERIFIED', 'COMPROMISED'],
  }
  for (const name of [
    ...['drop', 'future', 'otherAccount', 'invitedSame', 'invitedOther', 'compromisedOther', 'contradictedNot'],
    ...['contradictedOther', 'headSame', 'headNewer', 'headOlder', 'headConflict', 'headOtherAccount'],
    ...['certificate', 'certificateNext', 'certificateOther'],
  ])
    Object.assign(table, { [name]: Object.keys(troubles) })
  test('the table names every observation', () => {
    expect(Object.keys(table).sort()).toEqual(Object.keys(seen).sort())
  })
  test.each(Object.entries(table))('%s', (name, expected) => {
    expect(Object.values(troubles).map((way) => state(pinAfter(`${roads.VERIFIED} ${way} ${name}`)))).toEqual(expected)
  })
  test('what it means for sending', () => {
    const rules = Object.values(roads).map((road) =>
      Object.values(troubles).map((way) => sendRule(pinAfter(`${road} ${way}`), now)),
    )
    const blocked = ['block', 'block', 'block', 'block']
    expect(rules).toEqual([['warn', 'warn', 'warn', 'block'], blocked, blocked])
    for (const road of Object.values(roads)) expect(sendRule(pinAfter(road), now)).toBe('send')
  })
})

describe('rules', () => {
  test('I029 I030 I063 input that is refused, by rule', () => {
    const pin = pinAfter(roads.VERIFIED)
    expect(findings(pin, 'otherAccount')).toEqual(['I030'])
    expect(findings(pin, 'headOtherAccount')).toEqual(['I030'])
    expect(findings(pin, 'future')).toEqual(['I063'])
    expect(findings(pin, 'contradictedOther')).toEqual(['I066'])
  })
  test('I060 the head never goes back, whatever is shown', () => {
    for (const name of ['older', 'fork', 'otherRoot', 'headOlder', 'contradictedNot'])
      expect(pinAfter(`${roads.VERIFIED} ${name}`).head).toBe(cases.line[2])
  })
  test('a log ahead of the current item is no rollback, until it stays so', () => {
    const between = shown(cases.line[3]!, [], cases.line)
    const first = advance(suite, pinAfter(roads.TOFU), between, now)
    expect(state(first.pin)).toBe('TOFU')
    expect(first.pin.head).toBe(cases.line[5])
    expect(state(advance(suite, first.pin, between, now).pin)).toBe('ROLLBACK')
    const rotating = shown(cases.line[2]!, [cases.rotation], [cases.rotated])
    const second = advance(suite, pinAfter(roads.TOFU), rotating, now)
    expect(state(second.pin)).toBe('TOFU')
    expect(second.pin.head).toBe(cases.rotated)
    expect(state(advance(suite, second.pin, rotating, now).pin)).toBe('ROLLBACK')
  })
  test('I061 a root is accepted by name, and the verification ends', () => {
    const pin = pinAfter(`${roads.VERIFIED} otherRoot`)
    expect(findings(pinAfter(roads.VERIFIED), 'acceptOther')).toEqual(['I061'])
    const wrong = advance(suite, pin, { kind: 'accept_root', rootHash: cases.rotated.rootHash }, now)
    expect(wrong.pin).toBe(pin)
    const accepted = pinAfter('acceptOther', pin)
    expect(accepted).toMatchObject({ trust: 'TOFU', head: cases.thief, offered: undefined })
  })
  test('I062 what does not hold leaves the very same pin', () => {
    const pin = pinAfter(roads.VERIFIED)
    for (const name of ['otherAccount', 'future', 'headOtherAccount', 'contradictedOther', 'acceptOther'])
      expect(advance(suite, pin, seen[name]!, now).pin).toBe(pin)
  })
  test('I063 a manifest from the future, by the clock', () => {
    const pin = pinAfter(roads.TOFU)
    const at = cases.future.issuedAt - day
    expect(advance(suite, pin, seen['future']!, at).pin.head).toBe(cases.future)
    expect(advance(suite, pin, seen['future']!, at - 1n).pin).toBe(pin)
    // nor through the log
    const log = shown(cases.line[2]!, [], [cases.future])
    expect(advance(suite, pin, log, now).pin.head).toBe(cases.line[2])
  })
  test('I064 a head of others changes nothing, it asks', () => {
    const pin = pinAfter(roads.VERIFIED)
    expect(findings(pin, 'headNewer')).toEqual(['fetch'])
    expect(findings(pin, 'headOlder')).toEqual(['behind'])
    expect(findings(pin, 'headConflict')).toEqual(['head_conflict'])
    expect(findings(pin, 'headSame')).toEqual(['confirmed'])
    for (const name of ['headNewer', 'headConflict']) expect(pinAfter(name, pin)).toBe(pin)
    expect(findings(unknownContact(account), 'headNewer')).toEqual(['fetch'])
  })
  test('I065 a link raises trust in the root that is pinned, and never replaces it', () => {
    expect(findings(pinAfter(roads.TOFU), 'invitedOther')).toEqual(['link_mismatch'])
    expect(pinAfter('invitedOther', pinAfter(roads.TOFU)).rootHash).toEqual(cases.line[2]!.rootHash)
  })
  test('I066 evidence counts for what it shows, not for who sends it', () => {
    const pin = pinAfter(roads.TOFU)
    expect(findings(pin, 'contradictedNot')).toEqual([])
    expect(findings(pin, 'contradicted')).toEqual(['equivocation'])
    expect(findings(unknownContact(account), 'contradicted')).toEqual(['I066'])
  })
  test('two lists after the same one are a warning, other contradictions an alarm', async () => {
    const tell = (one: VerifiedManifest) =>
      advance(suite, pinAfter(roads.VERIFIED), shown(one), now).findings.map((finding) => [
        finding.kind,
        loudnessOf(finding),
      ])
    expect(tell(cases.fork)).toEqual([['equivocation', 'warning']])
    const by = { kind: 'ops', ops: signerOf('alice ops 0') } as const
    const robbed = await signed(following(cases.line[2]!, { devices: cases.line[2]!.devices.slice(1) }), by)
    expect(tell(robbed)).toEqual([['equivocation', 'alarm']])
  })
  test('I067 a root that was replaced is not verified again', () => {
    const pin = pinAfter(`${roads.VERIFIED} rotation`)
    expect(findings(pin, 'verifiedSame')).toEqual(['I067'])
    // and its manifests are old, not changed
    expect(findings(pin, 'next')).toEqual(['rollback'])
    expect(findings(pin, 'certificate')).toEqual(['certificate_of_other_root'])
  })
  test('I059 a root in other hands is followed by the announced one alone', () => {
    expect(state(pinAfter(`${roads.VERIFIED} compromised rotation`))).toBe('VERIFIED')
    expect(state(pinAfter(`${roads.VERIFIED} compromised brokenRotation`))).toBe('COMPROMISED')
  })
  test('an offer that is proven later is no trouble any more', () => {
    expect(state(pinAfter(`${roads.VERIFIED} rotationWithoutStatement`))).toBe('CHANGED')
    expect(state(pinAfter(`${roads.VERIFIED} rotationWithoutStatement rotation`))).toBe('VERIFIED')
  })
  test('honest devices ask nobody anything', () => {
    const { findings: told } = advance(suite, pinAfter(roads.VERIFIED), seen['next']!, now)
    expect(told.map((finding) => [finding.kind, loudnessOf(finding)])).toEqual([
      ['advanced', 'silent'],
      ['device_added', 'note'],
    ])
    expect(findings(pinAfter(roads.VERIFIED), 'gap').filter((kind) => kind === 'device_added')).toHaveLength(3)
    expect(findings(pinAfter(roads.TOFU), 'rotation')).toEqual(['rotated'])
    expect(findings(pinAfter(`${roads.TOFU} fork`), 'merge')).toEqual(['advanced', 'device_added', 'settled'])
    // who looks when both sides and their merge are there was never told of anything
    const repaired = shown(cases.merge, [], [cases.line[2]!, cases.fork])
    for (const from of [cases.line[1]!, cases.line[2]!]) {
      const pin = advance(suite, unknownContact(account), shown(from), now).pin
      const after = advance(suite, pin, repaired, now)
      expect(state(after.pin)).toBe('TOFU')
      expect(after.findings.map(loudnessOf).filter((one) => one === 'warning' || one === 'alarm')).toEqual([])
    }
    expect(findings(unknownContact(account), 'same')).toEqual(['first_seen'])
    expect(findings(pinAfter(roads.TOFU), 'verifiedSame')).toEqual(['verified'])
    expect(findings(pinAfter(roads.TOFU), 'certificateNext')).toEqual(['fetch'])
    expect(findings(unknownContact(account), 'certificate')).toEqual(['fetch'])
  })
})

describe('as bytes', () => {
  test('every pin comes back', () => {
    for (const road of ['headSame', ...Object.values(roads)])
      for (const way of ['headSame', ...Object.values(troubles), 'rotation', 'verifiedOther']) {
        const pin = pinAfter(`${road} ${way}`)
        expect(decodePin(suite, encodePin(pin))).toEqual(pin)
      }
  })
  test('I068 I004 pins of other forms', async () => {
    const bytes = encodePin(pinAfter(roads.TOFU))
    const bent = (at: number, value: number) => {
      const copy = bytes.slice()
      copy[at] = value
      return ruleOf(() => decodePin(suite, copy))
    }
    expect(await bent(0, 2)).toBe('I004')
    // the trust stands after version, length and name
    expect(await bent(2 + account.length, 4)).toBe('I068')
    expect(await codeOf(() => decodePin(suite, bytes.subarray(0, -1)))).toBe('codec/short')
    expect(await codeOf(() => decodePin(suite, new Uint8Array(0)))).toBe('identity/version')
  })
})

test('one sentence for each state and each loud finding', () => {
  for (const sentence of [...Object.values(contactSentences), ...Object.values(sendSentences)])
    expect(sentence).toMatch(/^[A-Z].+\.$/)
  for (const name of Object.keys(seen))
    for (const finding of advance(suite, pinAfter(roads.VERIFIED), seen[name]!, now).findings)
      if (loudnessOf(finding) !== 'silent') expect(findingSentence(finding)).toMatch(/\.$/)
})
