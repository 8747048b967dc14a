import { basicAuthentication } from '../../src/authentication/basic-authentication.ts'
import { toHex } from '../../src/bytes/text.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { createGroupWith } from '../../src/group/create-group.ts'
import { makeConfig } from '../../src/group/defaults.ts'
import { systemClock } from '../../src/providers/system-clock.ts'
import { present } from '../expect.ts'
import { newClient } from './simulated-group.ts'

/** A Welcome without PSKs for two newcomers, of which the second is the one of the vector. */
export async function generateWelcome(suite: CipherSuite): Promise<unknown[]> {
  const ports = { authentication: basicAuthentication(), psks: { externalPsk: () => undefined }, clock: systemClock }
  const [creator, first, second] = [await newClient(suite), await newClient(suite), await newClient(suite)]
  const group = await createGroupWith({ suite, config: makeConfig({}, ports), identity: creator.identity })
  const { staged } = await group.commit({ add: [first, second] })
  const { welcome } = group.merge(staged)
  return [
    {
      cipher_suite: suite.parameters.id,
      init_priv: toHex(second.initKeyPair.privateKey),
      signer_pub: toHex(creator.signer.publicKey),
      key_package: toHex(second.message),
      welcome: toHex(present('the Welcome', welcome)),
    },
  ]
}
