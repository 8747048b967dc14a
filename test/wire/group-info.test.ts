import { expect, test } from 'vitest'
import { copyBytes } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import { cipherSuite } from '../../src/index.ts'
import { lentGroupInfo, signGroupInfo, type VerifiedGroupInfo, verifyGroupInfo } from '../../src/signed/group-info.ts'
import { keySigner } from '../../src/signed/signer.ts'
import { GroupInfo, receiveGroupInfo } from '../../src/wire/group-info.ts'

test('RFC 9420 §12.4.3: what was signed is not encoded again, and is the same', async () => {
  const suite = await cipherSuite(1)
  const { privateKey, publicKey } = suite.generateSignatureKeyPair()
  for (const length of [0, 100, 0x4000, 70_000]) {
    const groupInfo = await signGroupInfo(keySigner(suite, privateKey), {
      groupContext: {
        version: 1,
        cipherSuite: 1,
        groupId: new Uint8Array(5).fill(1),
        epoch: 7n,
        treeHash: new Uint8Array(32).fill(2),
        confirmedTranscriptHash: new Uint8Array(32).fill(3),
        extensions: [],
      },
      extensions: [{ extensionType: 2, extensionData: new Uint8Array(length).fill(4) }],
      confirmationTag: new Uint8Array(32).fill(5),
      signer: 3,
    })
    const bytes = lentGroupInfo(groupInfo, copyBytes)
    expect(bytes).toEqual(encode(GroupInfo, groupInfo))
    expect(lentGroupInfo({ ...groupInfo } as VerifiedGroupInfo, copyBytes)).toEqual(bytes)
    const received = receiveGroupInfo(bytes)
    expect(verifyGroupInfo(suite, received.groupInfo, publicKey, received.signed).extensions).toEqual(
      groupInfo.extensions,
    )
  }
})
