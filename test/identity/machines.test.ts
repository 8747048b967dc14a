/** The machines of own devices and the own root: every state against every event. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MlsError } from '../../src/bytes/errors.ts'
import { mayCertify, ownDeviceEvents, ownDeviceStates, ownDeviceStep } from '../../src/identity/own-device.ts'
import {
  noRoot,
  type OwnRoot,
  type RootState,
  rootEvents,
  rootStates,
  rootStep,
} from '../../src/identity/root-state.ts'
import { ownDeviceSentences, rootSentences } from '../../src/identity/sentences.ts'

/** What a step leads to, or the rule that forbids it. */
function attempt(work: () => string): string {
  try {
    return work()
  } catch (error) {
    if (error instanceof MlsError) return error.rule === undefined ? error.code : `- ${error.rule}`
    throw error
  }
}

/** Rows of the design: state, then the events that it allows and where they lead. */
const devices: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  FRESH: { link_started: 'PENDING', created: 'ACTIVE' },
  PENDING: { link_failed: 'FRESH', certified: 'PROBATION', created: 'ACTIVE' },
  PROBATION: {
    probation_over: 'ACTIVE',
    renewed: 'PROBATION',
    retired: 'RETIRED',
    revoked: 'REVOKED',
    anchor_regressed: 'CLONED',
  },
  ACTIVE: { renewed: 'ACTIVE', retired: 'RETIRED', revoked: 'REVOKED', anchor_regressed: 'CLONED' },
  RETIRED: { link_started: 'PENDING' },
  REVOKED: { link_started: 'PENDING' },
  CLONED: { renewed_leaf: 'ACTIVE', retired: 'RETIRED', revoked: 'REVOKED', anchor_regressed: 'CLONED' },
}
const roots: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  NONE: { created: 'CREATED' },
  CREATED: { code_saved: 'SAVED', lost: 'LOST', compromised: 'COMPROMISED' },
  ...Object.fromEntries(
    ['SAVED', 'SEALED', 'HELD', 'ACTIVE', 'RECOVERED'].map((state) => [
      state,
      { sealed: 'SEALED', held: 'HELD', rotation_started: 'ROTATING', lost: 'LOST', compromised: 'COMPROMISED' },
    ]),
  ),
  ROTATING: { rotation_published: 'ACTIVE', rotation_failed: 'HELD', lost: 'LOST', compromised: 'COMPROMISED' },
  LOST: { reset: 'RESET' },
  RESET: { code_saved: 'SAVED', lost: 'LOST', compromised: 'COMPROMISED' },
  COMPROMISED: { recovered: 'RECOVERED', lost: 'LOST' },
}

describe('I093 own devices', () => {
  test.each([...ownDeviceStates])('%s', (state) => {
    for (const event of ownDeviceEvents)
      expect([event, attempt(() => ownDeviceStep(state, event).state)]).toEqual([
        event,
        devices[state]?.[event] ?? '- I093',
      ])
  })
  test('a copy wipes its ratchets and takes a new leaf; who is out wipes its keys', () => {
    for (const state of ['PROBATION', 'ACTIVE', 'CLONED'] as const) {
      expect(ownDeviceStep(state, 'anchor_regressed').actions).toEqual(
        expect.arrayContaining(['wipe_ratchets', 'new_leaf', 'delete_key_packages']),
      )
      for (const event of ['retired', 'revoked'] as const)
        expect(ownDeviceStep(state, event).actions).toEqual(
          expect.arrayContaining(['wipe_ratchets', 'wipe_identity_keys', 'delete_key_packages']),
        )
    }
    expect(ownDeviceStep('PENDING', 'certified').actions).toContain('notify_own_devices')
  })
  test('one that was never certified has nothing to publish, one on probation certifies nobody', () => {
    expect(ownDeviceStates.filter(mayCertify)).toEqual(['ACTIVE'])
  })
})

describe('I094 the own root', () => {
  test.each([...rootStates])('%s', (state) => {
    const root: OwnRoot = { state, generation: 4, before: 'HELD' }
    for (const event of rootEvents)
      expect([event, attempt(() => rootStep(root, event).state)]).toEqual([event, roots[state]?.[event] ?? '- I094'])
  })
  test('a rotation that fails goes back to where it began', () => {
    for (const state of ['SAVED', 'SEALED', 'HELD', 'ACTIVE', 'RECOVERED'] as const) {
      const rotating = rootStep({ state, generation: 1, before: state }, 'rotation_started')
      expect(rootStep(rotating, 'rotation_failed')).toMatchObject({ state, generation: 1 })
      expect(rootStep(rotating, 'rotation_published')).toMatchObject({ state: 'ACTIVE', generation: 2 })
    }
  })
  test('the generation grows with each new root and never falls; a code that was not saved is not held', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...rootEvents), { maxLength: 30 }), (events) => {
        let root = noRoot
        const seen: RootState[] = []
        for (const event of events) {
          const before = root
          attempt(() => {
            root = rootStep(root, event)
            return root.state
          })
          const turned = root !== before && ['rotation_published', 'reset', 'recovered'].includes(event)
          expect(root.generation).toBe(before.generation + (turned ? 1 : 0))
          seen.push(root.state)
        }
        const kept = seen.findIndex((state) => state === 'HELD' || state === 'SEALED')
        if (kept >= 0)
          expect(seen.slice(0, kept).some((state) => state === 'SAVED' || state === 'RECOVERED')).toBe(true)
      }),
    )
  })
})

test('one sentence for each state', () => {
  expect(Object.keys(ownDeviceSentences).sort()).toEqual([...ownDeviceStates].sort())
  expect(Object.keys(rootSentences).sort()).toEqual([...rootStates].sort())
  const all = [...Object.values(ownDeviceSentences), ...Object.values(rootSentences)]
  for (const sentence of all) expect(sentence).toMatch(/^[A-Z][^\n]+\.$/)
  expect(new Set(all).size).toBe(all.length)
})
