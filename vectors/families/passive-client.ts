import { basicAuthentication } from '../../src/authentication/basic-authentication.ts'
import { equalBytes } from '../../src/bytes/bytes.ts'
import type { GroupConfig } from '../../src/commit/config.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { joinGroupWith } from '../../src/group/create-group.ts'
import { makeConfig } from '../../src/group/defaults.ts'
import type { Group } from '../../src/group/group.ts'
import type { KeyPackageBundle } from '../../src/group/key-package.ts'
import { keyPackageRef, verifyKeyPackages } from '../../src/signed/key-package.ts'
import { keySigner } from '../../src/signed/signer.ts'
import type { VectorEngine } from '../engine.ts'
import { expectBytes, expectEqual } from '../expect.ts'
import type { Fields } from '../fields.ts'
import { expectKeyPair, fullPrivateKey } from '../keys.ts'
import { decodeMessage } from '../messages.ts'

/**
 * Families `passive-client-welcome`, `passive-client-handling-commit` and `passive-client-random`: a client joins by Welcome
 * and follows the group, RFC 9420 §12.4.
 */
export async function checkPassiveClient(vector: Fields, engine: VectorEngine): Promise<void> {
  const suite = engine.suite(vector.number('cipher_suite'))
  const bundle = await openKeyPackage(suite, vector)
  const ratchetTree = vector.hexOrNull('ratchet_tree')
  const { group } = await joinGroupWith({
    suite,
    config: followerConfig(vector),
    welcome: vector.hex('welcome'),
    keyPackages: [bundle],
    ...(ratchetTree === undefined ? {} : { ratchetTree }),
  })
  expectBytes('initial_epoch_authenticator', group.epochAuthenticator, vector.hex('initial_epoch_authenticator'))
  for (const [i, epoch] of vector.objects('epochs').entries()) await follow(group, `epochs[${i}]`, epoch)
}

/** One commit, with the proposals that it refers to. */
async function follow(group: Group, what: string, epoch: Fields): Promise<void> {
  for (const [i, message] of epoch.hexes('proposals').entries()) {
    const { kind } = await group.receive(message)
    expectEqual<string>(`${what}.proposals[${i}] is received as`, kind, 'proposal')
  }
  const { kind } = await group.receive(epoch.hex('commit'))
  expectEqual<string>(`${what}.commit is received as`, kind, 'commit')
  expectBytes(`${what}.epoch_authenticator`, group.epochAuthenticator, epoch.hex('epoch_authenticator'))
}

/** The KeyPackage with its private keys, which must belong to it. */
async function openKeyPackage(suite: CipherSuite, vector: Fields): Promise<KeyPackageBundle> {
  const message = vector.hex('key_package')
  const { keyPackage } = decodeMessage('key_package', message, 'mls_key_package')
  await verifyKeyPackages(suite, [keyPackage])
  const privateKey = (name: string) => fullPrivateKey(suite, vector.hex(name))
  const initKeyPair = { publicKey: keyPackage.initKey, privateKey: privateKey('init_priv') }
  const encryptionKeyPair = {
    publicKey: keyPackage.leafNode.encryptionKey,
    privateKey: privateKey('encryption_priv'),
  }
  const signer = keySigner(suite, privateKey('signature_priv'))
  expectBytes('signature_priv', signer.publicKey, keyPackage.leafNode.signatureKey)
  await expectKeyPair('init_priv', suite, initKeyPair)
  await expectKeyPair('encryption_priv', suite, encryptionKeyPair)
  const reference = keyPackageRef(suite, keyPackage)
  return { message, keyPackage, initKeyPair, encryptionKeyPair, signer, reference, lastResort: false }
}

/** A client that keeps no epoch but the current one. */
function followerConfig(vector: Fields): GroupConfig {
  const psks = vector.objects('external_psks').map((psk) => ({ id: psk.hex('psk_id'), psk: psk.hex('psk') }))
  return makeConfig(
    { limits: { pastEpochs: 0 } },
    {
      authentication: basicAuthentication(),
      psks: { externalPsk: async (id) => psks.find((known) => equalBytes(known.id, id))?.psk },
      clock: { now: () => 0 },
    },
  )
}
