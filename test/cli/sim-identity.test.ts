import { expect, test } from 'vitest'
import { figureLines, figuresHold, identityFigures } from '../../scripts/sim-identity.ts'

// the command runs 20 and 50
test('6 devices, 8 contacts: 6 certificates, no question, no message of trust', async () => {
  const size = { devices: 6, contacts: 8 }
  const figures = await identityFigures(size)
  expect(figures).toEqual({
    devices: 6,
    verified: 8,
    comparisons: 8,
    certificates: 6,
    certificateBytes: 6 * 226,
    questions: 0,
    trustMessages: 0,
    pairwise: 48,
  })
  expect(figuresHold(figures, size)).toBe(true)
  expect(figuresHold({ ...figures, questions: 1 }, size)).toBe(false)
  expect(figureLines(figures).join('\n')).toContain('6  device certificates, 1356 bytes in all, 226 each')
})
