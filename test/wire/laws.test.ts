import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MlsError } from '../../src/bytes/errors.ts'
import { toHex } from '../../src/bytes/text.ts'
import { type Codec, decode, encode, skip } from '../../src/codec/codec.ts'
import { Reader } from '../../src/codec/reader.ts'
import { AppDataDictionary, AppEphemeral, ComponentData, ComponentsList } from '../../src/wire/app-data.ts'
import { Commit, ProposalOrRef } from '../../src/wire/commit.ts'
import { Credential } from '../../src/wire/credential.ts'
import {
  Extension,
  Extensions,
  ExternalPub,
  ExternalSender,
  ExternalSenders,
  RequiredCapabilities,
} from '../../src/wire/extension.ts'
import { AuthenticatedContent, FramedContent, Sender } from '../../src/wire/framed-content.ts'
import { GroupContext } from '../../src/wire/group-context.ts'
import { GroupInfo, GroupInfoTbs } from '../../src/wire/group-info.ts'
import { KeyPackage, KeyPackageTbs } from '../../src/wire/key-package.ts'
import { Capabilities, EncodedLeafNode, LeafNode, Lifetime } from '../../src/wire/leaf-node.ts'
import { MlsMessage } from '../../src/wire/mls-message.ts'
import { PrivateMessage, SenderData } from '../../src/wire/private-message.ts'
import { Proposal } from '../../src/wire/proposal.ts'
import { PreSharedKeyId, PskLabel } from '../../src/wire/psk.ts'
import { PublicMessage } from '../../src/wire/public-message.ts'
import { Node, ParentNode, RatchetTree } from '../../src/wire/ratchet-tree.ts'
import { HpkeCiphertext, UpdatePath, UpdatePathNode } from '../../src/wire/update-path.ts'
import { EncryptedGroupSecrets, GroupSecrets, Welcome } from '../../src/wire/welcome.ts'
import * as arbitrary from '../support/arbitraries.ts'

interface Law {
  readonly name: string
  readonly codec: Codec<unknown>
  readonly values: fc.Arbitrary<unknown>
}
const law = <T>(name: string, codec: Codec<T>, values: fc.Arbitrary<T>): Law => ({
  name,
  codec: codec as Codec<unknown>,
  values,
})

const u16 = fc.integer({ min: 0, max: 0xffff })
const laws: readonly Law[] = [
  law('Credential', Credential, arbitrary.credential),
  law('Extension', Extension, arbitrary.extension),
  law('Extensions', Extensions, fc.array(arbitrary.extension, { maxLength: 3 })),
  law('RequiredCapabilities', RequiredCapabilities, arbitrary.requiredCapabilities),
  law('ExternalPub', ExternalPub, fc.record({ externalPub: arbitrary.opaque })),
  law('ExternalSender', ExternalSender, arbitrary.externalSender),
  law('ExternalSenders', ExternalSenders, fc.array(arbitrary.externalSender, { maxLength: 3 })),
  law('ComponentData', ComponentData, arbitrary.componentData),
  law('AppDataDictionary', AppDataDictionary, arbitrary.appDataDictionary),
  law('ComponentsList', ComponentsList, fc.array(u16, { maxLength: 5 })),
  law('AppEphemeral', AppEphemeral, arbitrary.componentData),
  law('Capabilities', Capabilities, arbitrary.capabilities),
  law('Lifetime', Lifetime, arbitrary.lifetime),
  law('LeafNode', LeafNode, arbitrary.leafNode),
  law('EncodedLeafNode', EncodedLeafNode, arbitrary.encodedLeafNode),
  law('KeyPackage', KeyPackage, arbitrary.keyPackage),
  law(
    'KeyPackageTbs',
    KeyPackageTbs,
    arbitrary.keyPackage.map(({ signature: _, ...rest }) => rest),
  ),
  law('ParentNode', ParentNode, arbitrary.parentNode),
  law('Node', Node, arbitrary.node),
  law('RatchetTree', RatchetTree, arbitrary.ratchetTree),
  law('HpkeCiphertext', HpkeCiphertext, arbitrary.hpkeCiphertext),
  law('UpdatePathNode', UpdatePathNode, arbitrary.updatePathNode),
  law('UpdatePath', UpdatePath, arbitrary.updatePath),
  law('PreSharedKeyId', PreSharedKeyId, arbitrary.psk),
  law('PskLabel', PskLabel, fc.record({ id: arbitrary.psk, index: u16, count: u16 })),
  law('Proposal', Proposal, arbitrary.proposal),
  law('ProposalOrRef', ProposalOrRef, arbitrary.proposalOrRef),
  law('Commit', Commit, arbitrary.commit),
  law('Sender', Sender, arbitrary.sender),
  law('FramedContent', FramedContent, arbitrary.framedContent),
  law('AuthenticatedContent', AuthenticatedContent, arbitrary.authenticatedContent),
  law('GroupContext', GroupContext, arbitrary.groupContext),
  law('PublicMessage', PublicMessage, arbitrary.publicMessage),
  law('PrivateMessage', PrivateMessage, arbitrary.privateMessage),
  law('SenderData', SenderData, arbitrary.senderData),
  law('GroupInfo', GroupInfo, arbitrary.groupInfo),
  law(
    'GroupInfoTbs',
    GroupInfoTbs,
    arbitrary.groupInfo.map(({ signature: _, ...rest }) => rest),
  ),
  law('GroupSecrets', GroupSecrets, arbitrary.groupSecrets),
  law(
    'EncryptedGroupSecrets',
    EncryptedGroupSecrets,
    fc.record({ newMember: arbitrary.opaque, encryptedGroupSecrets: arbitrary.hpkeCiphertext }),
  ),
  law('Welcome', Welcome, arbitrary.welcome),
  law('MlsMessage', MlsMessage, arbitrary.mlsMessage),
]
const runs = { numRuns: 60 }

