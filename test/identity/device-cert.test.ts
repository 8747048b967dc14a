/** Device certificates: what they bind, and that nothing else passes for them. */
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { ascii } from '../../src/bytes/bytes.ts'
import { MlsError } from '../../src/bytes/errors.ts'
import { decode, encode } from '../../src/codec/codec.ts'
import {
  checkDeviceCertTerms,
  DeviceCert,
  type DeviceCertSubject,
  decodeDeviceCert,
  deviceCertExpired,
  deviceCertInput,
  deviceCertLengths,
  makeOpsDeviceCert,
  makeRootDeviceCert,
  verifyDeviceCert,
} from '../../src/identity/device-cert.ts'
import { identitySignContent } from '../../src/identity/labels.ts'
import { makeOpsCert } from '../../src/identity/ops-cert.ts'
import { codeOf, day, now, type Person, person, rootOf, ruleOf, seeded, signerOf, suite } from './fixture.ts'

let alice: Person
let subject: DeviceCertSubject
let byRoot: DeviceCert
let byOps: DeviceCert & { signer: 'ops' }
const terms = { generation: 0, manifestSeq: 3n, notAfter: now + 100n * day }
beforeAll(async () => {
  alice = await person('alice')
  subject = { account: alice.account, deviceId: seeded('d', 16), leafKey: signerOf('leaf').publicKey }
  byRoot = await makeRootDeviceCert(alice.root, subject, terms)
  byOps = (await makeOpsDeviceCert(alice.ops, alice.cert, subject, terms)) as typeof byOps
})
const rule = (cert: DeviceCert, of: DeviceCertSubject = subject) => ruleOf(() => verifyDeviceCert(suite, of, cert))

test('114 bytes by the root, 226 by OPS, also under a hybrid root', async () => {
  const hybrid = await person('alice', 0, true)
  const ofHybrid = [
    await makeRootDeviceCert(hybrid.root, subject, terms),
    await makeOpsDeviceCert(hybrid.ops, hybrid.cert, subject, terms),
  ]
  for (const [plain, other, length] of [
    [byRoot, ofHybrid[0]!, 114],
    [byOps, ofHybrid[1]!, 226],
  ] as const)
    for (const cert of [plain, other]) {
      const bytes = encode(DeviceCert, cert)
      expect(bytes.length).toBe(length)
      expect(decodeDeviceCert(bytes)).toEqual(cert)
      expect(await rule(cert)).toBe('none')
    }
  expect(deviceCertLengths).toEqual({ root: 114, ops: 226 })
})

test('one at a time and in a batch say the same', async () => {
  for (const cert of [byRoot, byOps]) {
    expect(await suite.verifyMany(deviceCertInput(subject, cert))).not.toContain(false)
    const bent = { ...cert, manifestSeq: 4 }
    expect(await suite.verifyMany(deviceCertInput(subject, bent))).toContain(false)
  }
})

