/** A secret that two people share outside of the group goes into its keys. */
import {
  cipherSuite,
  createGroup,
  createIdentity,
  createKeyPackage,
  externalPskId,
  joinGroup,
  MlsError,
  utf8,
} from 'xmpp-mls'

const suite = await cipherSuite('MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519')
const shared = new Map([['from the café', utf8('read out over coffee, 32 bytes..')]])
const psks = { externalPsk: (pskId: Uint8Array) => shared.get(new TextDecoder().decode(pskId)) }

const alice = await createGroup({ suite, identity: createIdentity(suite, 'alice'), options: { psks } })
const bobKeys = await createKeyPackage({ suite, identity: createIdentity(suite, 'bob') })
const { staged } = await alice.commit({ add: [bobKeys], psk: [externalPskId(suite, utf8('from the café'))] })
const { welcome } = alice.merge(staged)
if (welcome === undefined) throw new Error('no Welcome')

try {
  await joinGroup({ suite, welcome, keyPackage: bobKeys })
} catch (error) {
  // nothing is used up: Bob can try again when he has the key
  if (error instanceof MlsError) console.log(`without the key: ${error.code}`)
}
const bob = await joinGroup({ suite, welcome, keyPackage: bobKeys, options: { psks } })
console.log('with the key, equal:', bob.safetyNumber === alice.safetyNumber)
