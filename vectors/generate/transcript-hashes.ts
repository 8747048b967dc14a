import { Secret } from '../../src/bytes/secret.ts'
import { toHex } from '../../src/bytes/text.ts'
import { encode } from '../../src/codec/codec.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { confirmationTag, confirmedTranscriptHash, interimTranscriptHash } from '../../src/key-schedule/key-schedule.ts'
import { AuthenticatedContent, type FramedWireFormat } from '../../src/wire/framed-content.ts'
import { randomUint32 } from './random.ts'

/** A commit in either wire format. Its signature is random: the hash is over whatever was signed. */
export function generateTranscriptHashes(suite: CipherSuite): unknown[] {
  return (['mls_public_message', 'mls_private_message'] as const).map((format) => oneCase(suite, format))
}

function oneCase(suite: CipherSuite, wireFormat: FramedWireFormat) {
  const { hashLength, id } = suite.parameters
  const unsigned: AuthenticatedContent = {
    wireFormat,
    content: {
      groupId: suite.randomBytes(16),
      epoch: BigInt(randomUint32(suite)),
      sender: { senderType: 'member', leafIndex: 3 },
      authenticatedData: suite.randomBytes(9),
      contentType: 'commit',
      commit: {
        proposals: [
          { type: 'reference', reference: suite.randomBytes(hashLength) },
          { type: 'proposal', proposal: { proposalType: 'remove', removed: 1 } },
        ],
        path: undefined,
      },
    },
    auth: { signature: suite.randomBytes(64) },
  }
  const confirmationKey = suite.randomBytes(hashLength)
  const before = suite.randomBytes(hashLength)
  const confirmed = confirmedTranscriptHash(suite, before, unsigned)
  const tag = confirmationTag(suite, new Secret(Uint8Array.from(confirmationKey)), confirmed)
  const content = { ...unsigned, auth: { ...unsigned.auth, confirmationTag: tag } }
  return {
    cipher_suite: id,
    confirmation_key: toHex(confirmationKey),
    authenticated_content: toHex(encode(AuthenticatedContent, content)),
    interim_transcript_hash_before: toHex(before),
    confirmed_transcript_hash_after: toHex(confirmed),
    interim_transcript_hash_after: toHex(interimTranscriptHash(suite, confirmed, tag)),
  }
}