describe('what it binds', () => {
  test('I040 account, device, key and every word of it', async () => {
    const others: DeviceCertSubject[] = [
      { ...subject, account: ascii('alice@example.net') },
      { ...subject, deviceId: seeded('e', 16) },
      { ...subject, leafKey: signerOf('other').publicKey },
    ]
    for (const cert of [byRoot, byOps]) for (const other of others) expect(await rule(cert, other)).toBe('I040')
    for (const change of [
      { generation: 1 },
      { manifestSeq: 4 },
      { notAfter: now },
      { rootEd25519: rootOf('bob').root.ed25519 },
    ])
      for (const cert of [byRoot, byOps]) expect(await rule({ ...cert, ...change })).toBe('I040')
    expect(await rule({ ...byRoot, signature: byOps.signature })).toBe('I040')
  })
  test('the account does not run into the device: lengths are signed', async () => {
    const shifted = { ...subject, account: ascii('alice@example.or') }
    expect(await rule(byRoot, shifted)).toBe('I040')
  })
  test('I041 OPS is certified by the root that is named', async () => {
    const thief = signerOf('thief')
    const content = { ...byOps, opsKey: thief.publicKey }
    const resigned = async (cert: DeviceCert & { signer: 'ops' }, by = thief) => ({
      ...cert,
      signature: (await by.sign(deviceCertInput(subject, cert)[0]!.message)) as Uint8Array<ArrayBuffer>,
    })
    expect(await rule(await resigned(content))).toBe('I041')
    // nor by a certificate of the same OPS key for another root, account or time
    const bob = await person('bob')
    const foreign = await makeOpsCert(suite, bob.root, { ...alice.cert })
    expect(await rule(await resigned({ ...byOps, opsSignature: foreign.signature.ed25519 }, alice.ops))).toBe('I041')
    expect(await rule(await resigned({ ...byOps, opsNotAfter: byOps.opsNotAfter - 1n }, alice.ops))).toBe('I041')
    // a signature of OPS over another label is none
    const wrong = alice.ops.sign(identitySignContent('Manifest', ascii('x')))
    expect(await rule({ ...byOps, signature: wrong })).toBe('I040')
  })
  test('I042 it does not outlive OPS; making one shortens it', async () => {
    const long = await makeOpsDeviceCert(alice.ops, alice.cert, subject, { ...terms, notAfter: now + 500n * day })
    expect(long.notAfter).toBe(alice.cert.notAfter)
    expect(await rule(long)).toBe('none')
    expect(await rule({ ...byOps, notAfter: byOps.opsNotAfter + 1n })).toBe('I042')
  })
  test('I008 I009 I005 I004 its OPS, its root, its version', async () => {
    expect(await rule({ ...byOps, opsNotBefore: byOps.opsNotAfter - 400n * day - 1n })).toBe('I008')
    expect(await rule({ ...byOps, opsKey: byOps.rootEd25519 })).toBe('I009')
    expect(await rule({ ...byRoot, rootEd25519: new Uint8Array(32).fill(255) })).toBe('I005')
    expect(await rule({ ...byRoot, version: 2 })).toBe('I004')
    expect(await ruleOf(() => checkDeviceCertTerms(suite, { ...byRoot, version: 0 }))).toBe('I004')
    expect(await ruleOf(() => decodeDeviceCert(encode(DeviceCert, { ...byRoot, version: 2 })))).toBe('I004')
  })
  test('I043 I003 another signer, and more bytes than it has', async () => {
    const bytes = encode(DeviceCert, byRoot)
    bytes[1 + 32 + 4 + 4 + 8] = 2
    expect(await ruleOf(() => decodeDeviceCert(bytes))).toBe('I043')
    expect(await ruleOf(() => decodeDeviceCert(new Uint8Array(227)))).toBe('I003')
  })
  test('numbers of manifests above 2^32 - 1 are refused, not cut', async () => {
    const seq = { ...terms, manifestSeq: 2n ** 32n }
    expect(await codeOf(() => makeRootDeviceCert(alice.root, subject, seq))).toBe('codec/range')
  })
  test('the end, included', () => {
    expect(deviceCertExpired(byRoot, byRoot.notAfter)).toBe(false)
    expect(deviceCertExpired(byRoot, byRoot.notAfter + 1n)).toBe(true)
  })
})

test('no other bytes pass: any change of any byte is refused with a typed error', () => {
  for (const cert of [byRoot, byOps]) {
    const bytes = encode(DeviceCert, cert)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bent = bytes.slice()
        bent[at]! ^= flip
        try {
          verifyDeviceCert(suite, subject, decodeDeviceCert(bent))
        } catch (error) {
          return error instanceof MlsError
        }
        return false
      }),
      { numRuns: 150 },
    )
    for (let length = 0; length < bytes.length; length++)
      expect(() => decode(DeviceCert, bytes.subarray(0, length))).toThrow(MlsError)
  }
})
