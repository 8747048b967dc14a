/** What a manifest must be on its own. Each bad one is signed by the right keys: nothing but the rule stands against it. */
import { beforeAll, describe, expect, test } from 'vitest'
import { ascii, type Bytes, concatBytes } from '../../src/bytes/bytes.ts'
import { utf8 } from '../../src/bytes/text.ts'
import { encode } from '../../src/codec/codec.ts'
import { makeCheckpoint } from '../../src/identity/checkpoint.ts'
import {
  omemoStatement,
  openPgpStatement,
  valuesOfKind,
  vouchesFor,
  x509Statement,
  xidStatement,
} from '../../src/identity/cross-statement.ts'
import { flagsOf, hasFlag } from '../../src/identity/device-entry.ts'
import { identitySignContent, signIdentity, verifyIdentity } from '../../src/identity/labels.ts'
import { identityLimits } from '../../src/identity/limits.ts'
import {
  Manifest,
  type ManifestSigner,
  ManifestTbs,
  manifestHash,
  signManifest,
  verifyManifest,
} from '../../src/identity/manifest.ts'
import { withCheckpoint } from '../../src/identity/manifest-extensions.ts'
import { makeOpsCert, OpsCertTbs, verifyOpsCert } from '../../src/identity/ops-cert.ts'
import {
  RootSignature,
  rootHash,
  rootSeed,
  rootSigner,
  signWithRoot,
  verifyRoot,
} from '../../src/identity/root-keys.ts'
import {
  codeOf,
  contentOf,
  day,
  device,
  forge,
  now,
  type Person,
  person,
  revocation,
  rootOf,
  ruleOf,
  seeded,
  signerOf,
  suite,
} from './fixture.ts'

let alice: Person
let hybrid: Person
let bob: Person
beforeAll(async () => {
  alice = await person('alice')
  bob = await person('bob')
  hybrid = await person('alice', 0, true)
})

/** The rule that a manifest of Alice breaks with these changes, whoever signs. */
async function broken(changes: Partial<ManifestTbs>, signer: ManifestSigner = alice.byRoot): Promise<string> {
  return ruleOf(async () => verifyManifest(suite, await forge(contentOf(alice, changes), signer)))
}

describe('what is accepted', () => {
  test('signed by OPS or root, plain or hybrid', async () => {
    for (const of of [alice, hybrid])
      for (const signer of [of.byOps, of.byRoot]) {
        const manifest = await signManifest(suite, signer, contentOf(of))
        expect(verifyManifest(suite, manifest.bytes)).toEqual(manifest)
        expect(manifest.rootHash).toEqual(rootHash(suite, of.root.root))
        expect(manifest.hash).toEqual(manifestHash(suite, manifest.bytes))
        expect(manifest.signer).toBe(signer.kind)
      }
  })
  test('without OPS, signed by the root', async () => {
    expect(await broken({ ops: undefined })).toBe('none')
  })
  test('unknown flags, kinds of statements and extensions are kept', async () => {
    const changes = {
      devices: [device('alice', 'a', { flags: 0xff00 })],
      others: [{ kind: 999, id: ascii('i'), value: ascii('v') }],
      extensions: [{ extensionType: 0xfff0, extensionData: ascii('x') }],
    }
    const manifest = verifyManifest(suite, await forge(contentOf(alice, changes), alice.byOps))
    expect(manifest).toMatchObject(changes)
  })
  test('flags by name', () => {
    expect(flagsOf('steward', 'probation')).toBe(0x21)
    expect(hasFlag({ flags: 0x20 }, 'probation')).toBe(true)
    expect(hasFlag({ flags: 0x20 }, 'steward')).toBe(false)
  })
  test('the hash is SHA-256 over the signed bytes', async () => {
    const manifest = await signManifest(suite, alice.byOps, contentOf(alice))
    const digest = await crypto.subtle.digest('SHA-256', manifest.bytes)
    expect([...manifest.hash]).toEqual([...new Uint8Array(digest)])
  })
})

