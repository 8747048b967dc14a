/** Carol joins by herself with a published GroupInfo, loses her state, and comes back in the place of her old leaf. */
import { cipherSuite, createGroup, createIdentity, fromUtf8, joinExternal, utf8 } from 'xmpp-mls'

const suite = await cipherSuite('MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519')
const alice = await createGroup({ suite, identity: createIdentity(suite, 'alice') })

const carolIdentity = createIdentity(suite, 'carol')
const join = await joinExternal({ suite, identity: carolIdentity, groupInfo: await alice.groupInfo() })
// everybody who is in the group processes the commit; then Carol is in
console.log('Alice sees a', (await alice.receive(join.commit)).kind)
const carol = join.complete()
console.log(`members: ${alice.memberCount}, epoch ${alice.epoch}, equal: ${alice.safetyNumber === carol.safetyNumber}`)

// the state is lost: the external commit removes the old leaf in the same step
const old = alice.memberWithSignatureKey(carolIdentity.signer.publicKey)
if (old === undefined) throw new Error('Carol is not in the group')
const groupInfo = await alice.groupInfo()
const again = await joinExternal({ suite, identity: carolIdentity, groupInfo, replaces: old.leafIndex })
const seen = await alice.receive(again.commit)
if (seen.kind === 'commit') console.log(`removed ${seen.changes.removed.length}, members: ${alice.memberCount}`)

const message = await again.complete().receive(alice.protect(utf8('welcome back')))
if (message.kind === 'message') console.log(fromUtf8(message.data))
