/** The rules in rooms: clients whose leaves carry certificates, and one whose leaf does not. */
import { describe, expect, test } from 'vitest'
import { fromHex, utf8 } from '../../../src/bytes/text.ts'
import { makeOpsDeviceCert } from '../../../src/identity/device-cert.ts'
import { identityAuthentication } from '../../../src/identity/group-authentication.ts'
import {
  defaultIdentityPolicy,
  groupRoles,
  identityGroupExtensions,
  leafComponentsOf,
  renewedLeafExtensions,
  withCertificate,
} from '../../../src/identity/group-components.ts'
import { identityGroupRules } from '../../../src/identity/group-rules.ts'
import { makeOpsCert } from '../../../src/identity/ops-cert.ts'
import { draftProposalTypes, extensionTypes } from '../../../src/wire/registries.ts'
import type { LeafProvider, MlsClientOptions, OwnLeaf } from '../../../src/xmpp/index.ts'
import { roomJid, World } from '../../xmpp/mls/world.ts'
import { day, now, person, suite } from '../fixture.ts'

/** What an identity client gives to the binding, for a person with keys from the name. */
async function identityOf(name: string): Promise<Pick<MlsClientOptions, 'authentication' | 'groupRules' | 'leaf'>> {
  const of = await person(name)
  const account = utf8(`${name}@a.test`)
  const times = { notBefore: now - day, notAfter: now + 399n * day }
  const ops = await makeOpsCert(suite, of.root, { account, generation: 0, opsKey: of.ops.publicKey, ...times })
  const certify = ({ device, signatureKey }: OwnLeaf) =>
    makeOpsDeviceCert(
      of.ops,
      ops,
      { account, deviceId: fromHex(device), leafKey: signatureKey },
      { generation: 0, manifestSeq: 0n, notAfter: now + 100n * day },
    )
  let own: OwnLeaf | undefined
  const leaf: LeafProvider = {
    extensionTypes: [extensionTypes.appDataDictionary],
    customProposals: [{ type: draftProposalTypes.appEphemeral, pathRequired: false }],
    async leafExtensions(asked, begins) {
      own = asked
      return withCertificate([], await certify(asked), begins)
    },
    groupExtensions: () =>
      identityGroupExtensions({
        policy: { ...defaultIdentityPolicy, maxCertificateAge: 50 },
        roles: groupRoles([account]),
      }),
    async commitOptions(group, options) {
      const member = group.member(group.leafIndex)
      if (member === undefined || own === undefined) return options
      const extensions = renewedLeafExtensions(group, member.extensions, await certify(own))
      return extensions === undefined ? options : { ...options, leaf: { ...options.leaf, extensions } }
    },
  }
  return { authentication: identityAuthentication(), groupRules: identityGroupRules({ suite }), leaf }
}

describe('rooms with identity rules', () => {
  test('create, invite, talk, rejoin; a device without certificate stays out', async () => {
    const world = new World('identity rules')
    const alice = await world.device('alice@a.test/x', await identityOf('alice'))
    const deviceId = new Uint8Array(16).fill(7)
    const bob = await world.device('bob@a.test/x', { ...(await identityOf('bob')), deviceId })
    const naked = await world.device('eve@a.test/x')
    const garden = await alice.client.room(roomJid)
    await garden.invite('bob@a.test')
    await world.until('the invitation', () => bob.client.invitations.length === 1)
    const bobs = await bob.client.room(roomJid)
    const heard: string[] = []
    bobs.on('message', ({ body }) => heard.push(body ?? ''))
    await garden.send('hello')
    await world.until('the message', () => heard.includes('hello'))
    await bobs.update()
    expect(garden.devices()).toHaveLength(2)

    await expect(garden.invite('eve@a.test')).rejects.toThrow()
    expect(garden.devices()).toHaveLength(2)

    // lost its state, comes back by external commit: its leaf names the epoch that begins
    bob.port.disconnect()
    await bob.client.close()
    const again = await world.device('bob@a.test/x', { ...(await identityOf('bob')), deviceId })
    const back = await again.client.room(roomJid)
    await world.until('agreement', () => back.epochAuthenticator.join() === garden.epochAuthenticator.join())
    await back.send('again')
    expect(garden.devices()).toHaveLength(2)
    await naked.client.close()
    world.stop()
  })

  test('a KeyPackage shows the certificate', async () => {
    const { leaf } = await identityOf('alice')
    const extensions = await leaf!.leafExtensions({
      account: 'alice@a.test',
      device: '07'.repeat(16),
      signatureKey: suite.generateSignatureKeyPair().publicKey,
    })
    expect(leafComponentsOf(extensions)).toMatchObject({ certificateEpoch: undefined })
    expect(leafComponentsOf(extensions).certificate).toHaveLength(226)
  })
})
