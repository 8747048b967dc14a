import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/bytes/secret.ts'
import { fromHex, toHex } from '../../src/bytes/text.ts'
import { decode, encode } from '../../src/codec/codec.ts'
import { suiteParameters } from '../../src/crypto/suites.ts'
import { exportSecret } from '../../src/key-schedule/exporter.ts'
import { externalKeyPair } from '../../src/key-schedule/external.ts'
import {
  confirmationTag,
  confirmedTranscriptHash,
  deriveEpochSecrets,
  deriveJoinerSecret,
  deriveWelcomeSecret,
  interimTranscriptHash,
  verifyConfirmationTag,
} from '../../src/key-schedule/key-schedule.ts'
import { derivePskSecret } from '../../src/key-schedule/psk-secret.ts'
import { nobleProvider } from '../../src/providers/noble/provider.ts'
import { systemRng } from '../../src/providers/system-rng.ts'
import { AuthenticatedContent } from '../../src/wire/framed-content.ts'
import { GroupContext } from '../../src/wire/group-context.ts'
import { loadVectors } from '../support/vectors.ts'

const open = (id: number) => nobleProvider.open(suiteParameters(id), systemRng)
const hex = (secret: Secret<string>) => secret.use(toHex)

interface EpochVector {
  readonly [name: string]: string
}
interface KeyScheduleVector {
  readonly cipher_suite: number
  readonly group_id: string
  readonly initial_init_secret: string
  readonly epochs: readonly (Omit<EpochVector, 'exporter'> & {
    readonly exporter: { label: string; context: string; length: number; secret: string }
  })[]
}

describe('key-schedule.json', () => {
  for (const vector of loadVectors<KeyScheduleVector[]>('mlswg/key-schedule.json') ?? [])
    test(`suite ${vector.cipher_suite}`, async () => {
      const suite = open(vector.cipher_suite)
      let initSecret = new Secret<'init_secret'>(fromHex(vector.initial_init_secret))
      let epochNumber = 0n
      expect(vector.epochs.length).toBeGreaterThan(0)
      for (const expected of vector.epochs) {
        const at = (name: string): string => (expected as unknown as EpochVector)[name] as string
        const context = encode(GroupContext, {
          version: 1,
          cipherSuite: vector.cipher_suite,
          groupId: fromHex(vector.group_id),
          epoch: epochNumber++,
          treeHash: fromHex(at('tree_hash')),
          confirmedTranscriptHash: fromHex(at('confirmed_transcript_hash')),
          extensions: [],
        })
        expect(toHex(context)).toBe(at('group_context'))
        const commitSecret = new Secret<'commit_secret'>(fromHex(at('commit_secret')))
        const joiner = deriveJoinerSecret(suite, initSecret, commitSecret, context)
        expect(hex(joiner)).toBe(at('joiner_secret'))
        const psk = new Secret<'psk_secret'>(fromHex(at('psk_secret')))
        expect(hex(deriveWelcomeSecret(suite, joiner, psk))).toBe(at('welcome_secret'))
        const { welcomeSecret, epoch } = deriveEpochSecrets(suite, joiner, psk, context)
        expect(hex(welcomeSecret)).toBe(at('welcome_secret'))
        expect(hex(epoch.initSecret)).toBe(at('init_secret'))
        expect(hex(epoch.senderDataSecret)).toBe(at('sender_data_secret'))
        expect(hex(epoch.encryptionSecret)).toBe(at('encryption_secret'))
        expect(hex(epoch.exporterSecret)).toBe(at('exporter_secret'))
        expect(toHex(epoch.epochAuthenticator)).toBe(at('epoch_authenticator'))
        expect(hex(epoch.externalSecret)).toBe(at('external_secret'))
        expect(hex(epoch.confirmationKey)).toBe(at('confirmation_key'))
        expect(hex(epoch.membershipKey)).toBe(at('membership_key'))
        expect(hex(epoch.resumptionPsk)).toBe(at('resumption_psk'))
        expect(toHex((await externalKeyPair(suite, epoch.externalSecret)).publicKey)).toBe(at('external_pub'))
        const { label, context: exportContext, length, secret } = expected.exporter
        expect(toHex(exportSecret(suite, epoch.exporterSecret, label, fromHex(exportContext), length))).toBe(secret)
        initSecret = epoch.initSecret
      }
    })
})

interface PskVector {
  readonly cipher_suite: number
  readonly psks: readonly { psk_id: string; psk: string; psk_nonce: string }[]
  readonly psk_secret: string
}

describe('psk_secret.json', () => {
  for (const { cipher_suite, psks, psk_secret } of loadVectors<PskVector[]>('mlswg/psk_secret.json') ?? [])
    test(`suite ${cipher_suite}, ${psks.length} PSKs`, () => {
      const secret = derivePskSecret(
        open(cipher_suite),
        psks.map(({ psk_id, psk, psk_nonce }) => ({
          id: { psktype: 'external', pskId: fromHex(psk_id), pskNonce: fromHex(psk_nonce) },
          psk: fromHex(psk),
        })),
      )
      expect(hex(secret)).toBe(psk_secret)
    })
})

interface TranscriptVector {
  readonly cipher_suite: number
  readonly confirmation_key: string
  readonly authenticated_content: string
  readonly interim_transcript_hash_before: string
  readonly confirmed_transcript_hash_after: string
  readonly interim_transcript_hash_after: string
}

describe('transcript-hashes.json', () => {
  for (const vector of loadVectors<TranscriptVector[]>('mlswg/transcript-hashes.json') ?? [])
    test(`suite ${vector.cipher_suite}`, () => {
      const suite = open(vector.cipher_suite)
      const content = decode(AuthenticatedContent, fromHex(vector.authenticated_content))
      const confirmed = confirmedTranscriptHash(suite, fromHex(vector.interim_transcript_hash_before), content)
      expect(toHex(confirmed)).toBe(vector.confirmed_transcript_hash_after)
      const key = new Secret<'confirmation_key'>(fromHex(vector.confirmation_key))
      const tag = confirmationTag(suite, key, confirmed)
      expect(content.auth.confirmationTag).toEqual(tag)
      verifyConfirmationTag(suite, key, confirmed, tag)
      expect(toHex(interimTranscriptHash(suite, confirmed, tag))).toBe(vector.interim_transcript_hash_after)
    })
})
