import fc from 'fast-check'
import QRCode from 'qrcode'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Bytes, empty } from '../../../src/bytes/bytes.ts'
import { utf8 } from '../../../src/bytes/text.ts'
import { encode } from '../../../src/codec/codec.ts'
import { DeviceCert, makeOpsDeviceCert, makeRootDeviceCert } from '../../../src/identity/device-cert.ts'
import { type LinkingDevice, requestLink } from '../../../src/identity/link.ts'
import { type LinkPayload, LinkPayload as LinkPayloadCodec, linkLimits } from '../../../src/identity/link-payload.ts'
import { reviewLink, sealedLinkText } from '../../../src/identity/link-steward.ts'
import { linkLifetimes } from '../../../src/identity/link-transcript.ts'
import { makeOpsCert } from '../../../src/identity/ops-cert.ts'
import { rootHash, rootSigner } from '../../../src/identity/root-keys.ts'
import {
  alice,
  anyText,
  bob,
  bodyOf,
  codeOf,
  codeOfAsync,
  labelled,
  now,
  opaqueV,
  sha256,
  slowText,
  suite,
  u64,
} from './support.ts'

type Payload = Omit<LinkPayload, 'version'>
const day = 86_400n
const root = rootSigner(suite, new Uint8Array(32).fill(5), false)
const ops = suite.generateSignatureKeyPair()
const leaf = suite.generateSignatureKeyPair().publicKey
const deviceId = suite.randomBytes(16)
const device = { deviceId, leafKey: leaf, name: 'Browser on Linux' }
const terms = { generation: 2, manifestSeq: 40n, notAfter: now + 180n * day }
const opsSigner = { publicKey: ops.publicKey, sign: async (message: Uint8Array) => suite.sign(ops.privateKey, message) }
let payload: Payload

beforeAll(async () => {
  const cert = await makeOpsCert(suite, root, {
    account: alice,
    generation: 2,
    opsKey: ops.publicKey,
    notBefore: now - day,
    notAfter: now + 300n * day,
  })
  payload = {
    account: alice,
    rootHash: rootHash(suite, root.root),
    head: { generation: 2, seq: 41n, hash: new Uint8Array(16).fill(3) },
    login: { login: 'token', mechanism: utf8('HT-SHA-256-ENDP'), secret: new Uint8Array(48).fill(8) },
    deviceCert: await makeOpsDeviceCert(opsSigner, cert, { account: alice, deviceId, leafKey: leaf }, terms),
    opsPrivateKey: ops.privateKey,
    welcome: undefined,
    historyKey: new Uint8Array(32).fill(4),
  }
})

const never = { account: alice, used: () => false }
/** Both sides up to the typed code. */
async function meet(at = now) {
  const linking = await requestLink(suite, device, at)
  const review = reviewLink(suite, linking.text, never, at)
  return { linking, review, code: linking.showCode(review.challenge, at) }
}
async function sealed(content = payload): Promise<{ linking: LinkingDevice; bytes: Bytes; code: string }> {
  const { linking, review, code } = await meet()
  return { linking, code, bytes: await review.confirm(code, now).seal(content, now) }
}
const wrong = (code: string) => String((Number(code) + 1) % 10_000).padStart(4, '0')