describe('labels and keys', () => {
  test('I001 a signature counts for its label alone, and never for raw bytes', () => {
    const key = seeded('k')
    const publicKey = signerOf('k').publicKey
    const content = ascii('content')
    const signature = signIdentity(suite, key, 'Manifest', content)
    expect(verifyIdentity(suite, publicKey, 'Manifest', content, signature)).toBe(true)
    expect(verifyIdentity(suite, publicKey, 'DeviceCert', content, signature)).toBe(false)
    expect(suite.verify(publicKey, content, signature)).toBe(false)
    const label = ascii('XMPP Account Identity 1.0 Manifest')
    expect(identitySignContent('Manifest', content)).toEqual(
      concatBytes(Uint8Array.of(label.length), label, Uint8Array.of(content.length), content),
    )
  })
  test('I005 roots and OPS keys that are no keys', async () => {
    const root = { ed25519: new Uint8Array(32).fill(0xff), mldsa65: undefined }
    expect(await broken({ root, ops: undefined })).toBe('I005')
  })
  test('I006 a hybrid root: both halves sign, neither alone, none more', async () => {
    const content = ascii('x')
    const full = await signWithRoot(hybrid.root, 'Manifest', content)
    const root = hybrid.root.root
    const holds = (of: typeof root, signature: RootSignature) => verifyRoot(suite, of, 'Manifest', content, signature)
    expect(holds(root, full)).toBe(true)
    const bent = full.mldsa65!.slice()
    bent[100]! ^= 1
    const wrong = full.ed25519.slice()
    wrong[3]! ^= 1
    expect(holds(root, { ...full, mldsa65: undefined })).toBe(false)
    expect(holds(root, { ...full, mldsa65: bent })).toBe(false)
    expect(holds(root, { ...full, ed25519: wrong })).toBe(false)
    expect(holds({ ...root, mldsa65: undefined }, full)).toBe(false)
    expect(holds({ ...root, mldsa65: undefined }, { ...full, mldsa65: undefined })).toBe(true)
    expect(encode(RootSignature, full).length).toBe(64 + 1 + 2 + 3309)
  })
  test('a manifest of a hybrid root with one half of the OPS signature is refused', async () => {
    const ops = { ...hybrid.cert, signature: { ...hybrid.cert.signature, mldsa65: undefined } }
    expect(await ruleOf(async () => verifyManifest(suite, await forge(contentOf(hybrid, { ops }), hybrid.byOps)))).toBe(
      'I007',
    )
  })
  test('seeds of generations are unrelated, and of 20 bytes only', async () => {
    const secret = seeded('r', 20)
    expect(rootSeed(suite, secret, 0)).not.toEqual(rootSeed(suite, secret, 1))
    expect(await codeOf(() => rootSeed(suite, seeded('r', 32), 0))).toBe('crypto/length')
    expect(await codeOf(() => rootSigner(suite, secret, false))).toBe('crypto/length')
  })
})

