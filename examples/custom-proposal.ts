/** A proposal type of an application: a room's title, agreed upon by commits. */
import { cipherSuite, createGroup, createIdentity, createKeyPackage, joinGroup, makeCapabilities } from 'xmpp-mls'
import { decode, encode, nested, opaque, struct } from 'xmpp-mls/codec'

const roomTitle = 0xf042
const RoomTitle = struct({ title: nested(opaque) })
const text = { encode: new TextEncoder(), decode: new TextDecoder() }

const suite = await cipherSuite('MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519')
// every client of the group is told about the type, and says so in its leaf
const options = { customProposals: [{ type: roomTitle, pathRequired: false }] }
const capabilities = makeCapabilities(suite, { proposals: [roomTitle] })

const alice = await createGroup({ suite, identity: createIdentity(suite, 'alice'), capabilities, options })
const bobKeys = await createKeyPackage({ suite, identity: createIdentity(suite, 'bob'), capabilities })
const { welcome } = alice.merge((await alice.commit({ add: [bobKeys] })).staged)
if (welcome === undefined) throw new Error('no Welcome')
const bob = await joinGroup({ suite, welcome, keyPackage: bobKeys, options })

// Bob proposes, Alice commits what was proposed
const body = encode(RoomTitle, { title: text.encode.encode('The walled garden') })
const { proposal } = await bob.propose({ custom: { type: roomTitle, body } })
await alice.receive(proposal)
const { commit, staged } = await alice.commit()
alice.merge(staged)

const seen = await bob.receive(commit)
if (seen.kind === 'commit')
  for (const custom of seen.changes.custom)
    console.log(`the room is now called: ${text.decode.decode(decode(RoomTitle, custom.body).title)}`)