describe('linking', () => {
  test('from QR1 to QR2', async () => {
    const linking = await requestLink(suite, device, now)
    const review = reviewLink(suite, linking.text, never, now + 5n)
    expect(review).toMatchObject({ name: 'Browser on Linux', deviceId, leafKey: leaf })
    const code = linking.showCode(`${review.challenge.slice(0, 3)} ${review.challenge.slice(3)}`, now + 20n)
    const bytes = await review.confirm(` ${code.slice(0, 2)} ${code.slice(2)}`, now + 30n).seal(payload, now + 31n)
    expect(await linking.openText(sealedLinkText(suite, bytes), now + 40n, alice)).toEqual({ ...payload, version: 1 })
  })

  test('the same payload through a server, with a Welcome, and no expected account', async () => {
    const large: Payload = {
      ...payload,
      welcome: new Uint8Array(30_000),
      login: { login: 'none' },
      opsPrivateKey: undefined,
    }
    const { linking, bytes } = await sealed(large)
    expect(await linking.open(bytes, now)).toEqual({ ...large, version: 1 })
    const password: Payload = { ...payload, login: { login: 'password', secret: utf8('x') } }
    const second = await sealed(password)
    expect(await second.linking.open(second.bytes, now)).toEqual({ ...password, version: 1 })
  })

  test('bytes as computed a second time', async () => {
    const { linking, review, code } = await meet()
    const body = bodyOf(linking.text)
    const { hpkeKey, nonce } = { hpkeKey: body.subarray(50, 82), nonce: body.subarray(82, 98) }
    expect(body).toEqual(
      Buffer.concat([Buffer.of(1), deviceId, opaqueV(leaf), hpkeKey, nonce, u64(now), opaqueV(device.name)]),
    )
    expect(linking.text).toBe(slowText('L', body))
    expect(Buffer.from(review.requestId)).toEqual(sha256(labelled('Link Request', body)))
    const hash = sha256(labelled('Link Code', body, review.challenge))
    expect(code).toBe(String(hash.readBigUInt64BE() % 10_000n).padStart(4, '0'))

    // what an independent steward seals, opens
    const info = labelled('Link Payload', body, review.challenge)
    const plaintext = encode(LinkPayloadCodec, { ...payload, version: 1 })
    const { kemOutput, ciphertext } = await suite.hpkeSeal({ publicKey: hpkeKey, info, aad: empty, plaintext })
    const bytes = Buffer.concat([Buffer.of(1), kemOutput, opaqueV(ciphertext)])
    expect((await linking.open(bytes, now)).account).toEqual(alice)
  })

  test('the challenge has a check digit: one slip is no attempt', async () => {
    const linking = await requestLink(suite, device, now)
    const { challenge } = reviewLink(suite, linking.text, never, now)
    expect(challenge).toMatch(/^\d{6}$/)
    for (let i = 0; i < 6; i++) {
      const slip = challenge.slice(0, i) + ((Number(challenge[i]) + 1) % 10) + challenge.slice(i + 1)
      expect(codeOf(() => linking.showCode(slip, now))).toBe('codec/text')
    }
    for (const text of ['', '12345', '1234567', 'abcdef', `${challenge}0`])
      expect(codeOf(() => linking.showCode(text, now))).toBe('codec/text')
    expect(linking.showCode(challenge, now)).toMatch(/^\d{4}$/)
    // the whole number with its check digit, from the right: every second digit doubled, the digits of that summed
    const sum = [...challenge].reverse().flatMap((digit, i) => [...String(Number(digit) * (i % 2 === 0 ? 1 : 2))])
    expect(sum.reduce((total, digit) => total + Number(digit), 0) % 10).toBe(0)
    expect(codeOf(() => linking.showCode(challenge, now))).toBe('identity_link/used')
  })

  test('one attempt with the code; what is no code is no attempt', async () => {
    const { review, code } = await meet()
    for (const typed of ['', '123', '12345', 'abcd'])
      expect(codeOf(() => review.confirm(typed, now))).toBe('codec/text')
    expect(codeOf(() => review.confirm(wrong(code), now))).toBe('identity_link/code')
    expect(codeOf(() => review.confirm(code, now))).toBe('identity_link/used')
    const second = await meet()
    second.review.confirm(second.code, now)
    expect(codeOf(() => second.review.confirm(second.code, now))).toBe('identity_link/used')
  })

  test('phishing: the code of another QR1 is another one, and so is the code of another challenge', async () => {
    let same = 0
    for (let i = 0; i < 20; i++) {
      const honest = await requestLink(suite, device, now)
      const attacker = await requestLink(suite, { ...device, deviceId: suite.randomBytes(16) }, now)
      const review = reviewLink(suite, attacker.text, never, now)
      if (codeOf(() => review.confirm(honest.showCode(review.challenge, now), now)) !== 'identity_link/code') same++
    }
    // one in ten thousand each
    expect(same).toBeLessThanOrEqual(1)
    const linking = await requestLink(suite, device, now)
    const codes = new Set<string>()
    for (let i = 0; i < 20; i++) {
      const review = reviewLink(suite, linking.text, never, now)
      const hash = sha256(labelled('Link Code', bodyOf(linking.text), review.challenge))
      codes.add(String(hash.readBigUInt64BE() % 10_000n))
    }
    expect(codes.size).toBeGreaterThan(15)
  })

  test('relay: a payload opens for one request and one challenge', async () => {
    const one = await sealed()
    const two = await sealed()
    expect(await codeOfAsync(() => two.linking.open(one.bytes, now))).toBe('identity_link/payload')
    // somebody who saw QR1, but not the digits on the steward's screen, cannot pull the device into an account
    const stranger = await meet()
    const review = reviewLink(suite, stranger.linking.text, { account: alice, used: () => false }, now)
    const hash = sha256(labelled('Link Code', bodyOf(stranger.linking.text), review.challenge))
    const code = String(hash.readBigUInt64BE() % 10_000n).padStart(4, '0')
    const bytes = await review.confirm(code, now).seal(payload, now)
    const outcome = await codeOfAsync(() => stranger.linking.open(bytes, now))
    expect(outcome).toBe(review.challenge === stranger.review.challenge ? 'none' : 'identity_link/payload')
  })

  test('three payloads that do not open end the request', async () => {
    const { linking, bytes } = await sealed()
    const foreign = (await sealed()).bytes
    for (let i = 0; i < 3; i++)
      expect(await codeOfAsync(() => linking.open(foreign, now))).toBe('identity_link/payload')
    expect(await codeOfAsync(() => linking.open(bytes, now))).toBe('identity_link/used')
    const two = await sealed()
    for (let i = 0; i < 2; i++)
      expect(await codeOfAsync(() => two.linking.open(foreign, now))).toBe('identity_link/payload')
    expect(await codeOfAsync(() => two.linking.open(two.bytes, now))).toBe('none')
  })

  test('replay: a request is answered once, a payload opened once, a right used once', async () => {
    const { linking, review, code } = await meet()
    const seen = { account: alice, used: (id: Uint8Array) => Buffer.compare(id, review.requestId) === 0 }
    expect(codeOf(() => reviewLink(suite, linking.text, seen, now))).toBe('identity_link/used')
    const confirmed = review.confirm(code, now)
    const both = await Promise.allSettled([confirmed.seal(payload, now), confirmed.seal(payload, now)])
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    const bytes = (both[0] as PromiseFulfilledResult<Bytes>).value
    expect(await codeOfAsync(() => confirmed.seal(payload, now))).toBe('identity_link/used')
    await linking.open(bytes, now)
    expect(await codeOfAsync(() => linking.open(bytes, now))).toBe('identity_link/used')
  })

  test('a payload that was refused does not use up the right to seal', async () => {
    const { review, code } = await meet()
    const confirmed = review.confirm(code, now)
    expect(await codeOfAsync(() => confirmed.seal({ ...payload, account: bob }, now))).toBe('identity_link/account')
    expect(await codeOfAsync(() => confirmed.seal(payload, now))).toBe('none')
  })

  test('another account, on both sides', async () => {
    const { linking, bytes } = await sealed()
    expect(await codeOfAsync(() => linking.open(bytes, now, bob))).toBe('identity_link/account')
    expect(await codeOfAsync(() => linking.open(bytes, now, alice))).toBe('identity_link/used')
    expect(codeOf(() => reviewLink(suite, linking.text, { ...never, account: empty }, now))).toBe('identity/account')
  })

  test('certificates of other devices, keys, generations and manifests; foreign OPS keys', async () => {
    const subject = { account: alice, deviceId, leafKey: leaf }
    const rootSigned = (who: object, what: object = {}) =>
      makeRootDeviceCert(root, { ...subject, ...who }, { ...terms, ...what })
    const flipped = {
      ...payload.deviceCert,
      signature: payload.deviceCert.signature.map((byte, i) => (i === 9 ? byte ^ 1 : byte)),
    }
    const bad: Partial<Payload>[] = [
      { deviceCert: await rootSigned({ account: bob }) },
      { deviceCert: await rootSigned({ deviceId: new Uint8Array(16) }) },
      { deviceCert: await rootSigned({ leafKey: suite.generateSignatureKeyPair().publicKey }) },
      { deviceCert: await rootSigned({}, { generation: 1 }) },
      { deviceCert: await rootSigned({}, { manifestSeq: 42n }) },
      { deviceCert: flipped },
      { opsPrivateKey: suite.generateSignatureKeyPair().privateKey },
    ]
    for (const change of bad) {
      const { review, code, linking } = await meet()
      const content = { ...payload, ...change }
      expect(await codeOfAsync(() => review.confirm(code, now).seal(content, now))).toBe('identity_link/certificate')
      // a steward that does not check meets a device that does
      const body = bodyOf(linking.text)
      const info = labelled('Link Payload', body, review.challenge)
      const plaintext = encode(LinkPayloadCodec, { ...content, version: 1 })
      const { kemOutput, ciphertext } = await suite.hpkeSeal({
        publicKey: body.subarray(50, 82),
        info,
        aad: empty,
        plaintext,
      })
      const bytes = Buffer.concat([Buffer.of(1), kemOutput, opaqueV(ciphertext)])
      expect(await codeOfAsync(() => linking.open(bytes, now))).toBe('identity_link/certificate')
    }
    const { linking, bytes } = await sealed({ ...payload, deviceCert: await rootSigned({}, { manifestSeq: 41n }) })
    expect(await codeOfAsync(() => linking.open(bytes, now))).toBe('none')
  })

  test('old requests, slow users, clocks that differ', async () => {
    const { request, clockSkew } = linkLifetimes
    const linking = await requestLink(suite, device, now)
    const read = (at: bigint) => codeOf(() => reviewLink(suite, linking.text, never, at))
    expect(read(now - clockSkew)).toBe('none')
    expect(read(now - clockSkew - 1n)).toBe('identity_link/expired')
    expect(read(now + request + clockSkew)).toBe('none')
    expect(read(now + request + clockSkew + 1n)).toBe('identity_link/expired')

    const { review, code } = await meet()
    expect(codeOf(() => review.confirm(code, now + request + 1n))).toBe('identity_link/expired')
    expect(codeOf(() => review.confirm(code, now - 1n))).toBe('identity_link/expired')
    const confirmed = review.confirm(code, now + request)
    expect(await codeOfAsync(() => confirmed.seal(payload, now + request + 1n))).toBe('identity_link/expired')

    for (const late of [now + 2n * request + 1n, now - 1n]) {
      const one = await sealed()
      expect(await codeOfAsync(() => one.linking.open(one.bytes, late))).toBe('identity_link/expired')
      expect(await codeOfAsync(() => one.linking.open(one.bytes, now))).toBe('identity_link/used')
      const two = await requestLink(suite, device, now)
      expect(codeOf(() => two.showCode('000000', late))).toBe('identity_link/expired')
    }
    const one = await sealed()
    expect(await codeOfAsync(() => one.linking.open(one.bytes, now + 2n * request))).toBe('none')
  })

  test('nothing opens before the challenge was typed, or after closing', async () => {
    const { bytes } = await sealed()
    const fresh = await requestLink(suite, device, now)
    expect(await codeOfAsync(() => fresh.open(bytes, now))).toBe('identity_link/used')
    const closed = await sealed()
    closed.linking.close()
    expect(await codeOfAsync(() => closed.linking.open(closed.bytes, now))).toBe('identity_link/used')
  })

  test('a QR1 with no key, and names that hide something', async () => {
    const linking = await requestLink(suite, device, now)
    const body = bodyOf(linking.text)
    const noKey = Buffer.from(body)
    noKey.fill(0, 50, 82)
    expect(codeOf(() => reviewLink(suite, slowText('L', noKey), never, now))).toBe('identity_link/request')
    const bent = Buffer.from(body)
    bent[bent.length - 1] = 7
    expect(codeOf(() => reviewLink(suite, slowText('L', bent), never, now))).toBe('codec/text')
    for (const name of ['a\u202eb', 'a\nb', 'a\u2028b'])
      expect(await codeOfAsync(() => requestLink(suite, { ...device, name }, now))).toBe('codec/text')
    expect(await codeOfAsync(() => requestLink(suite, { ...device, name: 'x'.repeat(65) }, now))).toBe('identity/limit')
    expect(await codeOfAsync(() => requestLink(suite, { ...device, leafKey: empty }, now))).toBe('identity/limit')
    expect(await codeOfAsync(() => requestLink(suite, { ...device, deviceId: empty }, now))).toBe('codec/range')
  })

  test('cut, changed and foreign QR1 and payloads', async () => {
    const { linking, bytes } = await sealed()
    const read = (text: string) => codeOf(() => reviewLink(suite, text, never, now))
    for (let i = 0; i < linking.text.length; i++)
      expect(read(linking.text.slice(0, i))).toBe(i < 9 ? 'identity_qr/text' : 'identity_qr/damaged')
    expect(read(sealedLinkText(suite, bytes))).toBe('identity_qr/text')
    const body = bodyOf(linking.text)
    expect(read(slowText('L', Buffer.concat([Buffer.of(9), body.subarray(1)])))).toBe('identity_qr/version')
    for (let i = 1; i < body.length; i += 7) expect(read(slowText('L', body.subarray(0, i)))).toBe('codec/short')
    fc.assert(
      fc.property(anyText(60), (text) => {
        expect(read(text)).toBe('identity_qr/text')
      }),
    )

    for (let i = 0; i < bytes.length; i += 13)
      expect(await codeOfAsync(() => linking.open(bytes.slice(0, i), now))).toBe('codec/short')
    expect(await codeOfAsync(() => linking.open(Uint8Array.of(2, ...bytes.subarray(1)), now))).toBe(
      'identity_qr/version',
    )
    expect(await codeOfAsync(() => linking.open(new Uint8Array(linkLimits.sealed + 1), now))).toBe('identity_link/size')
    const flipped = bytes.slice()
    flipped[100]! ^= 1
    expect(await codeOfAsync(() => linking.open(flipped, now))).toBe('identity_link/payload')
    expect(await codeOfAsync(() => linking.openText('XMPPID:P:0', now))).toBe('identity_qr/damaged')
    expect(await codeOfAsync(() => linking.open(bytes, now))).toBe('none')
  })

  test('QR1 is small; QR2 with everything but the Welcome is one code of at most 600 bytes', async () => {
    const { linking, bytes } = await sealed()
    const [first, second] = [linking.text, sealedLinkText(suite, bytes)]
    expect(bodyOf(first).length).toBeLessThanOrEqual(128)
    expect(bytes.length).toBeLessThanOrEqual(linkLimits.qr)
    const codes = [first, second].map((text) => QRCode.create(text, { errorCorrectionLevel: 'L' }))
    expect(codes.flatMap(({ segments }) => segments.map(({ mode }) => mode.id))).not.toContain('Byte')
    expect(codes[0]!.version).toBeLessThanOrEqual(8)
    expect(codes[1]!.version).toBeLessThanOrEqual(18)
    expect(encode(DeviceCert, payload.deviceCert)).toHaveLength(226)
    const large = await sealed({ ...payload, welcome: new Uint8Array(200) })
    expect(codeOf(() => sealedLinkText(suite, large.bytes))).toBe('identity_link/size')
  })
})
