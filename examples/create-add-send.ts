/** Alice makes a group, adds Bob, and they talk. The delivery service is a variable. */
import { cipherSuite, createGroup, createIdentity, createKeyPackage, fromUtf8, joinGroup, utf8 } from 'xmpp-mls'

const suite = await cipherSuite('MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519')

// Bob publishes `bobKeys.message` and keeps the rest of `bobKeys` to himself
const bobKeys = await createKeyPackage({ suite, identity: createIdentity(suite, 'bob') })

const alice = await createGroup({ suite, identity: createIdentity(suite, 'alice') })
const { commit, staged } = await alice.commit({ add: [bobKeys.message] })
console.log(`a commit of ${commit.length} bytes goes to the delivery service`)
// when it was accepted, and not before, the commit counts and its Welcome may leave
const { welcome } = alice.merge(staged)
if (welcome === undefined) throw new Error('no Welcome')

const bob = await joinGroup({ suite, welcome, keyPackage: bobKeys })
const received = await bob.receive(alice.protect(utf8('hello, Bob')))
if (received.kind === 'message') console.log(`${name(received.sender)}: ${fromUtf8(received.data)}`)

// the same digits on both sides: both are in the same epoch of the same group
console.log(alice.safetyNumber)
console.log(bob.safetyNumber === alice.safetyNumber ? 'Bob sees the same number' : 'Bob sees another number')

function name({ credential }: { credential: import('xmpp-mls').Credential }): string {
  return credential.credentialType === 'basic' ? fromUtf8(credential.identity) : 'a certificate'
}
