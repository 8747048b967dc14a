import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answerEmoji, startEmoji, verifyEmojiLifetime } from '../../../src/identity/verify-emoji.ts'
import { verifyEmojiList } from '../../../src/identity/verify-emoji-list.ts'
import { alice, bob, carol, codeOf, labelled, now, sha256, suite } from './support.ts'

const root = (byte: number) => new Uint8Array(32).fill(byte)
const a = { account: alice, rootHash: root(1) }
const b = { account: bob, rootHash: root(2) }

describe('emoji', () => {
  test('both sides see the same seven, as computed a second time', () => {
    const starter = startEmoji(suite, { own: a, peer: b }, now)
    const answerer = answerEmoji(suite, starter.start, { own: b, peer: a }, now)
    const { reveal, emoji } = starter.reveal(answerer.answer, now + 5n)
    expect(answerer.open(reveal, now + 9n)).toEqual(emoji)

    const [start, answer, opened] = [starter.start, answerer.answer, reveal].map((bytes) => Buffer.from(bytes))
    expect([start, answer, opened].map((bytes) => bytes!.length)).toEqual([49, 49, 49])
    const session = start!.subarray(1, 17)
    expect(start!.subarray(17)).toEqual(sha256(labelled('Emoji Commitment', session, alice, bob, opened!.subarray(17))))
    const hash = sha256(
      labelled('Emoji', session, alice, root(1), bob, root(2), opened!.subarray(17), answer!.subarray(17)),
    )
    const bits = [...hash].map((byte) => byte.toString(2).padStart(8, '0')).join('')
    const expected = Array.from(
      { length: 7 },
      (_, i) => verifyEmojiList[Number.parseInt(bits.slice(6 * i, 6 * i + 6), 2)],
    )
    expect(emoji).toEqual(expected)
  })

  test('any other root on either side shows', () => {
    for (const [own, peer] of [
      [{ ...b, rootHash: root(9) }, a],
      [b, { ...a, rootHash: root(9) }],
    ] as const) {
      const starter = startEmoji(suite, { own: a, peer: b }, now)
      const answerer = answerEmoji(suite, starter.start, { own, peer }, now)
      const { reveal, emoji } = starter.reveal(answerer.answer, now)
      expect(answerer.open(reveal, now)).not.toEqual(emoji)
    }
  })

  test('new values each time, from both sides', () => {
    const starters = [startEmoji(suite, { own: a, peer: b }, now), startEmoji(suite, { own: a, peer: b }, now)]
    expect(starters[0]!.start).not.toEqual(starters[1]!.start)
    const answers = starters.map(() => answerEmoji(suite, starters[0]!.start, { own: b, peer: a }, now).answer)
    expect(answers[0]).not.toEqual(answers[1])
  })

  test('who changes the value after the commitment is found', () => {
    const starter = startEmoji(suite, { own: a, peer: b }, now)
    const answerer = answerEmoji(suite, starter.start, { own: b, peer: a }, now)
    const { reveal } = starter.reveal(answerer.answer, now)
    const other = reveal.slice()
    other[48]! ^= 1
    expect(codeOf(() => answerer.open(other, now))).toBe('identity_verify/commitment')
    // and there is no second try
    expect(codeOf(() => answerer.open(reveal, now))).toBe('identity_verify/used')
  })

  test('a start that is passed on to somebody else does not open there', () => {
    const starter = startEmoji(suite, { own: a, peer: b }, now)
    const answerer = answerEmoji(suite, starter.start, { own: { account: carol, rootHash: root(3) }, peer: a }, now)
    const { reveal } = starter.reveal(answerer.answer, now)
    expect(codeOf(() => answerer.open(reveal, now))).toBe('identity_verify/commitment')
  })

  test('one answer only', () => {
    const starter = startEmoji(suite, { own: a, peer: b }, now)
    const first = answerEmoji(suite, starter.start, { own: b, peer: a }, now)
    starter.reveal(first.answer, now)
    const second = answerEmoji(suite, starter.start, { own: b, peer: a }, now)
    expect(codeOf(() => starter.reveal(second.answer, now))).toBe('identity_verify/used')
    const closed = startEmoji(suite, { own: a, peer: b }, now)
    const answer = answerEmoji(suite, closed.start, { own: b, peer: a }, now)
    closed.close()
    expect(codeOf(() => closed.reveal(answer.answer, now))).toBe('identity_verify/used')
  })

  test('messages of another verification, and late ones', () => {
    const [one, two] = [startEmoji(suite, { own: a, peer: b }, now), startEmoji(suite, { own: a, peer: b }, now)]
    const [first, second] = [one, two].map(({ start }) => answerEmoji(suite, start, { own: b, peer: a }, now))
    expect(codeOf(() => one.reveal(second!.answer, now))).toBe('identity_verify/session')
    for (const late of [now - 1n, now + verifyEmojiLifetime + 1n]) {
      expect(codeOf(() => one.reveal(first!.answer, late))).toBe('identity_verify/expired')
      expect(codeOf(() => first!.open(new Uint8Array(0), late))).toBe('identity_verify/expired')
    }
    const { reveal } = one.reveal(first!.answer, now + verifyEmojiLifetime)
    expect(codeOf(() => second!.open(reveal, now))).toBe('identity_verify/session')
    expect(codeOf(() => first!.open(reveal, now + verifyEmojiLifetime))).toBe('none')
  })

  test('with oneself, with bad accounts and with other hashes it does not start', () => {
    const start = startEmoji(suite, { own: a, peer: b }, now).start
    for (const [peer, code] of [
      [a, 'identity_verify/account'],
      [{ ...b, rootHash: new Uint8Array(31) }, 'codec/range'],
      [{ ...b, account: new Uint8Array(0) }, 'identity/account'],
    ] as const) {
      expect(codeOf(() => startEmoji(suite, { own: a, peer }, now))).toBe(code)
      expect(codeOf(() => answerEmoji(suite, start, { own: a, peer }, now))).toBe(code)
    }
  })

  test('malformed and cut messages', () => {
    const starter = startEmoji(suite, { own: a, peer: b }, now)
    const answerer = answerEmoji(suite, starter.start, { own: b, peer: a }, now)
    const bent = (bytes: Uint8Array) => Uint8Array.of(2, ...bytes.subarray(1))
    expect(codeOf(() => answerEmoji(suite, bent(starter.start), { own: b, peer: a }, now))).toBe('identity_qr/version')
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 48 }), (length) => {
        expect(codeOf(() => answerEmoji(suite, starter.start.slice(0, length), { own: b, peer: a }, now))).toBe(
          'codec/short',
        )
        expect(codeOf(() => starter.reveal(answerer.answer.slice(0, length), now))).toBe('codec/short')
        expect(codeOf(() => answerer.open(answerer.answer.slice(0, length), now))).toBe('codec/short')
      }),
    )
    expect(codeOf(() => starter.reveal(answerer.answer, now))).toBe('none')
  })

  test('the list: sixty-four, all different, one code point with its own colours', () => {
    expect(verifyEmojiList).toHaveLength(64)
    expect(new Set(verifyEmojiList.map(({ emoji }) => emoji)).size).toBe(64)
    expect(new Set(verifyEmojiList.map(({ name }) => name)).size).toBe(64)
    for (const { emoji, name } of verifyEmojiList) {
      expect(emoji).toMatch(/^\p{Emoji_Presentation}$/u)
      expect(name).toMatch(/^[a-z]+( [a-z]+)?$/)
    }
  })
})
