/** A group moves to another cipher suite: it ends with a ReInit, and its members meet again in a new one. */
import { cipherSuite, createGroup, createIdentity, createKeyPackage, joinGroup, reinitGroup, utf8 } from 'xmpp-mls'

const oldSuite = await cipherSuite('MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519')
const newSuite = await cipherSuite('MLS_128_DHKEMP256_AES128GCM_SHA256_P256')

const alice = await createGroup({ suite: oldSuite, identity: createIdentity(oldSuite, 'alice') })
const bobKeys = await createKeyPackage({ suite: oldSuite, identity: createIdentity(oldSuite, 'bob') })
const added = alice.merge((await alice.commit({ add: [bobKeys] })).staged)
const bob = await joinGroup({ suite: oldSuite, welcome: need(added.welcome), keyPackage: bobKeys })

const reinit = { groupId: utf8('the garden, second edition'), cipherSuite: newSuite.parameters.id, extensions: [] }
const { commit, staged } = await alice.commit({ reinit })
await bob.receive(commit)
alice.merge(staged)
console.log(`the old group is ${alice.status} for Alice and ${bob.status} for Bob`)

const bobNewKeys = await createKeyPackage({ suite: newSuite, identity: createIdentity(newSuite, 'bob') })
const next = await reinitGroup({
  suite: newSuite,
  group: alice,
  identity: createIdentity(newSuite, 'alice'),
  add: [bobNewKeys.message],
})
const { welcome } = next.group.merge(next.staged)
const bobNext = await joinGroup({
  suite: newSuite,
  welcome: need(welcome),
  keyPackage: bobNewKeys,
  // Bob checks that the new group is the one that the ReInit announced
  follows: { group: bob, usage: 'reinit' },
})
console.log(`${newSuite.parameters.name}, epoch ${bobNext.epoch}`)
console.log('equal:', bobNext.safetyNumber === next.group.safetyNumber)

function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('no Welcome')
  return value
}
