import { expect, test } from 'vitest'
import { ChangeLog } from '../../../src/xmpp/identity/change-log.ts'

test('tells each account that changed since, once, and says so when it has forgotten', () => {
  const log = new ChangeLog()
  expect([log.version, [...log.since(0)!]]).toEqual([0, []])
  for (const account of ['a', 'b', 'a']) log.note(account)
  const seen = log.version
  expect([...log.since(0)!].sort()).toEqual(['a', 'b'])
  expect([...log.since(seen)!]).toEqual([])
  for (let i = 0; i < 4093; i++) log.note(`c${i}`)
  expect([...log.since(seen)!].length).toBe(4093)
  log.note('d')
  expect(log.since(seen)).toBeUndefined()
  expect(log.version).toBe(4097)
  expect([...log.since(4095)!]).toEqual(['c4092', 'd'])
})
