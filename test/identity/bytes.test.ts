/** Bad bytes: typed errors, bounded time and memory, and a pin that stays as it was. Laws of every structure on the wire. */
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Bytes, concatBytes, equalBytes } from '../../src/bytes/bytes.ts'
import { MlsError } from '../../src/bytes/errors.ts'
import { type Codec, decode, encode } from '../../src/codec/codec.ts'
import { advance } from '../../src/identity/contact.ts'
import { decodePin, encodePin } from '../../src/identity/contact-pin.ts'
import { type ContactPin, unknownContact } from '../../src/identity/contact-state.ts'
import { DeviceCert, makeOpsDeviceCert, makeRootDeviceCert } from '../../src/identity/device-cert.ts'
import { Evidence, equivocationEvidence, verifyEvidence } from '../../src/identity/evidence.ts'
import { identityLimits } from '../../src/identity/limits.ts'
import { Manifest, verifyManifest } from '../../src/identity/manifest.ts'
import { headOf, ManifestHead } from '../../src/identity/manifest-head.ts'
import { OpsCert } from '../../src/identity/ops-cert.ts'
import { readPublication } from '../../src/identity/publication.ts'
import { decodeRotation, RotationStatement, verifyRotation } from '../../src/identity/rotation.ts'
import { mutateBytes } from '../fuzz/mutator.ts'
import { Random } from '../fuzz/random.ts'
import { account, type Cases, makeCases, shown } from './contact-cases.ts'
import { contentOf, now, person, seeded, signed, signerOf, suite } from './fixture.ts'

let cases: Cases
let pin: ContactPin
let samples: readonly { readonly name: string; readonly codec: Codec<unknown>; readonly bytes: Bytes }[]
beforeAll(async () => {
  cases = await makeCases()
  const start = advance(suite, unknownContact(account), shown(cases.line[2]!), now).pin
  pin = advance(suite, start, { kind: 'verified', rootHash: start.rootHash! }, now).pin
  const hybrid = await person('alice', 0, true)
  const subject = { account, deviceId: seeded('d', 16), leafKey: signerOf('leaf').publicKey }
  const terms = { generation: 0, manifestSeq: 3n, notAfter: now }
  const evidence = equivocationEvidence(cases.fork, cases.line[2]!)
  samples = [
    { name: 'manifest', codec: Manifest, bytes: cases.merge.bytes },
    { name: 'hybrid manifest', codec: Manifest, bytes: (await signed(contentOf(hybrid), hybrid.byRoot)).bytes },
    { name: 'rotation', codec: RotationStatement, bytes: encode(RotationStatement, cases.rotation) },
    { name: 'OPS', codec: OpsCert, bytes: encode(OpsCert, hybrid.cert) },
    { name: 'head', codec: ManifestHead, bytes: encode(ManifestHead, headOf(cases.line[2]!)) },
    {
      name: 'certificate by root',
      codec: DeviceCert,
      bytes: encode(DeviceCert, await makeRootDeviceCert(hybrid.root, subject, terms)),
    },
    {
      name: 'certificate by OPS',
      codec: DeviceCert,
      bytes: encode(DeviceCert, await makeOpsDeviceCert(hybrid.ops, hybrid.cert, subject, terms)),
    },
    { name: 'evidence', codec: Evidence, bytes: evidence },
  ] as typeof samples
})

/** Runs what reads bytes of others: it may refuse with a typed error, and nothing else. */
function typed(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch (error) {
    if (error instanceof MlsError) return false
    throw error
  }
}

describe('laws of the wire', () => {
  test('what is decoded encodes to the same bytes; prefixes and trailing bytes are refused', () => {
    for (const { name, codec, bytes } of samples) {
      expect([name, encode(codec, decode(codec, bytes))]).toEqual([name, bytes])
      expect(() => decode(codec, concatBytes(bytes, Uint8Array.of(0)))).toThrow(MlsError)
      const step = Math.max(1, Math.floor(bytes.length / 200))
      for (let length = 0; length < bytes.length; length += step)
        expect(typed(() => decode(codec, bytes.subarray(0, length)))).toBe(false)
    }
  })
  test('mutated bytes: refused, or the same bytes again when encoded', () => {
    fc.assert(
      fc.property(fc.nat(7), fc.nat(), (which, seed) => {
        const { codec, bytes } = samples[which]!
        const bent = mutateBytes(
          new Random(seed),
          bytes,
          samples.map((one) => one.bytes),
        )
        typed(() => {
          const value = decode(codec, bent)
          expect(equalBytes(encode(codec, value), bent)).toBe(true)
        })
      }),
      { numRuns: 1500 },
    )
  })
})

