import { equalBytes } from '../../src/bytes/bytes.ts'
import { Secret } from '../../src/bytes/secret.ts'
import { decode, encode } from '../../src/codec/codec.ts'
import { decryptWithLabel, welcomeKeyAndNonce } from '../../src/crypto/labels.ts'
import {
  checkConfirmationTag,
  confirmationTag,
  deriveEpochSecrets,
  deriveWelcomeSecret,
} from '../../src/key-schedule/key-schedule.ts'
import { derivePskSecret } from '../../src/key-schedule/psk-secret.ts'
import { verifyGroupInfo } from '../../src/signed/group-info.ts'
import { keyPackageRef, verifyKeyPackages } from '../../src/signed/key-package.ts'
import { GroupContext } from '../../src/wire/group-context.ts'
import { GroupInfo } from '../../src/wire/group-info.ts'
import { GroupSecrets } from '../../src/wire/welcome.ts'
import type { VectorEngine } from '../engine.ts'
import { expectEqual, present } from '../expect.ts'
import type { Fields } from '../fields.ts'
import { fullPrivateKey } from '../keys.ts'
import { decodeMessage } from '../messages.ts'

/** Family `welcome`: what a Welcome carries, without the group: RFC 9420 §12.4.3. */
export async function checkWelcome(vector: Fields, engine: VectorEngine): Promise<void> {
  const suite = engine.suite(vector.number('cipher_suite'))
  const { keyPackage } = decodeMessage('key_package', vector.hex('key_package'), 'mls_key_package')
  const { welcome } = decodeMessage('welcome', vector.hex('welcome'), 'mls_welcome')
  expectEqual('cipher suite of the Welcome', welcome.cipherSuite, suite.parameters.id)
  await verifyKeyPackages(suite, [keyPackage])

  const reference = keyPackageRef(suite, keyPackage)
  const entry = welcome.secrets.find(({ newMember }) => equalBytes(newMember, reference))
  const sealed = present('the entry of key_package in the Welcome', entry).encryptedGroupSecrets
  const keyPair = { publicKey: keyPackage.initKey, privateKey: fullPrivateKey(suite, vector.hex('init_priv')) }
  const secrets = decode(
    GroupSecrets,
    await decryptWithLabel(suite, keyPair, 'Welcome', welcome.encryptedGroupInfo, sealed),
  )
  expectEqual('number of PSKs', secrets.psks.length, 0)

  const joiner = new Secret<'joiner_secret'>(secrets.joinerSecret)
  const { key, nonce } = welcomeKeyAndNonce(
    suite,
    deriveWelcomeSecret(suite, joiner, derivePskSecret(suite, [])).take(),
  )
  const groupInfo = decode(GroupInfo, suite.open(key, nonce, new Uint8Array(0), welcome.encryptedGroupInfo))
  verifyGroupInfo(suite, groupInfo, vector.hex('signer_pub'))

  const { groupContext } = groupInfo
  const { epoch } = deriveEpochSecrets(suite, joiner, derivePskSecret(suite, []), encode(GroupContext, groupContext))
  checkConfirmationTag(
    confirmationTag(suite, epoch.confirmationKey, groupContext.confirmedTranscriptHash),
    groupInfo.confirmationTag,
  )
}
