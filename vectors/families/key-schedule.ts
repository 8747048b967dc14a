import type { Bytes } from '../../src/bytes/bytes.ts'
import { Secret } from '../../src/bytes/secret.ts'
import { encode } from '../../src/codec/codec.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { exportSecret } from '../../src/key-schedule/exporter.ts'
import { externalKeyPair } from '../../src/key-schedule/external.ts'
import { deriveEpochSecrets, deriveJoinerSecret } from '../../src/key-schedule/key-schedule.ts'
import { GroupContext } from '../../src/wire/group-context.ts'
import { mls10 } from '../../src/wire/registries.ts'
import type { VectorEngine } from '../engine.ts'
import { expectBytes } from '../expect.ts'
import type { Fields } from '../fields.ts'

/** Family `key-schedule`: the epochs of a group one after the other, RFC 9420 §8. */
export async function checkKeySchedule(vector: Fields, engine: VectorEngine): Promise<void> {
  const suite = engine.suite(vector.number('cipher_suite'))
  let initSecret = vector.hex('initial_init_secret')
  for (const [i, epoch] of vector.objects('epochs').entries())
    initSecret = await checkEpoch(suite, vector.hex('group_id'), i, initSecret, epoch)
}

async function checkEpoch(
  suite: CipherSuite,
  groupId: Bytes,
  index: number,
  initSecret: Bytes,
  epoch: Fields,
): Promise<Bytes> {
  const at = `epochs[${index}]`
  const context = encode(GroupContext, {
    version: mls10,
    cipherSuite: suite.parameters.id,
    groupId,
    epoch: BigInt(index),
    treeHash: epoch.hex('tree_hash'),
    confirmedTranscriptHash: epoch.hex('confirmed_transcript_hash'),
    extensions: [],
  })
  expectBytes(`${at}.group_context`, context, epoch.hex('group_context'))

  const joiner = deriveJoinerSecret(suite, new Secret(initSecret), new Secret(epoch.hex('commit_secret')), context)
  expectSecret(`${at}.joiner_secret`, joiner, epoch.hex('joiner_secret'))
  const psk = new Secret<'psk_secret'>(epoch.hex('psk_secret'))
  const { welcomeSecret, epoch: secrets } = deriveEpochSecrets(suite, joiner, psk, context)
  expectSecret(`${at}.welcome_secret`, welcomeSecret, epoch.hex('welcome_secret'))
  expectSecret(`${at}.sender_data_secret`, secrets.senderDataSecret, epoch.hex('sender_data_secret'))
  expectSecret(`${at}.encryption_secret`, secrets.encryptionSecret, epoch.hex('encryption_secret'))
  expectSecret(`${at}.exporter_secret`, secrets.exporterSecret, epoch.hex('exporter_secret'))
  expectBytes(`${at}.epoch_authenticator`, secrets.epochAuthenticator, epoch.hex('epoch_authenticator'))
  expectSecret(`${at}.external_secret`, secrets.externalSecret, epoch.hex('external_secret'))
  expectSecret(`${at}.confirmation_key`, secrets.confirmationKey, epoch.hex('confirmation_key'))
  expectSecret(`${at}.membership_key`, secrets.membershipKey, epoch.hex('membership_key'))
  expectSecret(`${at}.resumption_psk`, secrets.resumptionPsk, epoch.hex('resumption_psk'))
  expectSecret(`${at}.init_secret`, secrets.initSecret, epoch.hex('init_secret'))

  const { publicKey } = await externalKeyPair(suite, secrets.externalSecret)
  expectBytes(`${at}.external_pub`, publicKey, epoch.hex('external_pub'))
  const exporter = epoch.object('exporter')
  expectBytes(
    `${at}.exporter.secret`,
    exportSecret(
      suite,
      secrets.exporterSecret,
      exporter.text('label'),
      exporter.hex('context'),
      exporter.number('length'),
    ),
    exporter.hex('secret'),
  )
  return secrets.initSecret.take()
}

function expectSecret(what: string, secret: Secret<string>, expected: Uint8Array): void {
  secret.use((bytes) => {
    expectBytes(what, bytes, expected)
  })
}
