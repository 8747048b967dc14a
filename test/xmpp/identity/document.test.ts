/** `spec-notes/xmpp/identity.md` against the fixtures, with a reader and writer of its own and the cryptography of Node. */
import { createHash, createHmac, createPublicKey, scryptSync, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fromHex, toHex, utf8 } from '../../../src/bytes/text.ts'
import { decode, encode } from '../../../src/codec/codec.ts'
import { DeviceCert } from '../../../src/identity/device-cert.ts'
import { headsRoot } from '../../../src/identity/heads-tree.ts'
import { decodeManifest, Manifest, verifyManifest } from '../../../src/identity/manifest.ts'
import { ManifestHead } from '../../../src/identity/manifest-head.ts'
import { decodeRecoveryCode, encodeRecoveryCode } from '../../../src/identity/recovery-code.ts'
import { RotationStatement } from '../../../src/identity/rotation.ts'
import { verifyDigits } from '../../../src/identity/verify-digits.ts'
import { buildBytes, identityNodes, logItemId, parseBytes } from '../../../src/xmpp/identity/wire.ts'
import { defaultSuite } from '../../../src/xmpp/mls/open-device.ts'
import { elementsOf } from '../../../src/xmpp/stanza/element.ts'
import { parseXml } from '../../../src/xmpp/stanza/parse.ts'
import { serialise } from '../../../src/xmpp/stanza/serialise.ts'

const fixture = JSON.parse(readFileSync(new URL('fixtures/alice.json', import.meta.url), 'utf8')) as {
  readonly account: string
  readonly now: number
  readonly recoverySecret: string
  readonly recoveryCode: string
  readonly deviceId: string
  readonly rootHashes: readonly [string, string]
  readonly manifests: readonly [string, string]
  readonly manifestElement: string
  readonly logItemIds: readonly [string, string]
  readonly certificates: readonly [string, string]
  readonly rotation: string
  readonly head: string
  readonly headsRoot: string
  readonly digits: { readonly peer: string; readonly peerRootHash: string; readonly digits: string }
}
const text = readFileSync(new URL('../../../spec-notes/xmpp/identity.md', import.meta.url), 'utf8')
const suite = await defaultSuite()

