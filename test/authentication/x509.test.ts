import { beforeAll, describe, expect, test, vi } from 'vitest'
import { derElements } from '../../src/authentication/der.ts'
import { type X509Options, x509Authentication } from '../../src/authentication/x509-authentication.ts'
import { type Bytes, concatBytes } from '../../src/bytes/bytes.ts'
import type { MlsError } from '../../src/bytes/errors.ts'
import { utf8 } from '../../src/bytes/text.ts'
import type { CredentialBinding } from '../../src/ports/authentication-service.ts'
import { authority, entity, library, now, type Party, p256, party, rawKey, replaceAt, tlv } from './x509-builder.ts'

// keys are made in the tests, RSA keys among them
vi.setConfig({ testTimeout: 60_000 })

const day = 86_400_000
let root: Party
let middle: Party
let low: Party
let alice: Party
let rootDer: Bytes
let middleDer: Bytes
let aliceDer: Bytes
let aliceKey: Bytes

beforeAll(async () => {
  root = await party('CN=Root')
  middle = await party('CN=Middle')
  low = await party('CN=Low')
  alice = await party('CN=Alice')
  rootDer = await authority(root, root)
  middleDer = await authority(middle, root)
  aliceDer = await entity(alice, middle)
  aliceKey = await rawKey(alice.keys)
})

function binding(certificates: Bytes[], signatureKey: Bytes = aliceKey): CredentialBinding {
  return { credential: { credentialType: 'x509', certificates }, signatureKey }
}

/** `accepted`, or the rule and the reason of the refusal. */
async function outcome(
  certificates: Bytes[],
  options: Partial<X509Options> = {},
  signatureKey: Bytes = aliceKey,
): Promise<string> {
  let reason = 'no reason'
  const service = await x509Authentication({
    trustAnchors: [rootDer],
    clock: { now: () => now },
    onRefused: (error: MlsError) => {
      reason = `${error.rule} ${error.message.replace(/ \[.*/, '')}`
    },
    ...options,
  })
  return (await service.validate(binding(certificates, signatureKey), 'member')) ? 'accepted' : reason
}

describe('a good chain', () => {
  test('with and without the trust anchor, with any number of authorities', async () => {
    expect(await outcome([aliceDer, middleDer])).toBe('accepted')
    expect(await outcome([aliceDer, middleDer, rootDer])).toBe('accepted')
    expect(await outcome([await entity(alice, root)])).toBe('accepted')
    expect(await outcome([await entity(alice, low), await authority(low, middle), middleDer])).toBe('accepted')
    expect(await outcome([aliceDer], { trustAnchors: [middleDer] })).toBe('accepted')
  })

  test('ECDSA keys and authorities, absent keyUsage, a critical subjectAltName', async () => {
    const bob = await party('CN=Bob', p256)
    const ecRoot = await party('CN=EC Root', p256)
    const anchor = await authority(ecRoot, ecRoot, { keyUsage: undefined })
    const names = new library.SubjectAlternativeNameExtension([{ type: 'dns', value: 'bob.example' }], true)
    const chain = [await entity(bob, ecRoot, { keyUsage: undefined, authority: undefined, extensions: [names] })]
    expect(await outcome(chain, { trustAnchors: [anchor] }, await rawKey(bob.keys))).toBe('accepted')
  })

  test('pathLength is a limit on authorities below, self-issued ones not counted', async () => {
    const strict = await authority(middle, root, { pathLength: 0 })
    expect(await outcome([await entity(alice, middle), strict])).toBe('accepted')
    const renewed = await party('CN=Middle')
    const chain = [await entity(alice, renewed), await authority(renewed, middle), strict]
    expect(await outcome(chain)).toBe('accepted')
  })

  test('an anchor of the same name but another key does not hide the right one', async () => {
    const impostor = await party('CN=Root')
    const trustAnchors = [await authority(impostor, impostor), rootDer]
    expect(await outcome([aliceDer, middleDer], { trustAnchors })).toBe('accepted')
  })
})

describe('V055 the end entity holds the signature key', () => {
  test('another key, of the same and of other schemes', async () => {
    const bob = await party('CN=Bob', p256)
    for (const key of [new Uint8Array(32), await rawKey(middle.keys), await rawKey(bob.keys), new Uint8Array(0)])
      expect(await outcome([aliceDer, middleDer], {}, key)).toBe('V055 the certificate is for another key')
  })
})

