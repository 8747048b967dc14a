import { describe, expect, test } from 'vitest'
import { type Bytes, concatBytes } from '../../src/bytes/bytes.ts'
import { MlsError } from '../../src/bytes/errors.ts'
import { toHex } from '../../src/bytes/text.ts'
import { encode } from '../../src/codec/codec.ts'
import { protectPrivate, unprotectPrivate } from '../../src/framing/private-message.ts'
import { senderDataKeyAndNonce } from '../../src/framing/sender-data.ts'
import type { AuthenticatedContent } from '../../src/wire/framed-content.ts'
import { type PrivateMessage, SenderDataAad } from '../../src/wire/private-message.ts'
import { thrown } from '../secret-tree/support.ts'
import {
  application,
  commit,
  context,
  forgePrivate,
  member,
  proposal,
  secrets,
  sign,
  signatureKey,
  signers,
  suite,
} from './support.ts'

const none = { kind: 'none' } as const
type Side = ReturnType<typeof secrets>

const receive = (side: Side, message: PrivateMessage, ownLeaf: number | undefined = undefined) =>
  unprotectPrivate({ ...side, message, ownLeaf, signatureKey, encodedContext: context() })
function content(side: Side, message: PrivateMessage) {
  const opened = receive(side, message)
  if (opened.kind !== 'content') throw new Error('own')
  return opened
}
const send = (side: Side, leaf = 1) =>
  protectPrivate({ ...side, content: sign(application(member(leaf)), 'mls_private_message'), padding: none })

/** What a rejection must leave as it was: `before` and `after` are equal, and the genuine message still opens. */
function rejected(
  message: PrivateMessage,
  code: string,
  rule: string | undefined,
  genuine = forgePrivate(application(member(1))),
) {
  const side = secrets()
  const before = toHex(side.secretTree.encode())
  expect(thrown(() => receive(side, message))).toEqual([code, rule])
  expect(toHex(side.secretTree.encode())).toBe(before)
  content(side, genuine).accept()
}
const flipped = (bytes: Uint8Array, at: number) => {
  const copy = new Uint8Array(bytes)
  copy[at] = (copy[at] as number) ^ 1
  return copy
}

/** Big content with a signature that nobody checks. */
const unsigned = (data: Bytes): AuthenticatedContent => ({
  wireFormat: 'mls_private_message',
  content: application(member(1), data),
  auth: { signature: new Uint8Array(64) },
})

describe('what is accepted', () => {
  test('all content types, from leaf 0 too, equal to what was signed', () => {
    for (const leaf of [0, 1, 3])
      for (const body of [application(member(leaf)), proposal(member(leaf)), commit(member(leaf))]) {
        const signed = sign(body, 'mls_private_message')
        const side = secrets()
        const opened = content(side, protectPrivate({ ...secrets(), content: signed, padding: none }))
        expect(opened.content).toEqual(signed)
        expect([opened.leafIndex, opened.generation]).toEqual([leaf, 0])
        expect(content(side, forgePrivate(body, { generation: 3 })).content.content).toEqual(body)
      }
  })

  test('V028: what is sealed is a sample of Nh bytes, or all of a shorter ciphertext', () => {
    const { senderDataSecret } = secrets()
    const long = new Uint8Array(40).fill(1)
    const key = (ciphertext: Uint8Array) => toHex(senderDataKeyAndNonce(suite, senderDataSecret, ciphertext).key)
    expect(key(long)).toBe(key(long.subarray(0, 32)))
    expect(key(long)).not.toBe(key(long.subarray(0, 31)))
    expect(key(flipped(long, 31))).not.toBe(key(long))
    expect(key(flipped(long, 32))).toBe(key(long))
  })

  test('state moves in accept and not before', () => {
    const side = secrets()
    const message = send(secrets())
    const before = side.secretTree.encode()
    const opened = content(side, message)
    expect(side.secretTree.encode()).toEqual(before)
    opened.reject()
    expect(side.secretTree.encode()).toEqual(before)
    content(side, message).accept()
    expect(side.secretTree.encode()).not.toEqual(before)
    expect(thrown(() => receive(side, message))).toEqual(['ratchet/generation_gone', 'V211'])
  })
})

