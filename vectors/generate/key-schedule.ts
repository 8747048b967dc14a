import { Secret } from '../../src/bytes/secret.ts'
import { toHex } from '../../src/bytes/text.ts'
import { encode } from '../../src/codec/codec.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { exportSecret } from '../../src/key-schedule/exporter.ts'
import { externalKeyPair } from '../../src/key-schedule/external.ts'
import { deriveEpochSecrets, deriveJoinerSecret } from '../../src/key-schedule/key-schedule.ts'
import { GroupContext } from '../../src/wire/group-context.ts'
import { mls10 } from '../../src/wire/registries.ts'

const epochCount = 5

/** Five epochs of one group. */
export async function generateKeySchedule(suite: CipherSuite): Promise<unknown[]> {
  const { hashLength, id } = suite.parameters
  const groupId = suite.randomBytes(16)
  const initialInitSecret = suite.randomBytes(hashLength)
  let initSecret = new Secret<'init_secret'>(Uint8Array.from(initialInitSecret))
  const epochs: unknown[] = []
  for (let epoch = 0; epoch < epochCount; epoch++) {
    const inputs = {
      treeHash: suite.randomBytes(hashLength),
      commitSecret: suite.randomBytes(hashLength),
      // now and then an epoch without PSKs
      pskSecret: epoch % 2 === 0 ? suite.randomBytes(hashLength) : new Uint8Array(hashLength),
      confirmedTranscriptHash: suite.randomBytes(hashLength),
    }
    const { treeHash, confirmedTranscriptHash } = inputs
    const context = encode(GroupContext, {
      version: mls10,
      cipherSuite: id,
      groupId,
      epoch: BigInt(epoch),
      treeHash,
      confirmedTranscriptHash,
      extensions: [],
    })
    const joiner = deriveJoinerSecret(
      suite,
      initSecret,
      new Secret<'commit_secret'>(Uint8Array.from(inputs.commitSecret)),
      context,
    )
    const psk = new Secret<'psk_secret'>(Uint8Array.from(inputs.pskSecret))
    const { welcomeSecret, epoch: secrets } = deriveEpochSecrets(suite, joiner, psk, context)
    const exporter = { label: toHex(suite.randomBytes(8)), context: suite.randomBytes(hashLength), length: 37 }
    epochs.push({
      tree_hash: toHex(treeHash),
      commit_secret: toHex(inputs.commitSecret),
      psk_secret: toHex(inputs.pskSecret),
      confirmed_transcript_hash: toHex(confirmedTranscriptHash),
      group_context: toHex(context),
      joiner_secret: joiner.use(toHex),
      welcome_secret: welcomeSecret.use(toHex),
      init_secret: secrets.initSecret.use(toHex),
      sender_data_secret: secrets.senderDataSecret.use(toHex),
      encryption_secret: secrets.encryptionSecret.use(toHex),
      exporter_secret: secrets.exporterSecret.use(toHex),
      epoch_authenticator: toHex(secrets.epochAuthenticator),
      external_secret: secrets.externalSecret.use(toHex),
      confirmation_key: secrets.confirmationKey.use(toHex),
      membership_key: secrets.membershipKey.use(toHex),
      resumption_psk: secrets.resumptionPsk.use(toHex),
      external_pub: toHex((await externalKeyPair(suite, secrets.externalSecret)).publicKey),
      exporter: {
        label: exporter.label,
        context: toHex(exporter.context),
        length: exporter.length,
        secret: toHex(exportSecret(suite, secrets.exporterSecret, exporter.label, exporter.context, exporter.length)),
      },
    })
    initSecret = secrets.initSecret
  }
  return [{ cipher_suite: id, group_id: toHex(groupId), initial_init_secret: toHex(initialInitSecret), epochs }]
}
