import { expect, test } from 'vitest'
import { encode } from '../../src/codec/codec.ts'
import {
  DeviceCert,
  deviceCertInput,
  makeOpsDeviceCert,
  makeRootDeviceCert,
  verifyDeviceCert,
} from '../../src/identity/device-cert.ts'
import { signManifest, verifyManifest } from '../../src/identity/manifest.ts'
import { contentOf, now, person, seeded, signerOf, suite } from './fixture.ts'

test('sizes of the design', async () => {
  const alice = await person('alice')
  const subject = { account: alice.account, deviceId: seeded('d', 16), leafKey: signerOf('leaf').publicKey }
  const terms = { generation: 0, manifestSeq: 3n, notAfter: now }
  const byRoot = await makeRootDeviceCert(alice.root, subject, terms)
  const byOps = await makeOpsDeviceCert(alice.ops, alice.cert, subject, terms)
  expect(encode(DeviceCert, byRoot).length).toBe(114)
  expect(encode(DeviceCert, byOps).length).toBe(226)
  for (const cert of [byRoot, byOps]) {
    verifyDeviceCert(suite, subject, cert)
    expect(await suite.verifyMany(deviceCertInput(subject, cert))).not.toContain(false)
  }
  const m = await signManifest(suite, alice.byOps, contentOf(alice))
  expect(verifyManifest(suite, m.bytes)).toEqual(m)
})
