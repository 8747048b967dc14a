import { describe, expect, test } from 'vitest'
import { decode, encode } from '../../src/codec/codec.ts'
import { protectPublic, unprotectPublic } from '../../src/framing/public-message.ts'
import { PublicMessage } from '../../src/wire/public-message.ts'
import { thrown } from '../secret-tree/support.ts'
import {
  add,
  application,
  commit,
  context,
  externalSigner,
  forgePublic,
  leafNode,
  member,
  proposal,
  publicContext,
  remove,
  sign,
  signers,
  suite,
} from './support.ts'

const open = (message: PublicMessage) => unprotectPublic(publicContext, message)
const flipped = (bytes: Uint8Array, at = 0) => {
  const copy = new Uint8Array(bytes)
  copy[at] = (copy[at] as number) ^ 1
  return copy
}
const newKey = signers[3]!.publicKey
const external = { senderType: 'external', senderIndex: 0 } as const
const newProposal = { senderType: 'new_member_proposal' } as const
const newCommit = { senderType: 'new_member_commit' } as const
const pathOf = (key: typeof newKey) => {
  const leaf = leafNode(key)
  return { proposals: [], path: { leafNode: { leafNode: leaf, bytes: new Uint8Array(3) }, nodes: [] } }
}

describe('what is accepted', () => {
  test('member proposals and commits, from leaf 0 too', () => {
    for (const leaf of [0, 1, 3])
      for (const content of [proposal(member(leaf)), commit(member(leaf))]) {
        const message = protectPublic(publicContext, sign(content, 'mls_public_message'))
        expect(message).toEqual(forgePublic(content, { auth: message.auth }))
        expect(open(decode(PublicMessage, encode(PublicMessage, message))).content).toEqual(content)
      }
  })

  test('an external sender, a new member that proposes itself, a new member that commits', () => {
    const messages = [
      forgePublic(proposal(external)),
      forgePublic(proposal(newProposal, add(newKey)), { signer: signers[3]! }),
      forgePublic(commit(newCommit, pathOf(newKey)), { signer: signers[3]! }),
    ]
    for (const message of messages) {
      expect(message.membershipTag).toBe(undefined)
      expect(open(message).content).toBe(message.content)
    }
  })
})

