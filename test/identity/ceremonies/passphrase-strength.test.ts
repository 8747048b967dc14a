import fc from 'fast-check'
import { expect, test } from 'vitest'
import { minPassphraseBits, passphraseStrength } from '../../../src/identity/passphrase-strength.ts'
import { alice, anyText } from './support.ts'

const accepted = (passphrase: string) => passphraseStrength(passphrase, alice).accepted

test('five uncommon words, and random characters, are enough', () => {
  for (const strong of [
    'copper lantern giraffe velvet tundra',
    'Copper-Lantern-Giraffe-Velvet-Tundra',
    'xK7#qv9!TzR2mW&4pd',
    'kqzvxjwpmhrtbgdf',
    'медведь облако фонарь корабль зонтик',
    'Straßenbahn Gurke Elefant Wolke Kerze',
  ])
    expect(accepted(strong), strong).toBe(true)
})

test('what people choose is not', () => {
  for (const weak of [
    '',
    'password',
    'Password123!',
    'P@ssw0rd1990',
    'correct horse battery staple',
    'qwertyuiop asdfghjkl zxcvbnm',
    '123456789012345678901234567890',
    '11111111111111111111111111111111',
    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    'abcdefghijklmnopqrstuvwxyz',
    'giraffe giraffe giraffe giraffe giraffe giraffe',
    'alice example org alice example',
    'copper lantern giraffe velvet',
    'iloveyou 14.02.1990 iloveyou',
    '!!!!!!!!!!!!!!!!!!!!!!!!!',
  ])
    expect(accepted(weak), weak).toBe(false)
})

test('advice', () => {
  const advice = (passphrase: string) => passphraseStrength(passphrase, alice).advice
  expect(advice('copper lantern giraffe velvet tundra')).toBe('ok')
  expect(advice('copper lantern')).toBe('add_words')
  expect(advice('copper copper')).toBe('avoid_repetition')
  expect(advice('alice copper')).toBe('avoid_own_name')
})

test('a word more is never worth less, and one that was there is worth nothing', () => {
  fc.assert(
    fc.property(anyText(40), fc.stringMatching(/^[a-z]{3,10}$/), (text, word) => {
      const { bits, accepted: enough } = passphraseStrength(text, alice)
      expect(enough).toBe(bits >= minPassphraseBits)
      const more = passphraseStrength(`${text} ${word}`, alice).bits
      expect(more).toBeGreaterThanOrEqual(bits)
      expect(passphraseStrength(`${text} ${word} ${word}`, alice).bits).toBe(more)
    }),
  )
})
