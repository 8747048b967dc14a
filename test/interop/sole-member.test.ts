/**
 * A group whose only member lost its state, live: ours comes back to a group of its own or of ts-mls by an external commit
 * that removes the old leaf (RFC 9420 §12.4.3.2), and a member of ts-mls joins the epoch that it began. ts-mls 2.0.0-rc.10
 * itself neither makes nor takes such a commit: it empties the tree before it adds the new leaf, and refuses the empty tree.
 */
import * as tsMls from 'ts-mls'
import { expect, test } from 'vitest'
import { cipherSuite, createIdentity, keySigner } from '../../src/index.ts'
import { need, OurPeer } from './peer.ts'
import { TsMlsPeer } from './ts-mls-peer.ts'

const suite = 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519'
const ours = await cipherSuite(suite)
const theirs = await tsMls.getCiphersuiteImpl(suite)

test.each(['ours', 'ts-mls'] as const)('a group that was of %s goes on', async (founder) => {
  const keys = ours.generateSignatureKeyPair()
  const { credential } = createIdentity(ours, 'alone')
  const peer = () => new OurPeer(ours, 'alone', undefined, { credential, signer: keySigner(ours, keys.privateKey) })
  const old = founder === 'ours' ? peer() : new TsMlsPeer(theirs, suite, 'alone', ours, keys)
  await old.create(Uint8Array.of(1, 2, 3))
  const back = peer()
  back.knownLeaf = 0
  const commit = await back.joinExternal(await old.groupInfo(), true)
  expect([back.leaf, back.epoch, back.group.memberCount]).toEqual([0, old.epoch + 1n, 1])
  if (old instanceof OurPeer) {
    await old.receive(commit)
    expect(old.group.status).toBe('removed')
  }

  const other = new TsMlsPeer(theirs, suite, 'other', ours, ours.generateSignatureKeyPair())
  const { welcome } = await back.commit({ add: [await other.keyPackage()] })
  await other.join(need(welcome))
  expect(other.authenticator()).toEqual(back.authenticator())
  await back.receive((await other.commit({})).commit)
  expect(other.authenticator()).toEqual(back.authenticator())
  expect(await back.receive(await other.send(Uint8Array.of(9)))).toEqual(Uint8Array.of(9))
})
