import { describe, expect, test } from 'vitest'
import { type Audience, play } from '../../scripts/demo-scenario.ts'
import { openStage } from '../../scripts/demo-stage.ts'
import type { ServerView } from '../../scripts/demo-tap.ts'

/** Plays the demo for a test. */
async function told(room: 'muc' | 'mix') {
  const people: string[] = []
  const server: ServerView[] = []
  const wide: string[] = []
  const scenes: string[] = []
  const audience: Audience = {
    scene: (title) => scenes.push(title),
    people: (line) => people.push(line),
    server: (view) => server.push(view),
    wide: (lines) => wide.push(...lines),
  }
  const stage = await openStage({ server: 'embedded', room })
  try {
    const outcome = await play(stage, audience)
    return { outcome, people: people.join('\n'), server, wide: wide.join('\n'), scenes }
  } finally {
    await stage.close()
  }
}

const good = {
  ...{ agree: true, verified: true, repaired: true },
  ...{ readable: [], unsealed: [], leaked: 0 },
}

describe('the demo', () => {
  test('in a room: everybody reads what they may, the server reads nothing', async () => {
    const { outcome, people, server, wide, scenes } = await told('muc')
    expect(outcome).toMatchObject(good)
    expect(outcome.texts).toHaveLength(8)
    expect(outcome.searched.bytes).toBeGreaterThan(10_000)
    expect(scenes).toHaveLength(8)
    for (const line of [
      '  1 alice ✓: The garden party is on Saturday at six.',
      '  2 bob answers #1: I bring the lemonade.',
      '    carol 🎉 to #2',
      '  ! withheld from bob/tablet',
      'alice removed carol',
      'this device was removed from the group',
      'You have compared the identity of this person yourself.',
      '  4 alice ✓: Bring a torch, it gets dark early.',
    ])
      expect(people).toContain(line)
    expect(people).toMatch(/alice ✓ (joined with one more device|is back)/)
    expect(wide).toMatch(/alice +alice ✓ +bob ✓/)
    expect(wide).toMatch(/phone +laptop +tablet/)
    const sent = JSON.stringify(server)
    for (const text of outcome.texts) expect(sent).not.toContain(text)
    // a device comes back by what commits have left in the archive: nobody is asked
    expect(new Set(server.map(({ element }) => element))).toEqual(
      new Set(['manifest', 'certificates', 'backup', 'link', 'keypackages', 'handshake', 'welcome', 'encrypted']),
    )
  })

  test('in a channel', async () => {
    const { outcome } = await told('mix')
    expect(outcome).toMatchObject(good)
  })

  test('Prosody has no channels, and the demo says so', async () => {
    await expect(openStage({ server: 'prosody', room: 'mix' })).rejects.toThrow(/ejabberd/)
  })
})