/** Values that are codecs but no structs of their own: parts of others, which those exercise. */
const parts = new Set([
  'ContentType',
  'FramedWireFormat',
  'NodeType',
  'ResumptionPskUsage',
  'SenderDataAad',
  'PrivateContentAad',
])

function rejected(codec: Codec<unknown>, bytes: Uint8Array): MlsError | 'accepted' {
  try {
    decode(codec, bytes)
    return 'accepted'
  } catch (error) {
    if (error instanceof MlsError) return error
    throw error
  }
}

function skipped(codec: Codec<unknown>, bytes: Uint8Array): MlsError | 'accepted' {
  try {
    const reader = new Reader(bytes)
    skip(codec, reader)
    reader.finish()
    return 'accepted'
  } catch (error) {
    if (error instanceof MlsError) return error
    throw error
  }
}

const verdict = (result: MlsError | 'accepted') => (result === 'accepted' ? result : [result.code, result.rule])

describe('laws of every struct', () => {
  test('the list names every codec that src/wire exports', async () => {
    const folder = join(import.meta.dirname, '../../src/wire')
    const exported: string[] = []
    for (const file of readdirSync(folder)) {
      const module = (await import(join(folder, file))) as Record<string, unknown>
      for (const [name, value] of Object.entries(module))
        if (typeof value === 'object' && value !== null && 'read' in value && 'write' in value) exported.push(name)
    }
    const named = new Set(laws.map(({ name }) => name))
    expect(exported.length).toBeGreaterThan(30)
    expect(exported.filter((name) => !named.has(name) && !parts.has(name))).toEqual([])
  })

  describe.each(laws)('$name', ({ codec, values }) => {
    test('V029 decode(encode(v)) is v, and encodes to the same bytes', () => {
      fc.assert(
        fc.property(values, (value) => {
          const bytes = encode(codec, value)
          const decoded = decode(codec, bytes)
          expect(decoded).toEqual(value)
          expect(toHex(encode(codec, decoded))).toBe(toHex(bytes))
        }),
        runs,
      )
    })

    test('V008 every proper prefix is malformed', () => {
      fc.assert(
        fc.property(values, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (value, part) => {
          const bytes = encode(codec, value)
          if (bytes.length === 0) return
          const result = rejected(codec, bytes.subarray(0, Math.floor(part * bytes.length)))
          expect(result).toBeInstanceOf(MlsError)
        }),
        runs,
      )
    })

    test('V009 bytes after the end are malformed', () => {
      fc.assert(
        fc.property(values, fc.integer({ min: 0, max: 255 }), (value, extra) => {
          const result = rejected(codec, Uint8Array.from([...encode(codec, value), extra]))
          expect(result).toBeInstanceOf(MlsError)
        }),
        runs,
      )
    })

    test('V029 what is accepted after a mutation encodes to the same bytes', () => {
      fc.assert(
        fc.property(values, fc.nat(), fc.integer({ min: 0, max: 255 }), (value, at, byte) => {
          const bytes = encode(codec, value)
          if (bytes.length === 0) return
          bytes[at % bytes.length] = byte
          if (rejected(codec, bytes) === 'accepted')
            expect(toHex(encode(codec, decode(codec, bytes)))).toBe(toHex(bytes))
        }),
        { numRuns: 200 },
      )
    })

    test('passing over it refuses what decoding refuses, for the same reason', () => {
      fc.assert(
        fc.property(values, fc.nat(), fc.nat(), fc.integer({ min: 0, max: 255 }), (value, at, cut, byte) => {
          const bytes = encode(codec, value)
          expect(skipped(codec, bytes)).toBe('accepted')
          if (bytes.length === 0) return
          bytes[at % bytes.length] = byte
          const mutated = bytes.subarray(0, bytes.length - (cut % 4 === 0 ? cut % bytes.length : 0))
          expect(verdict(skipped(codec, mutated))).toEqual(verdict(rejected(codec, mutated)))
        }),
        { numRuns: 200 },
      )
    })
  })
})
