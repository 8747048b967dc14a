import { Secret } from '../../src/bytes/secret.ts'
import { decode, encode } from '../../src/codec/codec.ts'
import {
  checkConfirmationTag,
  confirmationTag,
  confirmedTranscriptHash,
  interimTranscriptHash,
} from '../../src/key-schedule/key-schedule.ts'
import { AuthenticatedContent } from '../../src/wire/framed-content.ts'
import type { VectorEngine } from '../engine.ts'
import { expectBytes, expectEqual, present } from '../expect.ts'
import type { Fields } from '../fields.ts'

/** Family `transcript-hashes`: one commit enters the transcript, RFC 9420 §8.2, and its confirmation tag, §6.1. */
export function checkTranscriptHashes(vector: Fields, engine: VectorEngine): void {
  const suite = engine.suite(vector.number('cipher_suite'))
  const bytes = vector.hex('authenticated_content')
  const content = decode(AuthenticatedContent, bytes)
  expectBytes('authenticated_content, encoded again', encode(AuthenticatedContent, content), bytes)
  expectEqual('content type of authenticated_content', content.content.contentType, 'commit')
  const tag = present('confirmation tag of authenticated_content', content.auth.confirmationTag)

  const confirmed = confirmedTranscriptHash(suite, vector.hex('interim_transcript_hash_before'), content)
  expectBytes('confirmed_transcript_hash_after', confirmed, vector.hex('confirmed_transcript_hash_after'))
  const interim = interimTranscriptHash(suite, confirmed, tag)
  expectBytes('interim_transcript_hash_after', interim, vector.hex('interim_transcript_hash_after'))
  checkConfirmationTag(confirmationTag(suite, new Secret(vector.hex('confirmation_key')), confirmed), tag)
}