describe('V056 the chain is well formed', () => {
  test('empty, and without a way to an anchor', async () => {
    expect(await outcome([])).toBe('V056 an empty chain')
    expect(await outcome([aliceDer])).toBe('V056 the chain ends at no trust anchor')
    expect(await outcome([aliceDer, middleDer], { trustAnchors: [] })).toBe('V056 the chain ends at no trust anchor')
    const self = await entity(alice, alice)
    expect(await outcome([self])).toBe('V056 the chain ends at no trust anchor')
  })

  test('wrong order, a gap, a stranger in between', async () => {
    expect(await outcome([middleDer, aliceDer])).toBe('V055 the certificate is for another key')
    expect(await outcome([middleDer, aliceDer], {}, await rawKey(middle.keys))).toBe(
      'V056 the end entity is an authority',
    )
    const lowDer = await authority(low, middle)
    const leaf = await entity(alice, low)
    expect(await outcome([leaf, middleDer, lowDer])).toBe('V056 a certificate does not follow its issuer')
    expect(await outcome([leaf, middleDer])).toBe('V056 a certificate does not follow its issuer')
    expect(await outcome([aliceDer, middleDer, lowDer])).toBe('V056 a certificate does not follow its issuer')
    expect(await outcome([aliceDer, middleDer, rootDer, rootDer])).toBe('accepted')
  })

  test('a chain longer than allowed is refused before it is parsed', async () => {
    const garbage = Array.from({ length: 9 }, () => new Uint8Array(3))
    expect(await outcome(garbage)).toBe('V056 a chain longer than allowed')
    expect(await outcome([aliceDer, middleDer], { maxLength: 1 })).toBe('V056 a chain longer than allowed')
  })

  test('expired, not yet valid, at any place of the chain', async () => {
    const outside = 'V056 a certificate outside its validity'
    const late = { notBefore: now - 2 * day, notAfter: now - day }
    const early = { notBefore: now + day, notAfter: now + 2 * day }
    for (const times of [late, early]) {
      expect(await outcome([await entity(alice, middle, times), middleDer])).toBe(outside)
      expect(await outcome([aliceDer, await authority(middle, root, times)])).toBe(outside)
      const trustAnchors = [await authority(root, root, times)]
      expect(await outcome([aliceDer, middleDer], { trustAnchors })).toBe(outside)
      expect(await outcome([await entity(alice, middle, times), middleDer], { validity: 'ignore' })).toBe('accepted')
    }
    expect(await outcome([aliceDer, middleDer], { clock: { now: () => now + day } })).toBe('accepted')
    expect(await outcome([aliceDer, middleDer], { clock: { now: () => now + day + 1000 } })).toBe(outside)
    const never = { notBefore: now + day, notAfter: now - day }
    expect(await outcome([await entity(alice, middle, never), middleDer], { validity: 'ignore' })).toBe(
      'V056 a certificate that is never valid',
    )
  })

  test('the issuer is no authority, or may not sign certificates', async () => {
    for (const [variation, reason] of [
      [{ authority: false }, 'V056 the issuer is no authority'],
      [{ authority: undefined }, 'V056 the issuer is no authority'],
      [{ keyUsage: 1 }, 'V056 the issuer may not sign certificates'],
    ] as const)
      expect(await outcome([aliceDer, await authority(middle, root, variation)])).toBe(reason)
    const fellow = await party('CN=Fellow')
    const chain = [await entity(alice, fellow), await entity(fellow, middle), middleDer]
    expect(await outcome(chain)).toBe('V056 the issuer is no authority')
  })

  test('the end entity is an authority, or may not sign', async () => {
    expect(await outcome([await authority(alice, middle, { keyUsage: 33 }), middleDer])).toBe(
      'V056 the end entity is an authority',
    )
    expect(await outcome([await entity(alice, middle, { keyUsage: 4 }), middleDer])).toBe(
      'V056 the end entity may not sign',
    )
  })

  test('pathLength exceeded, in the chain and at the anchor', async () => {
    const leaf = await entity(alice, low)
    const lowDer = await authority(low, middle)
    const more = 'V056 more authorities than allowed'
    expect(await outcome([leaf, lowDer, await authority(middle, root, { pathLength: 0 })])).toBe(more)
    const trustAnchors = [await authority(root, root, { pathLength: 1 })]
    expect(await outcome([leaf, lowDer, middleDer], { trustAnchors })).toBe(more)
    expect(await outcome([leaf, lowDer, middleDer, trustAnchors[0]!], { trustAnchors })).toBe(more)
    expect(await outcome([aliceDer, middleDer], { trustAnchors })).toBe('accepted')
  })

  test('signatures that do not hold', async () => {
    const fails = 'V056 a signature of a certificate does not hold'
    const impostor = await party('CN=Middle')
    expect(await outcome([await entity(alice, middle, { signer: impostor }), middleDer])).toBe(fails)
    expect(await outcome([aliceDer, await authority(middle, root, { signer: impostor })])).toBe(fails)
    const changed = Uint8Array.from(aliceDer)
    changed[changed.length - 1]! ^= 1
    expect(await outcome([changed, middleDer])).toBe(fails)
  })

  test('weak signatures of authorities', async () => {
    const weakRoot = await party('CN=Weak Root', p256)
    const trustAnchors = [await authority(weakRoot, weakRoot)]
    const sound = [await entity(alice, weakRoot)]
    expect(await outcome(sound, { trustAnchors })).toBe('accepted')
    const sha1 = [await entity(alice, weakRoot, { hash: 'SHA-1' })]
    expect(await outcome(sha1, { trustAnchors })).toBe('V056 a signature of a certificate does not hold')
    const publicExponent = Uint8Array.of(1, 0, 1)
    const rsa = (modulusLength: number) => ({
      name: 'RSASSA-PKCS1-v1_5',
      hash: 'SHA-256',
      modulusLength,
      publicExponent,
    })
    for (const [bits, expected] of [
      [1024, 'V056 a signature of a certificate does not hold'],
      [2048, 'accepted'],
    ] as const) {
      const rsaRoot = await party('CN=RSA Root', rsa(bits))
      const anchors = [await authority(rsaRoot, rsaRoot)]
      expect(await outcome([await entity(alice, rsaRoot)], { trustAnchors: anchors })).toBe(expected)
    }
  })

  test('garbage, BER, text, trailing bytes, truncation', async () => {
    const noDer = 'V056 a certificate that is not DER'
    const pem = utf8(new library.X509Certificate(aliceDer).toString('pem'))
    const content = derElements(aliceDer)[0]!.content
    const indefinite = concatBytes(Uint8Array.of(0x30, 0x80), content, new Uint8Array(2))
    const longForm = replaceAt(aliceDer, [0], (_, tag, inner) => tlv(tag, inner, 'long'))
    const longFormInside = replaceAt(aliceDer, [0, 1], (_, tag, inner) => tlv(tag, inner, 'long'))
    expect(tlv(0x30, content)).toEqual(aliceDer)
    const inputs = [
      new Uint8Array(0),
      Uint8Array.of(0x30),
      Uint8Array.of(0x30, 0),
      new Uint8Array(200).fill(0x30),
      pem,
      indefinite,
      longForm,
      longFormInside,
      concatBytes(aliceDer, Uint8Array.of(0)),
      concatBytes(aliceDer, Uint8Array.of(5, 0)),
      concatBytes(aliceDer, aliceDer),
    ]
    for (let cut = 1; cut < aliceDer.length; cut += 11) inputs.push(aliceDer.slice(0, cut))
    for (const input of inputs) expect(await outcome([input, middleDer])).toBe(noDer)
    expect(await outcome([new Uint8Array(70_000)])).toBe('V056 a certificate above 65535 bytes')
  })

  test('what two readers would read differently', async () => {
    const name = [0, 0, 5, 0, 0, 1]
    const renamed = replaceAt(aliceDer, name, (_, tag, content) => tlv(tag, content, 'long'))
    expect(await outcome([renamed, middleDer])).toBe('V056 a certificate that can be read in two ways')
    const algorithms = replaceAt(aliceDer, [0, 1, 0], (_, tag) => tlv(tag, Uint8Array.of(0x2b, 0x65, 0x71)))
    expect(await outcome([algorithms, middleDer])).toBe('V056 two signature algorithms')
  })

  test('every changed byte of a certificate is found', async () => {
    const rules = new Set<string | undefined>()
    const { validate } = await x509Authentication({
      trustAnchors: [rootDer],
      clock: { now: () => now },
      onRefused: (error) => rules.add(error.rule),
    })
    expect(await validate(binding([aliceDer, middleDer]), 'member')).toBe(true)
    for (let i = 0; i < aliceDer.length; i++) {
      const changed = Uint8Array.from(aliceDer)
      changed[i]! ^= 0x40
      expect(await validate(binding([changed, middleDer]), 'member'), `byte ${i}`).toBe(false)
    }
    expect([...rules].sort()).toEqual(['V055', 'V056'])
  })

  test('critical extensions that are not processed, extensions twice', async () => {
    const value = Uint8Array.of(5, 0)
    const critical = new library.Extension('1.3.6.1.4.1.99999.1', true, value)
    const harmless = new library.Extension('1.3.6.1.4.1.99999.1', false, value)
    const make = async (...extensions: InstanceType<typeof library.Extension>[]) => [
      await entity(alice, middle, { extensions }),
      middleDer,
    ]
    expect(await outcome(await make(critical))).toBe('V056 a critical extension that is not processed')
    expect(await outcome(await make(harmless))).toBe('accepted')
    expect(await outcome(await make(harmless, harmless))).toBe('V056 an extension twice')
  })
})
