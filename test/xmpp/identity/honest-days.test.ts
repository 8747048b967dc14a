import { expect, test } from 'vitest'
import { honestDay } from './honest-days.ts'

/** Each of these once raised an alarm: races of rotations, of new devices, of readers. */
const seeds = ['2', '4', '8', '15', '16', '20', '29', '33']

test.each(seeds)('honest people do what they like at once, and nobody is alarmed: day %s', async (seed) => {
  const day = await honestDay(seed)
  expect(day).toEqual({ ...day, alarms: [], told: [], errors: [], state: 'VERIFIED', agreed: true })
})