/** A reader of §4, written from the document. */
class Reader {
  readonly #bytes: Buffer
  at = 0
  constructor(hex: string) {
    this.#bytes = Buffer.from(hex, 'hex')
  }
  raw(length: number): Buffer {
    expect(this.at + length).toBeLessThanOrEqual(this.#bytes.length)
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }
  from(start: number): Buffer {
    return this.#bytes.subarray(start, this.at)
  }
  uint(length: number): number {
    return Number(BigInt(`0x${this.raw(length).toString('hex')}`))
  }
  vector(): Buffer {
    const first = this.uint(1)
    const more = [0, 1, 3][first >> 6] ?? 0
    let length = first & 0x3f
    for (let i = 0; i < more; i++) length = length * 256 + this.uint(1)
    return this.raw(length)
  }
  list<T>(read: (reader: Reader) => T): T[] {
    const inner = new Reader(this.vector().toString('hex'))
    const out: T[] = []
    while (inner.at < inner.#bytes.length) out.push(read(inner))
    return out
  }
  optional<T>(read: () => T): T | undefined {
    const present = this.uint(1)
    expect(present).toBeLessThan(2)
    return present === 1 ? read() : undefined
  }
  end(): void {
    expect(this.at).toBe(this.#bytes.length)
  }
}

const uint = (value: number | bigint, length: number): Buffer =>
  Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex')
const vector = (bytes: Buffer): Buffer => {
  const head = bytes.length < 64 ? uint(bytes.length, 1) : uint(bytes.length + 0x4000, 2)
  return Buffer.concat([head, bytes])
}
const labelled = (label: string, content: Buffer): Buffer =>
  Buffer.concat([vector(Buffer.from(`XMPP Account Identity 1.0 ${label}`)), vector(content)])
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()
const holds = (key: Buffer, label: string, content: Buffer, signature: Buffer): boolean => {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key])
  return verify(null, labelled(label, content), createPublicKey({ key: der, format: 'der', type: 'spki' }), signature)
}

function rootKeySet(reader: Reader): { ed25519: Buffer; bytes: Buffer } {
  const start = reader.at
  const ed25519 = reader.raw(32)
  expect(reader.optional(() => reader.vector())).toBeUndefined()
  return { ed25519, bytes: reader.from(start) }
}

function rootSignature(reader: Reader): Buffer {
  const ed25519 = reader.raw(64)
  expect(reader.optional(() => reader.vector())).toBeUndefined()
  return ed25519
}

function opsCert(reader: Reader, root: Buffer) {
  const start = reader.at
  const fields = {
    account: reader.vector().toString(),
    generation: reader.uint(4),
    root: reader.raw(32),
    opsKey: reader.raw(32),
    notBefore: reader.uint(8),
    notAfter: reader.uint(8),
  }
  const content = reader.from(start)
  expect(fields.root.equals(root)).toBe(true)
  expect(holds(root, 'OpsCert', content, rootSignature(reader))).toBe(true)
  return fields
}

function manifest(hex: string) {
  const reader = new Reader(hex)
  const version = reader.uint(2)
  const account = reader.vector().toString()
  const generation = reader.uint(4)
  const root = rootKeySet(reader)
  const ops = reader.optional(() => opsCert(reader, root.ed25519))
  const seq = reader.uint(8)
  const prevHash = reader.vector()
  const [issuedAt, expiresAt] = [reader.uint(8), reader.uint(8)]
  const nextRootHash = reader.raw(32).toString('hex')
  const devices = reader.list((inner) => ({
    deviceId: inner.raw(16).toString('hex'),
    leafKeys: inner.list((one) => one.vector().toString('hex')),
    addedAt: inner.uint(8),
    notAfter: inner.uint(8),
    flags: inner.uint(2),
    encLabel: inner.vector().length,
  }))
  const revoked = reader.list((inner) => ({
    deviceId: inner.raw(16).toString('hex'),
    leafKeyHash: inner.raw(32).toString('hex'),
    reason: inner.uint(1),
    effectiveSeq: inner.uint(8),
    effectiveTime: inner.uint(8),
  }))
  const others = reader.list((inner) => ({ kind: inner.uint(2), id: inner.vector(), value: inner.vector() }))
  const extensions = reader.list((inner) => ({ type: inner.uint(2), data: inner.vector() }))
  const content = reader.from(0)
  const signer = reader.uint(1)
  const signature = signer === 0 ? rootSignature(reader) : reader.raw(64)
  reader.end()
  const key = signer === 0 ? root.ed25519 : ops?.opsKey
  expect(key !== undefined && holds(key, 'Manifest', content, signature)).toBe(true)
  const hash = sha256(Buffer.from(hex, 'hex'))
  return {
    ...{ version, account, generation, root, ops, seq, prevHash, issuedAt, expiresAt, nextRootHash },
    ...{ devices, revoked, others, extensions, content, hash },
  }
}

test('keys follow from the recovery secret as §3 says', () => {
  const secret = Buffer.from(fixture.recoverySecret, 'hex')
  const expand = (key: Buffer, info: Buffer) => createHmac('sha256', key).update(info).update(Uint8Array.of(1)).digest()
  const prk = createHmac('sha256', Buffer.alloc(32)).update(secret).digest()
  fixture.rootHashes.forEach((expected, generation) => {
    const seed = expand(prk, labelled('root', uint(generation, 4)))
    const privateKey = expand(seed, labelled('root ed25519', Buffer.alloc(0)))
    const publicKey = Buffer.from(suite.signaturePublicKey(privateKey))
    expect(sha256(Buffer.concat([publicKey, uint(0, 1)])).toString('hex')).toBe(expected)
  })
  expect(toHex(decodeRecoveryCode(fixture.recoveryCode))).toBe(fixture.recoverySecret)
  expect(encodeRecoveryCode(fromHex(fixture.recoverySecret))).toBe(fixture.recoveryCode)
})

test('manifests: read by the document, and by the package, with the same result; written again as the same bytes', () => {
  const [first, second] = fixture.manifests.map(manifest) as [ReturnType<typeof manifest>, ReturnType<typeof manifest>]
  expect(first).toMatchObject({ version: 1, account: fixture.account, generation: 0, seq: 0, issuedAt: fixture.now })
  expect(first.prevHash).toHaveLength(0)
  expect(sha256(first.root.bytes).toString('hex')).toBe(fixture.rootHashes[0])
  expect(first.nextRootHash).toBe(fixture.rootHashes[1])
  expect(first.devices).toMatchObject([{ deviceId: fixture.deviceId, flags: 1, addedAt: fixture.now }])
  expect(second).toMatchObject({ generation: 1, seq: 1 })
  expect(second.prevHash.equals(first.hash)).toBe(true)
  expect(sha256(second.root.bytes).toString('hex')).toBe(fixture.rootHashes[1])
  fixture.manifests.forEach((hex, i) => {
    const ours = verifyManifest(suite, fromHex(hex))
    const theirs = [first, second][i]!
    expect(toHex(ours.hash)).toBe(theirs.hash.toString('hex'))
    expect([ours.seq, ours.generation, ours.expiresAt]).toEqual([
      BigInt(theirs.seq),
      theirs.generation,
      BigInt(theirs.expiresAt),
    ])
    expect(ours.devices.map(({ deviceId, leafKeys }) => [toHex(deviceId), leafKeys.map(toHex)])).toEqual(
      theirs.devices.map(({ deviceId, leafKeys }) => [deviceId, leafKeys]),
    )
    expect(toHex(encode(Manifest, decodeManifest(fromHex(hex))))).toBe(hex)
    expect(logItemId(ours)).toBe(fixture.logItemIds[i])
    expect(fixture.logItemIds[i]).toBe(`${theirs.seq}.${theirs.hash.toString('hex').slice(0, 16)}`)
  })
})

test('a changed byte of a manifest is refused', () => {
  const [hex] = fixture.manifests
  for (let at = 0; at < hex.length; at += 2) {
    const bytes = fromHex(hex)
    bytes[at / 2] = (bytes[at / 2] ?? 0) ^ 1
    expect(() => verifyManifest(suite, bytes), `byte ${at / 2}`).toThrow()
  }
})

test('device certificates: 226 bytes by OPS, signed over account, device and key', () => {
  fixture.certificates.forEach((hex, i) => {
    const list = manifest(fixture.manifests[i] ?? '')
    const reader = new Reader(hex)
    expect(hex).toHaveLength(2 * 226)
    expect(reader.uint(1)).toBe(1)
    expect(reader.raw(32).equals(list.root.ed25519)).toBe(true)
    expect([reader.uint(4), reader.uint(4)]).toEqual([list.generation, list.seq])
    expect(reader.uint(8)).toBe(list.devices[0]?.notAfter)
    expect(reader.uint(1)).toBe(1)
    const opsKey = reader.raw(32)
    const [notBefore, notAfter, opsSignature] = [reader.raw(8), reader.raw(8), reader.raw(64)]
    const certificate = reader.from(0)
    const signature = reader.raw(64)
    reader.end()
    const account = vector(Buffer.from(fixture.account))
    const content = [account, uint(list.generation, 4), list.root.ed25519, opsKey, notBefore, notAfter]
    expect(holds(list.root.ed25519, 'OpsCert', Buffer.concat(content), opsSignature)).toBe(true)
    const leafKey = vector(Buffer.from(list.devices[0]?.leafKeys[0] ?? '', 'hex'))
    const subject = Buffer.concat([account, Buffer.from(fixture.deviceId, 'hex'), leafKey, certificate])
    expect(holds(opsKey, 'DeviceCert', subject, signature)).toBe(true)
    expect(toHex(encode(DeviceCert, decode(DeviceCert, fromHex(hex))))).toBe(hex)
  })
})

test('the rotation names both roots and the last manifest, and both sign', () => {
  const [first, second] = fixture.manifests.map(manifest) as [ReturnType<typeof manifest>, ReturnType<typeof manifest>]
  const reader = new Reader(fixture.rotation)
  expect(reader.vector().toString()).toBe(fixture.account)
  expect([reader.uint(4), reader.raw(32).toString('hex'), reader.uint(4)]).toEqual([0, fixture.rootHashes[0], 1])
  expect(rootKeySet(reader).ed25519.equals(second.root.ed25519)).toBe(true)
  expect([reader.uint(8), reader.raw(32).toString('hex')]).toEqual([0, first.hash.toString('hex')])
  const content = reader.from(0)
  const old = reader.optional(() => rootSignature(new Reader(reader.vector().toString('hex'))))
  const fresh = rootSignature(new Reader(reader.vector().toString('hex')))
  reader.end()
  expect(old !== undefined && holds(first.root.ed25519, 'Rotation', content, old)).toBe(true)
  expect(holds(second.root.ed25519, 'Rotation', content, fresh)).toBe(true)
  expect(toHex(encode(RotationStatement, decode(RotationStatement, fromHex(fixture.rotation))))).toBe(fixture.rotation)
})

test('heads and their Merkle root', () => {
  const second = manifest(fixture.manifests[1])
  const head = (account: string): Buffer =>
    Buffer.concat([
      vector(Buffer.from(account)),
      uint(second.generation, 4),
      uint(second.seq, 8),
      second.hash.subarray(0, 16),
    ])
  const [alice, bob] = [head(fixture.account), head('bob@example.org')]
  expect(alice.toString('hex')).toBe(fixture.head)
  const leaf = (bytes: Buffer) => sha256(labelled('head leaf', bytes))
  const top = sha256(labelled('head node', Buffer.concat([leaf(alice), leaf(bob)])))
  const root = sha256(labelled('head node', Buffer.concat([uint(2, 4), top])))
  expect(root.toString('hex')).toBe(fixture.headsRoot)
  const heads = [bob, alice].map((bytes) => decode(ManifestHead, Uint8Array.from(bytes)))
  expect(toHex(headsRoot(suite, heads))).toBe(fixture.headsRoot)
})

test('the digits of two people', () => {
  const { peer, peerRootHash, digits } = fixture.digits
  const [root, other] = [Buffer.from(fixture.rootHashes[0], 'hex'), Buffer.from(peerRootHash, 'hex')]
  const label = 'XMPP Account Identity Ceremony 1.0'
  const parts = [`${label} Verify Digits`, fixture.account, root, peer, other]
  const input = Buffer.concat(parts.map((one) => vector(Buffer.from(one as string))))
  const bytes = scryptSync(input, label, 60, { N: 32_768, r: 8, p: 1, maxmem: 2 ** 27 })
  const groups = Array.from({ length: 12 }, (_, i) =>
    Number(BigInt(`0x${bytes.subarray(5 * i, 5 * i + 5).toString('hex')}`) % 100_000n),
  )
  expect(groups.map((one) => String(one).padStart(5, '0')).join(' ')).toBe(digits)
  const own = { account: utf8(fixture.account), rootHash: fromHex(fixture.rootHashes[0]) }
  expect(verifyDigits({ account: utf8(peer), rootHash: fromHex(peerRootHash) }, own)).toBe(digits)
})

test('elements: the manifest as the node holds it, in both directions', () => {
  const [hex] = fixture.manifests
  expect(serialise(buildBytes('manifest', fromHex(hex)))).toBe(fixture.manifestElement)
  const parsed = parseBytes('manifest', parseXml(fixture.manifestElement))
  expect(parsed === undefined ? undefined : toHex(parsed)).toBe(hex)
  for (const wrong of ['rotation', 'backup'] as const)
    expect(parseBytes(wrong, parseXml(fixture.manifestElement))).toBeUndefined()
})

test('the document: its examples are XML, its nodes are those of the package', () => {
  const examples = [...text.matchAll(/```xml\n([\s\S]*?)```/g)].map(([, source]) => (source ?? '').trim())
  expect(examples.length).toBeGreaterThan(6)
  const names = new Set<string>()
  for (const source of examples) {
    const seen = [parseXml(source)]
    for (let one = seen.pop(); one !== undefined; one = seen.pop()) {
      if (one.ns === 'xmpp:xmpp-mls.org:identity:0') names.add(one.name)
      seen.push(...elementsOf(one))
    }
  }
  expect([...names].sort()).toEqual(['certificate', 'certificates', 'head', 'link', 'manifest', 'rotation', 'scanned'])
  for (const node of Object.values(identityNodes))
    expect(text).toContain(`\`${node.replace('xmpp:xmpp-mls.org:identity:0', 'NS')}\``)
  for (const name of ['manifest', 'rotation', 'certificate', 'backup', 'link', 'evidence'] as const)
    expect(text).toContain(`<xs:element name='${name}'`)
})
