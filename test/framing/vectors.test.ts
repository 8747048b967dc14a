import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../src/bytes/bytes.ts'
import { Secret } from '../../src/bytes/secret.ts'
import { fromHex, toHex } from '../../src/bytes/text.ts'
import { decode, encode } from '../../src/codec/codec.ts'
import { suiteParameters } from '../../src/crypto/suites.ts'
import { protectPrivate, unprotectPrivate } from '../../src/framing/private-message.ts'
import { protectPublic, unprotectPublic } from '../../src/framing/public-message.ts'
import { nobleProvider } from '../../src/providers/noble/provider.ts'
import { systemRng } from '../../src/providers/system-rng.ts'
import { SecretTree } from '../../src/secret-tree/secret-tree.ts'
import { signFramedContentSync } from '../../src/signed/framed-content.ts'
import { keySigner } from '../../src/signed/signer.ts'
import { Commit } from '../../src/wire/commit.ts'
import type { FramedContent, FramedWireFormat } from '../../src/wire/framed-content.ts'
import { GroupContext } from '../../src/wire/group-context.ts'
import { decodeMlsMessage, encodeMlsMessage, type MlsMessage } from '../../src/wire/mls-message.ts'
import { Proposal } from '../../src/wire/proposal.ts'
import { loadVectors } from '../support/vectors.ts'

interface Vector {
  readonly cipher_suite: number
  readonly epoch: number
  readonly signature_priv: string
  readonly [name: string]: string | number
}

describe('message-protection.json', () => {
  for (const vector of loadVectors<Vector[]>('mlswg/message-protection.json') ?? []) {
    const at = (name: string): Bytes => fromHex(vector[name] as string)
    const id = vector.cipher_suite
    const suite = nobleProvider.open(suiteParameters(id), systemRng)
    const groupId = at('group_id')
    const epoch = BigInt(vector.epoch)
    const encodedContext = encode(GroupContext, {
      version: 1,
      cipherSuite: id,
      groupId,
      epoch,
      treeHash: at('tree_hash'),
      confirmedTranscriptHash: at('confirmed_transcript_hash'),
      extensions: [],
    })
    // the vectors write a NIST scalar without its leading zeros
    const scalarLength = { P256: 32, P384: 48, P521: 66, Ed25519: 32, Ed448: 57 }[suite.parameters.signature]
    const signer = keySigner(suite, fromHex(vector.signature_priv.padStart(2 * scalarLength, '0')))
    const signatureKey = (leaf: number) => (leaf === 1 ? at('signature_pub') : undefined)
    const secrets = () => ({
      suite,
      secretTree: new SecretTree(suite, new Secret(at('encryption_secret')), 2),
      senderDataSecret: new Secret<'sender_data_secret'>(at('sender_data_secret')),
      encodedContext,
    })
    const publicContext = {
      suite,
      encodedContext,
      membershipKey: new Secret<'membership_key'>(at('membership_key')),
      leafCount: 2,
      senders: { signatureKey },
    }

    function openPrivate(message: MlsMessage): FramedContent {
      if (message.wireFormat !== 'mls_private_message') throw new Error('wire format')
      const opened = unprotectPrivate({
        ...secrets(),
        message: message.privateMessage,
        ownLeaf: undefined,
        signatureKey,
      })
      if (opened.kind !== 'content') throw new Error('own')
      expect(opened.leafIndex).toBe(1)
      return opened.content.content
    }
    function openPublic(message: MlsMessage): FramedContent {
      if (message.wireFormat !== 'mls_public_message') throw new Error('wire format')
      return unprotectPublic(publicContext, message.publicMessage).content
    }
    const body = (content: FramedContent): string =>
      toHex(
        content.contentType === 'application'
          ? content.applicationData
          : content.contentType === 'proposal'
            ? encode(Proposal, content.proposal)
            : encode(Commit, content.commit),
      )
    const contentOf = (kind: string): FramedContent => {
      const frame = {
        groupId,
        epoch,
        sender: { senderType: 'member', leafIndex: 1 },
        authenticatedData: new Uint8Array(3),
      } as const
      if (kind === 'application') return { ...frame, contentType: 'application', applicationData: at(kind) }
      if (kind === 'proposal') return { ...frame, contentType: 'proposal', proposal: decode(Proposal, at(kind)) }
      return { ...frame, contentType: 'commit', commit: decode(Commit, at(kind)) }
    }
    const signed = (kind: string, wireFormat: FramedWireFormat) => {
      const content = contentOf(kind)
      const signature = signFramedContentSync(signer, wireFormat, content, encodedContext)
      const auth = kind === 'commit' ? { signature, confirmationTag: new Uint8Array(32).fill(7) } : { signature }
      return { wireFormat, content, auth }
    }

    for (const kind of ['proposal', 'commit', 'application']) {
      test(`suite ${id}: private ${kind} of the vector`, () => {
        expect(body(openPrivate(decodeMlsMessage(at(`${kind}_priv`))))).toBe(vector[kind])
      })

      test(`suite ${id}: private ${kind}, there and back`, () => {
        const privateMessage = protectPrivate({
          ...secrets(),
          content: signed(kind, 'mls_private_message'),
          padding: { kind: 'padme' },
        })
        const wire = encodeMlsMessage({ wireFormat: 'mls_private_message', privateMessage })
        const opened = openPrivate(decodeMlsMessage(wire))
        expect(body(opened)).toBe(vector[kind])
        expect(opened.authenticatedData).toEqual(new Uint8Array(3))
      })

      if (kind === 'application') continue
      test(`suite ${id}: public ${kind} of the vector`, () => {
        expect(body(openPublic(decodeMlsMessage(at(`${kind}_pub`))))).toBe(vector[kind])
      })

      test(`suite ${id}: public ${kind}, there and back`, () => {
        const publicMessage = protectPublic(publicContext, signed(kind, 'mls_public_message'))
        const wire = encodeMlsMessage({ wireFormat: 'mls_public_message', publicMessage })
        expect(body(openPublic(decodeMlsMessage(wire)))).toBe(vector[kind])
      })
    }
  }
})
