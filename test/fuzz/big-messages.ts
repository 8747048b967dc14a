/** Messages of nearly 64 KiB with as many small elements as they can hold: the dearest to decode (R03). */
import type { Bytes } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import { encodeMlsMessage, extensionTypes, type KeyPackage } from '../../src/index.ts'
import type { Commit } from '../../src/wire/commit.ts'
import { LeafNode } from '../../src/wire/leaf-node.ts'

const none = new Uint8Array(0)
const many = <T>(length: number, make: (i: number) => T): T[] => Array.from({ length }, (_, i) => make(i))

export function bigMessages(keyPackage: KeyPackage): Bytes[] {
  const { leafNode } = keyPackage
  const leaf = { leafNode, bytes: encode(LeafNode, leafNode) }
  const ciphertext = { kemOutput: none, ciphertext: none }
  const removes = many(9000, (removed) => ({
    type: 'proposal' as const,
    proposal: { proposalType: 'remove' as const, removed },
  }))
  const references = many(16_000, () => ({ type: 'reference' as const, reference: none }))
  const nodes = many(32, () => ({ encryptionKey: none, encryptedPathSecret: many(950, () => ciphertext) }))
  const lists = many(256, (i) => i)
  const wide = { versions: lists, cipherSuites: lists, extensions: lists, proposals: lists, credentials: lists }
  const extension = { extensionType: 0xf200, extensionData: new Uint8Array(900) }
  return [
    commit({ proposals: removes, path: undefined }),
    commit({ proposals: references, path: undefined }),
    commit({ proposals: [], path: { leafNode: leaf, nodes } }),
    encodeMlsMessage({
      wireFormat: 'mls_welcome',
      welcome: {
        cipherSuite: 1,
        secrets: many(16_000, () => ({ newMember: none, encryptedGroupSecrets: ciphertext })),
        encryptedGroupInfo: none,
      },
    }),
    encodeMlsMessage({
      wireFormat: 'mls_key_package',
      keyPackage: {
        ...keyPackage,
        leafNode: { ...leafNode, capabilities: wide, extensions: many(64, () => extension) },
      },
    }),
    encodeMlsMessage({
      wireFormat: 'mls_group_info',
      groupInfo: {
        groupContext: {
          version: 1,
          cipherSuite: 1,
          groupId: none,
          epoch: 0n,
          treeHash: none,
          confirmedTranscriptHash: none,
          extensions: [],
        },
        // a tree of blanks alone
        extensions: [{ extensionType: extensionTypes.ratchetTree, extensionData: new Uint8Array(60_000) }],
        confirmationTag: none,
        signer: 0,
        signature: none,
      },
    }),
  ]
}

function commit(value: Commit): Bytes {
  return encodeMlsMessage({
    wireFormat: 'mls_public_message',
    publicMessage: {
      content: {
        groupId: none,
        epoch: 1n,
        sender: { senderType: 'member', leafIndex: 0 },
        authenticatedData: none,
        contentType: 'commit',
        commit: value,
      },
      auth: { signature: none, confirmationTag: none },
      membershipTag: none,
    },
  })
}
