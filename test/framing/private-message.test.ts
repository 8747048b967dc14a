import { describe, expect, test } from 'vitest'
import { concatBytes } from '../../src/bytes/bytes.ts'
import { MlsError } from '../../src/bytes/errors.ts'
import { toHex } from '../../src/bytes/text.ts'
import { encode } from '../../src/codec/codec.ts'
import { protectPrivate, unprotectPrivate } from '../../src/framing/private-message.ts'
import { senderDataKeyAndNonce } from '../../src/framing/sender-data.ts'
import { type PrivateMessage, SenderDataAad } from '../../src/wire/private-message.ts'
import { thrown } from '../secret-tree/support.ts'
import { content, none, receive, send } from './exchange.ts'
import {
  application,
  commit,
  context,
  forgePrivate,
  member,
  proposal,
  secrets,
  sign,
  signers,
  suite,
} from './support.ts'

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
      [11, 'codec/length', 'V027'],
      [13, 'codec/length', 'V027'],
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
