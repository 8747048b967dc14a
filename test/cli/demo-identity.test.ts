import { expect, test } from 'vitest'
import { identityHolds, playIdentity } from '../../scripts/demo-identity.ts'
import type { Audience } from '../../scripts/demo-scenario.ts'
import { openStage } from '../../scripts/demo-stage.ts'

test('the story of an identity: second device, one scan, ghost, rollback, theft, recovery', async () => {
  const people: string[] = []
  const scenes: string[] = []
  const wide: string[] = []
  const server: string[] = []
  const audience: Audience = {
    scene: (title) => scenes.push(title),
    people: (line) => people.push(line),
    server: ({ element }) => server.push(element),
    wide: (lines) => wide.push(...lines),
  }
  const stage = await openStage({ server: 'embedded', room: 'muc' })
  try {
    const outcome = await playIdentity(stage, audience)
    expect(outcome).toEqual({
      verified: true,
      inherited: true,
      ghost: { listRefused: true, keptOut: true, notInvited: true },
      rollback: { caught: true, blocked: true, over: true },
      thief: { noticed: true, revoked: true, out: true },
      still: true,
      leaked: 0,
      prompts: 0,
    })
    expect(identityHolds(outcome)).toBe(true)
    expect(identityHolds({ ...outcome, leaked: 1 })).toBe(false)
    expect(identityHolds({ ...outcome, thief: { ...outcome.thief, out: false } })).toBe(false)
  } finally {
    await stage.close()
  }
  expect(scenes).toHaveLength(8)
  const told = people.join('\n')
  for (const line of [
    'Your recovery code. Write it down now',
    'not signed by Alice: not used',
    'The server shows an old list of devices of this person.',
    'Messages wait until you have decided.',
    'This person has renewed their identity; the old one confirms it.',
    'alice ✓ Yes. It is me, and only me.',
  ])
    expect(told).toContain(line)
  expect(wide.filter((line) => /^█/.test(line)).length).toBeGreaterThan(20)
  expect(new Set(server)).toEqual(
    new Set([
      'manifest',
      'certificates',
      'backup',
      'link',
      'rotation',
      'keypackages',
      'handshake',
      'welcome',
      'encrypted',
      'request',
    ]),
  )
})
