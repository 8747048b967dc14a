import fc from 'fast-check'
import QRCode from 'qrcode'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../../src/bytes/text.ts'
import { scanVerifyQr, showVerifyQr, type VerifiedSide, verifyQrLifetime } from '../../../src/identity/verify-qr.ts'
import {
  alice,
  anyText,
  bob,
  bodyOf,
  carol,
  codeOf,
  hmac256,
  labelled,
  now,
  opaqueV,
  slowText,
  suite,
  u32,
  u64,
} from './support.ts'

const root = (byte: number) => new Uint8Array(32).fill(byte)
const a: VerifiedSide = { account: alice, rootHash: root(1), generation: 3, seq: 70n }
const b: VerifiedSide = { account: bob, rootHash: root(2), generation: 0, seq: 5n }
const other = root(9)
const sideBytes = ({ account, rootHash, generation, seq }: VerifiedSide) =>
  Buffer.concat([opaqueV(account), rootHash, u32(generation), u64(seq)])

/** Alice shows, Bob scans; what each of them holds for the other. */
function scan(
  options: { aHolds?: object | null; bHolds?: object | null; own?: VerifiedSide; showTo?: VerifiedSide } = {},
) {
  const { aHolds = {}, bHolds = {}, own = b, showTo = b } = options
  const shown = showVerifyQr(suite, { own: a, ...(aHolds === null ? {} : { peer: { ...showTo, ...aHolds } }) }, now)
  const peer = { account: alice, ...(bHolds === null ? {} : { held: { ...a, ...bHolds } }) }
  return { shown, result: scanVerifyQr(suite, shown.text, { own, peer }) }
}
const replyOf = (result: ReturnType<typeof scanVerifyQr>) => {
  if (result.outcome !== 'match') throw new Error(result.outcome)
  return result.reply
}

