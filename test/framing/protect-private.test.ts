import { describe, expect, test } from 'vitest'
import { MlsError } from '../../src/bytes/errors.ts'
import { toHex } from '../../src/bytes/text.ts'
import { protectPrivate } from '../../src/framing/private-message.ts'
import { thrown } from '../secret-tree/support.ts'
import { content, none, receive, send, unsigned } from './exchange.ts'
import { application, forgePrivate, member, proposal, secrets, sign, signers, suite } from './support.ts'

describe('what is left in memory', () => {
  /** A suite that remembers keys, nonces and decrypted plaintexts. */
  function spying() {
    const seen: Uint8Array[] = []
    const spy = new Proxy(suite, {
      get(target, name) {
        const member = Reflect.get(target, name, target) as unknown
        if (name !== 'seal' && name !== 'open') return typeof member === 'function' ? member.bind(target) : member
        return (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, text: Uint8Array) => {
          seen.push(key, nonce)
          if (name === 'seal' && text.length > 12) seen.push(text)
          const result = target[name](key, nonce, aad, text)
          if (name === 'open' && result.length > 12) seen.push(result)
          return result
        }
      },
    })
    return { seen, side: { ...secrets(), suite: spy } }
  }
  const zeroed = (seen: Uint8Array[]) => seen.filter((bytes) => bytes.some((byte) => byte !== 0)).length === 0

  test('keys, nonces and the buffer of the plaintext are zeroed after sealing', () => {
    const { seen, side } = spying()
    send(side)
    expect(seen.length).toBe(5)
    expect(zeroed(seen)).toBe(true)
  })

  test('and after opening, whether it holds or not', () => {
    for (const signer of [signers[1]!, signers[0]!]) {
      const { seen, side } = spying()
      const message = forgePrivate(application(member(1)), { signer })
      if (signer === signers[1]) content(side, message).accept()
      else expect(thrown(() => receive(side, message))).toEqual(['crypto/signature', 'V080'])
      expect(seen.length).toBe(5)
      expect(zeroed(seen)).toBe(true)
    }
  })
})

describe('protect', () => {
  test('V097: only members', () => {
    for (const sender of [
      { senderType: 'external', senderIndex: 0 },
      { senderType: 'new_member_proposal' },
      { senderType: 'new_member_commit' },
    ] as const) {
      const signed = sign(proposal(sender), 'mls_private_message')
      const run = () => protectPrivate({ ...secrets(), content: signed, padding: none })
      expect(thrown(run)).toEqual(['framing/sender', 'V097'])
    }
  })

  test('V081, V083, R01 are refused before a generation is spent', () => {
    const side = secrets()
    const before = side.secretTree.encode()
    const big = unsigned(new Uint8Array(16 * 1024 * 1024))
    const tag = { auth: { confirmationTag: new Uint8Array(32) } }
    const cases = [
      [sign(application(member(1)), 'mls_public_message'), 'framing/wire_format', 'V081'],
      [sign(application(member(1)), 'mls_private_message', tag), 'framing/confirmation_tag', 'V083'],
      [big, 'limit/exceeded', 'R01'],
    ] as const
    for (const [signed, code, rule] of cases)
      expect(thrown(() => protectPrivate({ ...side, content: signed, padding: none }))).toEqual([code, rule])
    expect(side.secretTree.encode()).toEqual(before)
  })

  test('V219: a failing random source spends nothing', () => {
    const side = secrets()
    const before = side.secretTree.encode()
    const broken = new Proxy(suite, {
      get(target, name) {
        if (name === 'randomBytes')
          return () => {
            throw new MlsError('crypto/rng', 'none')
          }
        const member = Reflect.get(target, name, target) as unknown
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
    const signed = sign(application(member(1)), 'mls_private_message')
    const run = () => protectPrivate({ ...side, suite: broken, content: signed, padding: none })
    expect(thrown(run)).toEqual(['crypto/rng', undefined])
    expect(side.secretTree.encode()).toEqual(before)
  })

  test('V219: two copies of one state do not encrypt under one nonce', () => {
    const signed = sign(application(member(1)), 'mls_private_message')
    const [one, two] = [secrets(), secrets()].map((side) => protectPrivate({ ...side, content: signed, padding: none }))
    expect(toHex(one!.ciphertext)).not.toBe(toHex(two!.ciphertext))
  })

  test('each message has a generation of its own', () => {
    const [sender, receiver] = [secrets(), secrets()]
    for (let generation = 0; generation < 3; generation++) {
      const opened = content(receiver, send(sender))
      expect(opened.generation).toBe(generation)
      opened.accept()
    }
  })

  test('V214: the bytes that are sealed are counted', () => {
    const side = secrets()
    const length = 1 + 3 + 2 + 64
    side.secretTree.seal(1, 'application', 2 ** 36 - 2 * length + 1)
    send(side)
    expect(thrown(() => send(side))).toEqual(['ratchet/exhausted', 'V214'])
  })

  test('padding decides the length of the ciphertext', () => {
    const length = (size: number, padding: Parameters<typeof protectPrivate>[0]['padding']) => {
      const signed = sign(application(member(1), new Uint8Array(size)), 'mls_private_message')
      const message = protectPrivate({ ...secrets(), content: signed, padding })
      expect(content(secrets(), message).content).toEqual(signed)
      return message.ciphertext.length - 16
    }
    expect(length(10, none)).toBe(1 + 10 + 2 + 64)
    expect(length(10, { kind: 'multiple', of: 100 })).toBe(100)
    expect(length(100, { kind: 'multiple', of: 100 })).toBe(200)
    expect(length(10, { kind: 'buckets', sizes: [64, 512, 128] })).toBe(128)
  })

  test('R01: padding never pushes a message over the limit', () => {
    const size = 15 * 1024 * 1024
    const padding = { kind: 'multiple', of: 2 ** 26 } as const
    const { ciphertext } = protectPrivate({ ...secrets(), content: unsigned(new Uint8Array(size)), padding })
    expect(ciphertext.length).toBeGreaterThan(size + 2 ** 19)
    expect(ciphertext.length).toBeLessThan(16 * 1024 * 1024)
  })
})
