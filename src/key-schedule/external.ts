/** The external key pair of an epoch, and what external commits do with it (RFC 9420 §8, §8.3). */
import { type Bytes, empty, wipe } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { Secret } from '../bytes/secret.ts'
import type { CipherSuite, HpkeKeyPair } from '../crypto/cipher-suite.ts'
import { externalInitContext } from '../crypto/labels.ts'

/**
 * `KEM.DeriveKeyPair(external_secret)`: the public half is the `external_pub` extension of a GroupInfo, the private half
 * belongs to the caller, who wipes it. Does not consume the secret.
 * @throws `secret/consumed`
 */
export async function externalKeyPair(
  suite: CipherSuite,
  externalSecret: Secret<'external_secret'>,
): Promise<HpkeKeyPair> {
  // a copy: the epoch may end and wipe its secrets while the provider works
  const ikm = externalSecret.clone().take()
  try {
    return await suite.deriveKeyPair(ikm)
  } finally {
    wipe(ikm)
  }
}

/** What a joiner sends, and what it keeps. */
export interface ExternalInit {
  /** For the ExternalInit proposal. */
  readonly kemOutput: Bytes
  readonly initSecret: Secret<'init_secret'>
}

/** The joiner's half of RFC 9420 §8.3: a new init secret for the owner of `externalPub`. @throws `crypto/key` */
export async function externalInitSender(suite: CipherSuite, externalPub: Uint8Array): Promise<ExternalInit> {
  const { kemOutput, exported } = await suite.hpkeSenderExport(
    externalPub,
    empty,
    externalInitContext,
    suite.parameters.hashLength,
  )
  return { kemOutput, initSecret: new Secret(exported) }
}

/**
 * The members' half of RFC 9420 §8.3: takes the place of the init secret (V194). Does not consume the external secret: the commit may turn out to be invalid.
 * @throws `crypto/decrypt` for a KEM output that is none (V293); `secret/consumed`
 */
export async function externalInitReceiver(
  suite: CipherSuite,
  externalSecret: Secret<'external_secret'>,
  kemOutput: Uint8Array,
): Promise<Secret<'init_secret'>> {
  const keyPair = await externalKeyPair(suite, externalSecret)
  try {
    return new Secret(
      await suite.hpkeReceiverExport(keyPair, kemOutput, empty, externalInitContext, suite.parameters.hashLength),
    )
  } catch (cause) {
    // RFC 9420 §8.3 V293
    throw new MlsError('crypto/decrypt', 'a KEM output that is none', { rule: 'V293', cause })
  } finally {
    wipe(keyPair.privateKey)
  }
}