describe('accounts and bounds', () => {
  test('I002 names that are no bare JID in bytes', async () => {
    for (const bad of ['a b@x', 'a\u0000@x', 'a\u0085@x', 'a@x/phone', 'a\u2028@x', 'a\n@x'])
      expect(await broken({ account: utf8(bad), ops: undefined })).toBe('I002')
    expect(await broken({ account: Uint8Array.of(0xff, 0xfe), ops: undefined })).toBe('I002')
    expect(await broken({ account: utf8('zoë@exämple.org'), ops: undefined })).toBe('none')
  })
  test('I003 a manifest of more than 64 KiB is not even decoded', async () => {
    const devices = Array.from({ length: 33 }, (_, i) =>
      device('alice', `d${i}`, { leafKeys: [seeded(`k${i}`, 2048)] }),
    )
    const bytes = await forge(contentOf(alice, { devices }), alice.byRoot)
    expect(bytes.length).toBeGreaterThan(identityLimits.manifestBytes)
    expect(await ruleOf(() => verifyManifest(suite, bytes))).toBe('I003')
    const huge = concatBytes(bytes.subarray(0, 2), new Uint8Array(64 * 1024 * 1024))
    expect(await ruleOf(() => verifyManifest(suite, huge))).toBe('I003')
  })
  test('I003 an account name or a key beyond its bound, at the bound and one more', async () => {
    const name = (length: number) => ascii('a'.repeat(length))
    expect(await broken({ account: name(3071), ops: undefined })).toBe('none')
    const long = contentOf(alice, { account: name(3071), ops: undefined })
    const bytes = encode(ManifestTbs, long)
    // the length of the name stands in two bytes at 2
    const bent = bytes.slice()
    new DataView(bent.buffer).setUint16(2, 0x4000 | 3072)
    expect(await ruleOf(() => verifyManifest(suite, bent))).toBe('I003')
  })
  test('more devices and revocations than a manifest may have', async () => {
    const devices = (count: number) =>
      Array.from({ length: count }, (_, i) => device('alice', `d${i}`, { leafKeys: [seeded(`k${i}`)] }))
    const revoked = (count: number) => devices(count).map((one) => revocation(one))
    expect(await broken({ devices: devices(128) })).toBe('none')
    expect(await broken({ devices: devices(129) })).toBe('R03')
    const others = [device('alice', 'other')]
    expect(await broken({ devices: others, revoked: revoked(700) })).toBe('none')
    // 1,025 revocations are below 64 KiB? each has 65 bytes: the bound in bytes comes first
    expect(await broken({ devices: others, revoked: revoked(1025) })).toBe('I003')
  })
  test('I004 other versions', async () => {
    for (const version of [0, 2, 0xffff]) expect(await broken({ version })).toBe('I004')
    expect(await ruleOf(() => verifyManifest(suite, Uint8Array.of(0, 2, 1)))).toBe('I004')
  })
})

describe('OPS', () => {
  const subjectOf = (of: Person) => ({ account: of.account, generation: of.generation, root: of.root.root })
  test('I007 of another account, generation or root, or not signed by the root', async () => {
    verifyOpsCert(suite, alice.cert, subjectOf(alice))
    for (const change of [{ account: bob.account }, { generation: 1 }, { root: bob.root.root }])
      expect(await ruleOf(() => verifyOpsCert(suite, alice.cert, { ...subjectOf(alice), ...change }))).toBe('I007')
    for (const bent of [{ opsKey: signerOf('thief').publicKey }, { notAfter: alice.cert.notAfter - 1n }])
      expect(await ruleOf(() => verifyOpsCert(suite, { ...alice.cert, ...bent }, subjectOf(alice)))).toBe('I007')
    expect(await broken({ ops: bob.cert })).toBe('I007')
  })
  /** A certificate that the root signed, whatever it says. */
  const certified = async (changes: Partial<OpsCertTbs>) => {
    const tbs = { ...alice.cert, ...changes }
    return { ...tbs, signature: await signWithRoot(alice.root, 'OpsCert', encode(OpsCertTbs, tbs)) }
  }
  test('I008 a life of more than 400 days, or none', async () => {
    const notBefore = now - day
    const cases: [bigint, string][] = [
      [notBefore + 400n * day, 'none'],
      [notBefore + 400n * day + 1n, 'I008'],
      [notBefore, 'I008'],
      [notBefore - 1n, 'I008'],
    ]
    for (const [notAfter, rule] of cases) {
      const cert = await certified({ notBefore, notAfter })
      expect(await ruleOf(() => verifyOpsCert(suite, cert, subjectOf(alice)))).toBe(rule)
      const { signature: _, rootEd25519: __, ...content } = cert
      expect(await ruleOf(() => makeOpsCert(suite, alice.root, content))).toBe(rule)
    }
  })
  test('I009 an OPS key that is the root key, or none', async () => {
    for (const opsKey of [alice.root.root.ed25519, new Uint8Array(32).fill(0xff)]) {
      const cert = await certified({ opsKey })
      expect(await ruleOf(() => verifyOpsCert(suite, cert, subjectOf(alice)))).toBe('I009')
    }
  })
  test('I010 a manifest signed by another key, or by OPS without certificate', async () => {
    expect(await broken({}, { kind: 'ops', ops: signerOf('thief') })).toBe('I010')
    expect(await broken({}, { kind: 'root', root: bob.root })).toBe('I010')
    expect(await broken({ ops: undefined }, alice.byOps)).toBe('I010')
    const good = contentOf(alice)
    const other = encode(ManifestTbs, { ...good, seq: 0n, issuedAt: now + 1n })
    const opsSignature = alice.ops.sign(identitySignContent('Manifest', other))
    const bytes = encode(Manifest, { ...good, signer: 'ops', opsSignature })
    expect(await ruleOf(() => verifyManifest(suite, bytes))).toBe('I010')
  })
  test('I011 a manifest outside the life of its OPS certificate, unless the root signs', async () => {
    const early = { issuedAt: now - 2n * day, devices: [] }
    const late = { issuedAt: alice.cert.notAfter - day, expiresAt: alice.cert.notAfter + 1n, devices: [] }
    for (const changes of [early, late]) {
      expect(await broken(changes, alice.byOps)).toBe('I011')
      expect(await broken(changes, alice.byRoot)).toBe('none')
    }
    expect(await broken({ ...late, expiresAt: alice.cert.notAfter }, alice.byOps)).toBe('none')
  })
})

