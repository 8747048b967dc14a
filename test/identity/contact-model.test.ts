/** Laws of the pin over random histories. */
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { equalBytes } from '../../src/bytes/bytes.ts'
import { advance, type ContactObservation } from '../../src/identity/contact.ts'
import { decodePin, encodePin } from '../../src/identity/contact-pin.ts'
import { type ContactPin, contactState, sendRule, unknownContact } from '../../src/identity/contact-state.ts'
import { compareHeads } from '../../src/identity/manifest-head.ts'
import { account, type Cases, makeCases, observations, shown } from './contact-cases.ts'
import { now, suite } from './fixture.ts'

let cases: Cases
let named: readonly ContactObservation[]
beforeAll(async () => {
  cases = await makeCases()
  named = Object.values(observations(cases))
})

const same = (a: Uint8Array | undefined, b: Uint8Array | undefined) =>
  a === b || (a !== undefined && b !== undefined && equalBytes(a, b))

/** An observation: a named one, or any manifest with any part of what exists as its log. */
const step = fc.oneof(
  fc.record({ name: fc.nat() }),
  fc.record({ current: fc.nat(), log: fc.uniqueArray(fc.nat(11), { maxLength: 6 }), rotations: fc.nat(3) }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function observation(one: Step): ContactObservation {
  if ('name' in one) return named[one.name % named.length]!
  const { line, fork, merge, future, rotated, afterRotation, thief, brokenFirst } = cases
  const pool = [...line, fork, merge, future, rotated, afterRotation, thief, brokenFirst]
  const rotations = [[], [cases.rotation], [cases.broken], [cases.broken, cases.rotation]][one.rotations]!
  return shown(
    pool[one.current % pool.length]!,
    rotations,
    one.log.map((i) => pool[i % pool.length]!),
  )
}

/** What must hold between a pin and the next. */
function laws(before: ContactPin, seen: ContactObservation, result: ReturnType<typeof advance>): void {
  const { pin, findings } = result
  const rotated = findings.some(({ kind }) => kind === 'rotated')
  const decided = seen.kind === 'verified' || seen.kind === 'accept_root'
  // I060: under one root a pin never goes back
  if (before.head !== undefined && same(before.rootHash, pin.rootHash) && pin.head !== undefined)
    expect(compareHeads(pin.head, before.head)).toBeGreaterThanOrEqual(0)
  // a head is kept once there is one, unless the user decided for a root without one
  if (before.head !== undefined && !decided) expect(pin.head).toBeDefined()
  // I061: another root comes by a proven rotation or by the user, who named it
  if (before.rootHash !== undefined && !same(before.rootHash, pin.rootHash)) {
    expect(rotated || decided).toBe(true)
    if (decided) expect(same(pin.rootHash, seen.rootHash)).toBe(true)
    // VERIFIED never survives an unproven change
    if (!rotated && seen.kind !== 'verified') expect(pin.trust).toBe('TOFU')
  }
  // trust rises by the user's doing alone
  const rank = ['UNKNOWN', 'TOFU', 'LINK_VERIFIED', 'VERIFIED']
  if (rank.indexOf(pin.trust) > rank.indexOf(before.trust))
    expect(pin.trust === 'TOFU' || seen.kind === 'verified' || seen.kind === 'invited').toBe(true)
  // I062: what is refused leaves the very same pin
  if (findings.some(({ kind }) => kind === 'rejected')) expect(pin).toBe(before)
  // a root in other hands: nothing but an announced root or the user ends it
  if (before.compromised && !pin.compromised)
    expect(decided || findings.some((one) => one.kind === 'rotated' && one.strength === 'strong')).toBe(true)
  // trouble with a root that was compared stops messages
  const trouble = ['EQUIVOCATION', 'CHANGED', 'ROLLBACK', 'COMPROMISED'].includes(contactState(pin, now))
  if (trouble && pin.trust !== 'TOFU') expect(sendRule(pin, now)).toBe('block')
  // the head is of the pinned root and account
  if (pin.head !== undefined) {
    expect(same(pin.head.rootHash, pin.rootHash)).toBe(true)
    expect(same(pin.head.account, account)).toBe(true)
  }
  if (pin.trust !== 'UNKNOWN') expect(pin.rootHash).toBeDefined()
}

test('I060 I061 I062 laws of the pin, over random histories', () => {
  const trusts = new Set<string>()
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
      let pin = unknownContact(account)
      for (const one of steps) {
        const seen = observation(one)
        const result = advance(suite, pin, seen, now)
        laws(pin, seen, result)
        pin = result.pin
        trusts.add(contactState(pin, now))
      }
    }),
    { numRuns: 300 },
  )
  // the histories are not all alike
  expect(trusts.size).toBeGreaterThanOrEqual(7)
})

test('a pin and its bytes go on alike', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), step, (steps, last) => {
      const pin = steps.reduce(
        (before, one) => advance(suite, before, observation(one), now).pin,
        unknownContact(account),
      )
      const restored = decodePin(suite, encodePin(pin))
      expect(advance(suite, restored, observation(last), now).pin).toEqual(
        advance(suite, pin, observation(last), now).pin,
      )
    }),
    { numRuns: 40 },
  )
})

test('the order of a log does not matter', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7]), (order) => {
      const pool = [...cases.line, cases.fork, cases.merge]
      const start = advance(suite, unknownContact(account), shown(cases.line[0]!), now).pin
      const sorted = [...order].sort((a, b) => a - b)
      const [a, b] = [order, sorted].map((log) =>
        advance(
          suite,
          start,
          shown(
            cases.line[5]!,
            [],
            log.map((i) => pool[i]!),
          ),
          now,
        ),
      )
      expect(a!.pin).toEqual(b!.pin)
    }),
    { numRuns: 60 },
  )
})