describe('what is not', () => {
  const genuine = forgePrivate(application(member(1)))

  test('V028: empty ciphertexts and ciphertexts shorter than a tag', () => {
    for (const length of [0, 15])
      rejected({ ...genuine, ciphertext: new Uint8Array(length) }, 'crypto/decrypt', undefined)
    for (const length of [0, 11])
      rejected({ ...genuine, encryptedSenderData: new Uint8Array(length) }, 'crypto/decrypt', undefined)
  })

  test('V027: sender data of 11 and 13 bytes under a valid AEAD', () => {
    for (const [length, code, rule] of [
      [11, 'codec/short', 'V006'],
      [13, 'codec/trailing', 'V009'],
    ] as const) {
      const { key, nonce } = senderDataKeyAndNonce(suite, secrets().senderDataSecret, genuine.ciphertext)
      const encryptedSenderData = suite.seal(key, nonce, encode(SenderDataAad, genuine), new Uint8Array(length))
      rejected({ ...genuine, encryptedSenderData }, code, rule)
    }
  })

  test('V086: another outer content type, alone and with the AEAD to match', () => {
    rejected({ ...genuine, contentType: 'proposal' }, 'crypto/decrypt', undefined)
    const only = forgePrivate(application(member(1)), { contentType: 'proposal', aadContentType: 'application' })
    rejected(only, 'crypto/decrypt', undefined)
    // decodes as a proposal of type 0x02f0 with an empty body, under the key of a handshake; the signature is of another type
    const body = application(member(1), new Uint8Array([0xf0, 0]))
    rejected(forgePrivate(body, { contentType: 'proposal', ratchet: 'handshake' }), 'crypto/signature', 'V080')
  })

  test('V087: another authenticated_data', () => {
    rejected({ ...genuine, authenticatedData: new Uint8Array([7, 8]) }, 'crypto/decrypt', undefined)
  })

  test('V088: any flipped bit of the sender data, and of the sample', () => {
    for (let at = 0; at < genuine.encryptedSenderData.length; at++)
      rejected(
        { ...genuine, encryptedSenderData: flipped(genuine.encryptedSenderData, at) },
        'crypto/decrypt',
        undefined,
      )
    rejected({ ...genuine, ciphertext: flipped(genuine.ciphertext, 3) }, 'crypto/decrypt', undefined)
  })

  test('V089: a bit after the sample: sender data opens, content does not, nothing is burnt', () => {
    rejected({ ...genuine, ciphertext: flipped(genuine.ciphertext, 40) }, 'crypto/decrypt', undefined)
    const ahead = forgePrivate(application(member(1)), { generation: 40 })
    rejected({ ...ahead, ciphertext: flipped(ahead.ciphertext, 40) }, 'crypto/decrypt', undefined)
    rejected({ ...ahead, ciphertext: flipped(ahead.ciphertext, 40) }, 'crypto/decrypt', undefined, ahead)
  })

  test('one opaque error for every AEAD failure', () => {
    const messages = [flipped(genuine.ciphertext, 3), flipped(genuine.ciphertext, 40)].map((ciphertext) => {
      try {
        receive(secrets(), { ...genuine, ciphertext })
      } catch (error) {
        return error instanceof MlsError && [error.message, error.rule, error.cause]
      }
      return 'opened'
    })
    expect(messages[0]).toEqual(messages[1])
  })

  test('V090: a padding byte that is not zero, first, middle and last', () => {
    for (const at of [0, 20, 49]) {
      const message = forgePrivate(application(member(1)), { padding: flipped(new Uint8Array(50), at) })
      rejected(message, 'framing/padding', 'V090')
    }
    content(secrets(), forgePrivate(application(member(1)), { padding: new Uint8Array(50) }))
  })

  test('V091: padding is bounded by the length of the message', () => {
    const message = { ...genuine, ciphertext: new Uint8Array(16 * 1024 * 1024 + 1) }
    rejected(message, 'limit/exceeded', 'V091')
  })

  test('V092: a blank leaf, and leaves outside the tree', () => {
    for (const leafIndex of [2, 4, 2 ** 31, 2 ** 32 - 1])
      rejected(forgePrivate(application(member(1)), { leafIndex }), 'framing/sender', 'V092')
    const side = secrets()
    const run = () =>
      unprotectPrivate({
        ...side,
        message: forgePrivate(application(member(1)), { leafIndex: 4 }),
        ownLeaf: undefined,
        signatureKey: () => signers[1]!.publicKey,
        encodedContext: context(),
      })
    expect(thrown(run)).toEqual(['framing/sender', 'V092'])
  })

  test('V093: our own message is told apart, and nothing is spent on it', () => {
    const side = secrets()
    const message = send(side)
    const before = side.secretTree.encode()
    expect(receive(side, message, 1)).toEqual({ kind: 'own', leafIndex: 1, generation: 0 })
    expect(side.secretTree.encode()).toEqual(before)
    expect(receive(side, forgePrivate(application(member(0)), { generation: 900 }), 0)).toEqual({
      kind: 'own',
      leafIndex: 0,
      generation: 900,
    })
    expect(receive(secrets(), message, 0).kind).toBe('content')
  })

  test('V094: application content under a handshake key, and the reverse', () => {
    rejected(forgePrivate(application(member(1)), { ratchet: 'handshake' }), 'crypto/decrypt', undefined)
    rejected(forgePrivate(proposal(member(1)), { ratchet: 'application' }), 'crypto/decrypt', undefined)
  })

  test('V080, V081, V082: signatures of another member, wire format, epoch', () => {
    for (const forgery of [
      { signer: signers[0]! },
      { signedFormat: 'mls_public_message' },
      { signedContext: context(4n) },
      { signedContext: new Uint8Array(0) },
      { leafIndex: 3 },
    ] as const) {
      const message = forgePrivate(application(member(1)), forgery)
      if ('leafIndex' in forgery) rejected(message, 'crypto/decrypt', undefined)
      else rejected(message, 'crypto/signature', 'V080')
    }
  })

  test('V209: an absurd generation', () => {
    const { ciphertext } = genuine
    const far = forgePrivate(application(member(1)), { generation: 1000 })
    content(secrets(), far).accept()
    const { key, nonce } = senderDataKeyAndNonce(suite, secrets().senderDataSecret, ciphertext)
    const senderData = concatBytes(new Uint8Array([0, 0, 0, 1, 255, 255, 255, 255]), new Uint8Array(4))
    const encryptedSenderData = suite.seal(key, nonce, encode(SenderDataAad, genuine), senderData)
    rejected({ ...genuine, encryptedSenderData }, 'ratchet/too_far', 'V209')
  })
})

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