describe('contents', () => {
  test('I012 fresh for more than 90 days, or never', async () => {
    expect(await broken({ expiresAt: now + 90n * day })).toBe('none')
    expect(await broken({ expiresAt: now + 90n * day + 1n })).toBe('I012')
    expect(await broken({ expiresAt: now })).toBe('I012')
  })
  test('I013 a predecessor at 0, or none later', async () => {
    expect(await broken({ prevHash: seeded('h') })).toBe('I013')
    expect(await broken({ seq: 1n })).toBe('I013')
    expect(await broken({ seq: 1n, prevHash: seeded('h', 31) })).toBe('I013')
    expect(await broken({ seq: 1n, prevHash: seeded('h') })).toBe('none')
  })
  test('I014 one id twice', async () => {
    const a = device('alice', 'a')
    expect(await broken({ devices: [a, device('alice', 'b', { deviceId: a.deviceId })] })).toBe('I014')
  })
  test('I015 a device without key, and one key twice', async () => {
    const a = device('alice', 'a')
    expect(await broken({ devices: [device('alice', 'b', { leafKeys: [] })] })).toBe('I015')
    expect(await broken({ devices: [a, device('alice', 'b', { leafKeys: a.leafKeys })] })).toBe('I015')
    expect(await broken({ devices: [device('alice', 'b', { leafKeys: [...a.leafKeys, ...a.leafKeys] })] })).toBe('I015')
  })
  test('I016 a device that lives too long, or not at all', async () => {
    expect(await broken({ devices: [device('a', 'a', { notAfter: now + 400n * day })] })).toBe('none')
    expect(await broken({ devices: [device('a', 'a', { notAfter: now + 400n * day + 1n })] })).toBe('I016')
    expect(await broken({ devices: [device('a', 'a', { notAfter: now })] })).toBe('I016')
  })
  test('I017 one revocation twice', async () => {
    const entry = revocation(device('alice', 'old'))
    expect(await broken({ revoked: [entry, { ...entry, reason: 'retired' }] })).toBe('I017')
    expect(await broken({ revoked: [entry, { ...entry, leafKeyHash: seeded('other') }] })).toBe('none')
  })
  test('I018 a revoked device or key in the list', async () => {
    const a = device('alice', 'a')
    const other = { leafKeyHash: seeded('other') }
    expect(await broken({ devices: [a], revoked: [revocation(a, other)] })).toBe('I018')
    expect(await broken({ devices: [a], revoked: [revocation(a, { reason: 'superseded', ...other })] })).toBe('none')
    expect(await broken({ devices: [a], revoked: [revocation(a, { reason: 'superseded' })] })).toBe('I018')
    const underOtherId = revocation(a, { deviceId: seeded('x', 16) })
    expect(await broken({ devices: [a], revoked: [underOtherId] })).toBe('I018')
  })
  test('I019 a revocation of a manifest to come', async () => {
    expect(await broken({ revoked: [revocation(device('alice', 'old'), { effectiveSeq: 1n })] })).toBe('I019')
  })
  test('I020 one type of extension twice', async () => {
    const extension = { extensionType: 0xfff0, extensionData: ascii('x') }
    expect(await broken({ extensions: [extension, extension] })).toBe('I020')
  })
  test('I021 I022 checkpoints: signed by the root, of this account and generation, not ahead', async () => {
    const with_ = async (content: Parameters<typeof makeCheckpoint>[1], by = alice.root) => ({
      extensions: withCheckpoint([], await makeCheckpoint(by, content)),
    })
    const good = { account: alice.account, generation: 0, prunedThrough: 0n }
    expect(await broken(await with_(good), alice.byOps)).toBe('none')
    expect(await broken(await with_(good, bob.root))).toBe('I021')
    expect(await broken(await with_({ ...good, prunedThrough: 1n }))).toBe('I022')
    expect(await broken(await with_({ ...good, generation: 1 }))).toBe('I022')
    expect(await broken(await with_({ ...good, account: bob.account }))).toBe('I022')
  })
  test('I024 another reason', async () => {
    const content = contentOf(alice, { revoked: [revocation(device('alice', 'old'))] })
    const bytes = encode(ManifestTbs, content)
    // the reason stands after device id and hash, before two numbers, and two empty lists end the content
    const at = bytes.length - 2 - 17
    expect(bytes[at]).toBe(2)
    for (const reason of [0, 5]) {
      const bent = bytes.slice()
      bent[at] = reason
      expect(await ruleOf(() => verifyManifest(suite, bent))).toBe('I024')
    }
  })
  test('I025 statements about keys of other protocols', async () => {
    const good = [
      omemoStatement(7, seeded('o')),
      openPgpStatement(seeded('p', 20)),
      openPgpStatement(seeded('p')),
      xidStatement(seeded('x')),
      x509Statement(seeded('s')),
    ]
    expect(await broken({ others: good })).toBe('none')
    expect(vouchesFor(good, 'omemo', seeded('o'))).toBe(true)
    expect(vouchesFor(good, 'omemo', seeded('p'))).toBe(false)
    expect(vouchesFor([], 'omemo', seeded('o'))).toBeUndefined()
    expect(valuesOfKind(good, 'openpgp')).toHaveLength(2)
    for (const value of [seeded('o', 31), seeded('o', 33)]) {
      expect(await broken({ others: [{ kind: 1, id: new Uint8Array(4), value }] })).toBe('I025')
      expect(await ruleOf(() => omemoStatement(7, value))).toBe('I025')
      expect(await ruleOf(() => xidStatement(value))).toBe('I025')
      expect(await ruleOf(() => x509Statement(value))).toBe('I025')
      expect(await ruleOf(() => openPgpStatement(value))).toBe('I025')
    }
    expect(await broken({ others: [{ kind: 3, id: ascii('id'), value: seeded('o') }] })).toBe('I025')
  })
})

test('we sign nothing that we would not accept', async () => {
  const bad = contentOf(alice, { expiresAt: now })
  expect(await ruleOf(() => signManifest(suite, alice.byOps, bad))).toBe('I012')
  expect(await ruleOf(() => signManifest(suite, { kind: 'ops', ops: signerOf('x') }, contentOf(alice)))).toBe('I010')
})

test('roots of persons are what their names make them', () => {
  expect(rootOf('alice').root).toEqual(alice.root.root)
  expect((rootOf('alice', 0, true).root.mldsa65 as Bytes).length).toBe(1952)
})