describe('verification by QR code', () => {
  test('one scan verifies both, with bytes as computed a second time', () => {
    const { shown, result } = scan()
    const reply = replyOf(result)
    expect(result.theirs).toEqual(a)
    const body = bodyOf(shown.text)
    const secret = body.subarray(-16)
    expect(body).toEqual(
      Buffer.concat([
        Buffer.of(1),
        sideBytes(a).subarray(0, -12),
        u32(3),
        u64(70n),
        Buffer.of(1),
        opaqueV(bob),
        root(2),
        u32(0),
        secret,
      ]),
    )
    expect(shown.text).toBe(slowText('V', body))
    const proof = hmac256(secret, labelled('Verify Proof', sideBytes(a), sideBytes(b)))
    expect(Buffer.from(reply)).toEqual(Buffer.concat([Buffer.of(1), u32(0), u64(5n), proof]))
    expect(shown.check(reply, b, now + 3n)).toBe('match')
  })

  test('a first contact: nothing is held on either side', () => {
    const { shown, result } = scan({ aHolds: null, bHolds: null })
    expect(shown.check(replyOf(result), b, now)).toBe('match')
    const unasked = showVerifyQr(suite, { own: a }, now)
    expect(scanVerifyQr(suite, unasked.text, { own: b })).toMatchObject({ outcome: 'match', theirs: a })
  })

  test('what each side holds is compared', () => {
    const outcome = (options: Parameters<typeof scan>[0]) => scan(options).result.outcome
    expect(outcome({ bHolds: { rootHash: other } })).toBe('theirs_differs')
    expect(outcome({ bHolds: { rootHash: other, generation: 2 } })).toBe('newer')
    expect(outcome({ bHolds: { rootHash: other, generation: 4 } })).toBe('theirs_differs')
    expect(outcome({ aHolds: { rootHash: other } })).toBe('ours_differs')
    expect(outcome({ aHolds: { rootHash: other }, own: { ...b, generation: 1 } })).toBe('older')
    expect(outcome({ aHolds: { rootHash: other, generation: 1 } })).toBe('ours_differs')
    expect('reply' in scan({ aHolds: { rootHash: other } }).result).toBe(false)
  })

  test('the answer proves the root of the scanner', () => {
    const answered = (scanner: VerifiedSide, held: VerifiedSide) => {
      const { shown, result } = scan({ aHolds: null, own: scanner })
      return shown.check(replyOf(result), held, now)
    }
    expect(answered(b, b)).toBe('match')
    expect(answered({ ...b, seq: 9n }, b)).toBe('match')
    expect(answered({ ...b, rootHash: other }, b)).toBe('theirs_differs')
    expect(answered({ ...b, rootHash: other, generation: 1 }, b)).toBe('newer')
    expect(answered({ ...b, account: carol }, b)).toBe('theirs_differs')
  })

  test('an answer is for one code, once, and not for its own sender', () => {
    const { shown, result } = scan()
    const reply = replyOf(result)
    expect(showVerifyQr(suite, { own: a, peer: b }, now).check(reply, b, now)).toBe('theirs_differs')
    // the other side's code with the same secret would still be another order
    expect(
      shown.check(
        reply.map((byte, i) => (i === 44 ? byte ^ 1 : byte)),
        b,
        now,
      ),
    ).toBe('theirs_differs')
    expect(shown.check(reply, b, now)).toBe('match')
    expect(codeOf(() => shown.check(reply, b, now))).toBe('identity_verify/used')
  })

  test('codes of others, of oneself, and for others', () => {
    const { text } = showVerifyQr(suite, { own: a, peer: b }, now)
    const read = (own: VerifiedSide, account?: Uint8Array) =>
      codeOf(() => scanVerifyQr(suite, text, { own, ...(account && { peer: { account } }) }))
    expect(read(b, alice)).toBe('none')
    expect(read(b, carol)).toBe('identity_verify/account')
    expect(read({ ...b, account: carol }, alice)).toBe('identity_verify/account')
    expect(read({ ...a })).toBe('identity_verify/account')
    expect(codeOf(() => showVerifyQr(suite, { own: a, peer: { ...b, account: alice } }, now))).toBe(
      'identity_verify/account',
    )
    const unasked = showVerifyQr(suite, { own: a }, now).text
    expect(codeOf(() => scanVerifyQr(suite, unasked, { own: a }))).toBe('identity_verify/account')
    expect(codeOf(() => showVerifyQr(suite, { own: { ...a, account: utf8('a b') } }, now))).toBe('identity/account')
  })

  test('a code does not last, and not longer than the screen', () => {
    const late = (at: bigint) => {
      const { shown, result } = scan()
      return codeOf(() => shown.check(replyOf(result), b, at))
    }
    expect(late(now + verifyQrLifetime)).toBe('none')
    expect(late(now + verifyQrLifetime + 1n)).toBe('identity_verify/expired')
    expect(late(now - 1n)).toBe('identity_verify/expired')
    const expired = scan()
    expect(codeOf(() => expired.shown.check(replyOf(expired.result), b, now + verifyQrLifetime + 1n))).not.toBe('none')
    expect(codeOf(() => expired.shown.check(replyOf(expired.result), b, now))).toBe('identity_verify/used')
    const { shown, result } = scan()
    shown.close()
    expect(codeOf(() => shown.check(replyOf(result), b, now))).toBe('identity_verify/used')
  })

  test('the secret is new each time', () => {
    const texts = Array.from({ length: 20 }, () => showVerifyQr(suite, { own: a, peer: b }, now).text)
    expect(new Set(texts).size).toBe(20)
  })

  test('cut, changed and foreign texts', () => {
    const { text } = showVerifyQr(suite, { own: a, peer: b }, now)
    const read = (value: string) => codeOf(() => scanVerifyQr(suite, value, { own: b }))
    expect(read(` ${text.toLowerCase()}\n`)).toBe('none')
    for (let i = 0; i < text.length; i++) {
      expect(read(text.slice(0, i))).toBe(i < 9 ? 'identity_qr/text' : 'identity_qr/damaged')
      const bent = text.slice(0, i) + (text[i] === 'A' ? 'B' : 'A') + text.slice(i + 1)
      expect(read(bent)).toBe(i < 9 ? 'identity_qr/text' : 'identity_qr/damaged')
    }
    expect(read(`${text}00000000`)).toBe('identity_qr/damaged')
    expect(read(text.replace('XMPPID:V:', 'XMPPID:L:'))).toBe('identity_qr/text')
    expect(read('x'.repeat(5_000) + text)).toBe('identity_qr/text')
    expect(read(' '.repeat(5_000) + text)).toBe('identity_qr/text')
    const body = bodyOf(text)
    expect(read(slowText('V', Buffer.concat([Buffer.of(2), body.subarray(1)])))).toBe('identity_qr/version')
    expect(read(slowText('V', body.subarray(0, -1)))).toBe('codec/short')
    expect(read(slowText('V', Buffer.concat([body, Buffer.of(0)])))).toBe('codec/trailing')
    expect(read(slowText('V', Buffer.alloc(0)))).toBe('identity_qr/damaged')
    // the checksum is one of the kind of code, too
    expect(read(slowText('L', body).replace(':L:', ':V:'))).toBe('identity_qr/damaged')
    fc.assert(
      fc.property(anyText(60), (value) => {
        expect(['identity_qr/text', 'identity_qr/damaged']).toContain(read(value))
        expect(['identity_qr/text', 'identity_qr/damaged']).toContain(read(`XMPPID:V:${value}`))
      }),
    )
    const { shown, result } = scan()
    for (let length = 0; length < 45; length++)
      expect(codeOf(() => shown.check(replyOf(result).slice(0, length), b, now))).toBe('codec/short')
  })

  test('it is one small QR code in alphanumeric mode', () => {
    const { text } = showVerifyQr(suite, { own: a, peer: b }, now)
    const code = QRCode.create(text, { errorCorrectionLevel: 'M' })
    expect(bodyOf(text).length).toBeLessThanOrEqual(160)
    expect(code.version).toBeLessThanOrEqual(11)
    expect(code.segments.map(({ mode }) => mode.id)).not.toContain('Byte')
  })
})