describe('forged, replayed, cut', () => {
  test('no mutation of a signed manifest, rotation or evidence passes', () => {
    const [manifest, , rotation] = samples.map(({ bytes }) => bytes)
    const evidence = samples.at(-1)!.bytes
    const { root, rootHash } = cases.line[2]!
    const readers: [Bytes, (bytes: Uint8Array) => unknown][] = [
      [manifest!, (bytes) => verifyManifest(suite, bytes)],
      [rotation!, (bytes) => verifyRotation(suite, decodeRotation(bytes), root)],
      [evidence, (bytes) => verifyEvidence(suite, bytes, { account, rootHash })],
    ]
    fc.assert(
      fc.property(fc.constantFrom(...readers), fc.nat(), ([genuine, read], seed) => {
        const bent = mutateBytes(new Random(seed), genuine, [])
        if (equalBytes(bent, genuine)) return
        const passed = typed(() => read(bent))
        // a rotation without its first signature is a reset: it proves nothing, and says so
        if (passed && genuine === rotation)
          expect(verifyRotation(suite, decodeRotation(bent), root).provenByOld).toBe(false)
        else if (passed && genuine === evidence)
          expect(verifyEvidence(suite, bent, { account, rootHash }).kind).not.toBe('equivocation')
        else expect(passed).toBe(false)
      }),
      { numRuns: 400 },
    )
  })
  test('a publication out of mutated bytes leaves a verified pin where it was, or leads it on by what is genuine', () => {
    const genuine = [...cases.line, cases.fork, cases.merge, cases.rotated, cases.thief].map(({ bytes }) => bytes)
    const known = new Set([...cases.line, cases.fork, cases.merge, cases.rotated].map(({ hash }) => hash.join()))
    fc.assert(
      fc.property(fc.nat(), fc.nat(8), fc.boolean(), (seed, which, bendCurrent) => {
        const random = new Random(seed)
        const bend = (bytes: Bytes) => mutateBytes(random, bytes, genuine)
        const current = bendCurrent ? bend(genuine[which]!) : genuine[which]!
        const rotations = [bend(encode(RotationStatement, cases.rotation))]
        let after = pin
        typed(() => {
          const { observation } = readPublication(suite, { current, manifests: genuine.map(bend), rotations })
          after = advance(suite, pin, observation, now).pin
        })
        expect(after.rootHash).toEqual(pin.rootHash)
        expect(known.has(after.head!.hash.join())).toBe(true)
        expect(after.head!.seq >= pin.head!.seq).toBe(true)
      }),
      { numRuns: 100 },
    )
  })
  test('replay: the same publication again changes nothing and tells nothing', () => {
    const seen = shown(cases.line[5]!, [], cases.line)
    const once = advance(suite, pin, seen, now)
    const twice = advance(suite, once.pin, seen, now)
    expect(twice).toEqual({ pin: once.pin, findings: [] })
  })
  test('a pin of mutated bytes is refused with a typed error, or is a pin', () => {
    const bytes = encodePin(pin)
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        typed(() => encodePin(decodePin(suite, mutateBytes(new Random(seed), bytes, []))))
      }),
      { numRuns: 150 },
    )
  })
})

describe('publications', () => {
  test('what of the log does not hold is named and passed over', () => {
    const { observation, rejected } = readPublication(suite, {
      current: cases.line[5]!.bytes,
      manifests: [new Uint8Array(10), cases.line[3]!.bytes, cases.line[4]!.bytes.subarray(1)],
      rotations: [new Uint8Array(3), encode(RotationStatement, cases.rotation)],
    })
    expect(rejected).toHaveLength(3)
    expect(observation.log?.manifests).toHaveLength(1)
    expect(observation.log?.rotations).toHaveLength(1)
    expect(advance(suite, pin, observation, now).pin.head?.hash).toEqual(cases.line[5]!.hash)
  })
  test('a current manifest that does not hold is an error', () => {
    expect(() => readPublication(suite, { current: new Uint8Array(5) })).toThrow(MlsError)
  })
  test('I003 a log of any length: the newest 255 are read, in bounded time', () => {
    const junk = new Array<Bytes>(100_000).fill(new Uint8Array(identityLimits.manifestBytes + 1))
    let read = 0
    const counted = (list: readonly Bytes[]): readonly Bytes[] =>
      new Proxy(list, {
        get(target, key) {
          if (typeof key === 'string' && /^\d+$/.test(key)) read++
          return Reflect.get(target, key, target) as unknown
        },
      })
    const { observation, rejected } = readPublication(suite, {
      current: cases.line[5]!.bytes,
      manifests: counted([...junk, cases.line[3]!.bytes]),
      rotations: counted(junk),
    })
    expect(read).toBeGreaterThan(0)
    expect(read).toBeLessThan(2048)
    expect(rejected.length).toBeLessThan(256)
    expect(observation.log?.manifests).toHaveLength(1)
  })
  test('the most that one reader takes: a full log of one account', () => {
    const manifests = new Array(255).fill(0).map((_, i) => cases.line[i % 6]!)
    const rotations = new Array(1).fill(cases.rotation)
    const { pin: after } = advance(suite, pin, shown(cases.line[5]!, rotations, manifests.slice(1)), now)
    expect(after.head).toBe(cases.line[5])
    // one step more is refused as a whole
    const over = advance(suite, pin, shown(cases.line[5]!, rotations, manifests), now)
    expect(over.pin).toBe(pin)
    expect(over.findings).toMatchObject([{ kind: 'rejected', error: { code: 'identity/limit' } }])
  })
})