describe('what is not', () => {
  test('V060: application data', () => {
    expect(thrown(() => open(forgePublic(application(member(1)))))).toEqual(['framing/content_type', 'V060'])
    const own = sign(application(member(1)), 'mls_public_message')
    expect(thrown(() => protectPublic(publicContext, own))).toEqual(['framing/content_type', 'V060'])
  })

  test('V064: a blank leaf', () => {
    const message = forgePublic(proposal(member(2)))
    expect(thrown(() => open(message))).toEqual(['framing/sender', 'V064'])
  })

  test('V065: a leaf outside the tree is never looked up', () => {
    for (const leaf of [4, 2 ** 31, 2 ** 32 - 1]) {
      const senders = { signatureKey: () => signers[1]!.publicKey }
      const message = forgePublic(proposal(member(leaf)), { signer: signers[1]! })
      const run = () => unprotectPublic({ ...publicContext, senders }, message)
      expect(thrown(run)).toEqual(['framing/sender', 'V065'])
    }
  })

  test('V066: external senders without the extension', () => {
    const { signatureKey } = publicContext.senders
    const run = () => unprotectPublic({ ...publicContext, senders: { signatureKey } }, forgePublic(proposal(external)))
    expect(thrown(run)).toEqual(['framing/sender', 'V066'])
  })

  test('V067: an external sender outside the list', () => {
    for (const senderIndex of [1, 2 ** 32 - 1]) {
      const message = forgePublic(proposal({ senderType: 'external', senderIndex }))
      expect(thrown(() => open(message))).toEqual(['framing/sender', 'V067'])
    }
  })

  test('V068: an external sender that commits', () => {
    expect(thrown(() => open(forgePublic(commit(external))))).toEqual(['framing/sender', 'V068'])
  })

  test('V071: a new_member_proposal that is no proposal', () => {
    const message = forgePublic(commit(newProposal, pathOf(newKey)), { signer: signers[3]! })
    expect(thrown(() => open(message))).toEqual(['framing/sender', 'V071'])
  })

  test('V072: a new_member_proposal other than Add', () => {
    for (const value of [remove, { proposalType: 'group_context_extensions', extensions: [] } as const]) {
      const message = forgePublic(proposal(newProposal, value))
      expect(thrown(() => open(message))).toEqual(['framing/sender', 'V072'])
    }
  })

  test('V074: a new_member_commit that is no commit', () => {
    const message = forgePublic(proposal(newCommit, add(newKey)), { signer: signers[3]! })
    expect(thrown(() => open(message))).toEqual(['framing/sender', 'V074'])
  })

  test('V287: a new_member_commit without a path has no key', () => {
    expect(thrown(() => open(forgePublic(commit(newCommit))))).toEqual(['commit/external', 'V287'])
  })

  test('V073, V070, V289: signed by a key other than the one that the content names', () => {
    const wrong = { signer: signers[0]! }
    const messages = [
      forgePublic(proposal(newProposal, add(newKey)), wrong),
      forgePublic(proposal(external), wrong),
      forgePublic(commit(newCommit, pathOf(newKey)), wrong),
    ]
    for (const message of messages) expect(thrown(() => open(message))).toEqual(['crypto/signature', 'V080'])
  })

  test('V076: no membership tag', () => {
    const { content, auth } = forgePublic(proposal(member(1)))
    expect(thrown(() => open({ content, auth }))).toEqual(['framing/membership_tag', 'V076'])
    const bytes = encode(PublicMessage, forgePublic(proposal(member(1))))
    expect(thrown(() => decode(PublicMessage, bytes.subarray(0, bytes.length - 33)))?.[0]).toBe('codec/short')
  })

  test('V077: a membership tag of one who is no member', () => {
    const message = { ...forgePublic(proposal(external)), membershipTag: new Uint8Array(32) }
    expect(thrown(() => open(message))).toEqual(['framing/membership_tag', 'V077'])
    const bytes = new Uint8Array([...encode(PublicMessage, forgePublic(proposal(external))), 0])
    expect(thrown(() => decode(PublicMessage, bytes))?.[0]).toBe('codec/trailing')
  })

  test('V078: any flipped bit of the membership tag', () => {
    const message = forgePublic(proposal(member(1)))
    for (let at = 0; at < 32; at++) {
      const membershipTag = flipped(message.membershipTag!, at)
      expect(thrown(() => open({ ...message, membershipTag }))).toEqual(['framing/membership_tag', 'V078'])
    }
  })

  test('V079: lengths 0, 1, Nh - 1, Nh + 1 with the right prefix', () => {
    const message = forgePublic(proposal(member(1)))
    for (const length of [0, 1, 31, 33]) {
      const membershipTag = new Uint8Array(length)
      membershipTag.set(message.membershipTag!.subarray(0, length))
      expect(thrown(() => open({ ...message, membershipTag }))).toEqual(['framing/membership_tag', 'V079'])
    }
  })

  test('V080: a flipped bit of the signature; signatures of two messages swapped', () => {
    const [one, two] = [sign(proposal(member(1)), 'mls_public_message'), sign(commit(member(1)), 'mls_public_message')]
    const flip = forgePublic(proposal(member(1)), { auth: { signature: flipped(one.auth.signature) } })
    expect(thrown(() => open(flip))).toEqual(['crypto/signature', 'V080'])
    const swap = forgePublic(proposal(member(1)), { auth: { signature: two.auth.signature } })
    expect(thrown(() => open(swap))).toEqual(['crypto/signature', 'V080'])
    const other = forgePublic(proposal(member(1)), { signer: signers[0]! })
    expect(thrown(() => open(other))).toEqual(['crypto/signature', 'V080'])
  })

  test('V081: signed for a PrivateMessage', () => {
    const message = forgePublic(proposal(member(1)), { signedFormat: 'mls_private_message' })
    expect(thrown(() => open(message))).toEqual(['crypto/signature', 'V080'])
    const own = sign(proposal(member(1)), 'mls_private_message')
    expect(thrown(() => protectPublic(publicContext, own))).toEqual(['framing/wire_format', 'V081'])
  })

  test('V082: signed over the context of another epoch, or over none', () => {
    for (const signedContext of [context(4n), new Uint8Array(0)]) {
      const message = forgePublic(proposal(member(1)), { signedContext })
      expect(thrown(() => open(message))).toEqual(['crypto/signature', 'V080'])
    }
  })

  test('V082: the external sender signs without the context', () => {
    const message = forgePublic(proposal(external), { signer: externalSigner, signedContext: context(4n) })
    expect(open(message).content).toBe(message.content)
  })

  test('V083: a confirmation tag exactly in commits', () => {
    const { confirmationTag, ...auth } = forgePublic(commit(member(1))).auth
    expect(confirmationTag).toBeDefined()
    const without = { ...forgePublic(commit(member(1))), auth }
    expect(thrown(() => open(without))).toEqual(['framing/confirmation_tag', 'V083'])
    const tag = { confirmationTag: new Uint8Array(32) }
    expect(thrown(() => open(forgePublic(proposal(member(1)), { auth: tag })))).toEqual([
      'framing/confirmation_tag',
      'V083',
    ])
    const own = sign(proposal(member(1)), 'mls_public_message', { auth: tag })
    expect(thrown(() => protectPublic(publicContext, own))).toEqual(['framing/confirmation_tag', 'V083'])
  })

  test('V078: the tag covers the confirmation tag and the context', () => {
    const message = forgePublic(commit(member(1)))
    const auth = { ...message.auth, confirmationTag: new Uint8Array(32) }
    expect(thrown(() => open({ ...message, auth }))).toEqual(['framing/membership_tag', 'V078'])
    const later = { ...publicContext, encodedContext: context(6n) }
    expect(thrown(() => unprotectPublic(later, message))).toEqual(['framing/membership_tag', 'V078'])
  })

  test('the tag is checked before the signature: one MAC for a stranger, no public-key work', () => {
    let verified = 0
    const counting = new Proxy(suite, {
      get(target, name) {
        if (name === 'verify') verified += 1
        const member = Reflect.get(target, name, target) as unknown
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
    const message = { ...forgePublic(proposal(member(1))), membershipTag: new Uint8Array(32) }
    thrown(() => unprotectPublic({ ...publicContext, suite: counting }, message))
    expect(verified).toBe(0)
    unprotectPublic({ ...publicContext, suite: counting }, forgePublic(proposal(member(1))))
    expect(verified).toBe(1)
  })
})
