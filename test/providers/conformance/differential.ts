/**
 * Two providers on the same input must return the same bytes or end with the same error. One case for each method of
 * `CipherSuite`, with inputs at the borders of blocks, batches and fields.
 */
import fc from 'fast-check'
import { concatBytes } from '../../../src/bytes/bytes.ts'
import { fromHex, toHex } from '../../../src/bytes/text.ts'
import type { CipherSuite, CryptoProvider, Rng } from '../../../src/crypto/cipher-suite.ts'
import { openSuite } from './oracle.ts'

/** Suites by how often they come: 2 is slow in plain JavaScript. */
const suiteId = fc.constantFrom(1, 1, 1, 3, 3, 3, 2)

/** Bytes that look random and depend on a number alone. */
function stream(seed: number, length: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length)
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    out[i] = state >>> 7
  }
  return out
}

/** A generator that starts anew for each case. */
class SeededRng implements Rng {
  #next = 0
  seed(value: number): void {
    this.#next = value
  }
  randomBytes(length: number): Uint8Array<ArrayBuffer> {
    this.#next = (this.#next + 0x6d2b79f5) | 0
    return stream(this.#next, length)
  }
}

const borders = [0, 1, 15, 16, 17, 31, 32, 33, 54, 55, 56, 63, 64, 65, 95, 96, 97, 111, 112, 119, 120, 127, 128, 129]
const moreBorders = [
  191, 192, 193, 247, 248, 255, 256, 257, 383, 384, 511, 512, 513, 1023, 1024, 1025, 1536, 2047, 2048,
]
const lengths = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...borders) },
  { weight: 1, arbitrary: fc.constantFrom(...moreBorders) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 300 }) },
)
const bytesOf = (length: fc.Arbitrary<number>) =>
  fc
    .tuple(length, fc.integer(), fc.constantFrom('random', 'random', 'random', 'zeros', 'ones', 'inside'))
    .map(([n, seed, kind]) => {
      if (kind === 'zeros') return new Uint8Array(n)
      if (kind === 'ones') return new Uint8Array(n).fill(0xff)
      return kind === 'inside' ? stream(seed, n + 9).subarray(5, 5 + n) : stream(seed, n)
    })
const bytes = bytesOf(lengths)
const large = bytesOf(fc.constantFrom(4087, 4088, 8191, 8192, 65_535, 65_536, 65_537, 131_100))
const exactly = (n: number) => bytesOf(fc.constant(n))
/** `n` bytes as a rule, another length now and then. */
const about = (n: number) => bytesOf(fc.constantFrom(n, n, n, n, n, n, n, n, n, n - 1, n + 1, 0))

const littleEndian = (value: bigint) => fromHex(value.toString(16).padStart(64, '0')).reverse()
const p = 2n ** 255n - 19n
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const n256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const order8 = 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'
/** Fields, orders, points of small order and their neighbours, 32 bytes each. */
const edges = fc.constantFrom(
  ...[
    0n,
    1n,
    2n,
    9n,
    p - 2n,
    p - 1n,
    p,
    p + 1n,
    p + 2n,
    2n ** 255n - 1n,
    2n ** 255n,
    2n ** 256n - 1n,
    L - 1n,
    L,
    L + 1n,
  ].map(littleEndian),
  ...[n256 - 1n, n256, n256 + 1n].map((value) => littleEndian(value).reverse()),
  fromHex(order8),
  fromHex('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'),
  fromHex('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'),
)
const edge = fc.oneof(edges, edges, exactly(32), about(32))
const point65 = fc.oneof(
  exactly(64).map((tail) => concatBytes(Uint8Array.of(4), tail)),
  fc.tuple(edge, edge).map(([x, y]) => concatBytes(Uint8Array.of(4), x, y)),
  about(65),
)
const publicKeyLike = fc.oneof(edge, point65)
/** Which byte to change, if any. */
const change = fc.oneof(fc.constant(undefined), fc.nat(400))

function changed(data: Uint8Array, at: number | undefined): Uint8Array {
  const out = Uint8Array.from(data)
  if (at !== undefined && out.length > 0) out[at % out.length]! ^= 1 << (at % 8)
  return out
}

/** One method: inputs, and what is compared. */
interface Method<T> {
  /** Of a hundred thousand cases, so many. */
  readonly share: number
  readonly input: fc.Arbitrary<T>
  run(suite: CipherSuite, input: T): unknown
}
const method = <T>(
  share: number,
  input: fc.Arbitrary<T>,
  run: (suite: CipherSuite, input: T) => unknown,
): Method<T> => ({
  share,
  input,
  run,
})
const list = <T>(item: fc.Arbitrary<T>, most: number) => fc.array(item, { maxLength: most })

/** Every method of the interface. */
const methods = {
  randomBytes: method(500, fc.integer({ min: 0, max: 99 }), (suite, n) => suite.randomBytes(n)),
  hash: method(14_000, fc.oneof({ weight: 300, arbitrary: bytes }, { weight: 1, arbitrary: large }), (suite, data) =>
    suite.hash(data),
  ),
  hashMany: method(
    5000,
    fc.oneof({ weight: 99, arbitrary: list(bytes, 19) }, { weight: 1, arbitrary: list(fc.oneof(bytes, large), 5) }),
    (suite, data) => suite.hashMany(data),
  ),
  hmac: method(9000, fc.tuple(bytes, bytes), (suite, [key, data]) => suite.hmac(key, data)),
  extract: method(9000, fc.tuple(bytes, bytes), (suite, [salt, ikm]) => suite.extract(salt, ikm)),
  expand: method(
    12_000,
    fc.tuple(
      fc.oneof(about(32), bytes),
      bytes,
      fc.oneof(fc.integer({ min: 0, max: 130 }), fc.constantFrom(8160, 8161, -1, 0.5)),
    ),
    (suite, [prk, info, length]) => suite.expand(prk, info, length),
  ),
  expandMany: method(
    5000,
    fc.tuple(list(fc.tuple(about(32), bytes), 9), fc.boolean(), fc.integer({ min: 0, max: 40 })),
    (suite, [pairs, sameShape, length]) => {
      const prks = pairs.map(([prk]) => prk)
      const infos = pairs.map(([, info], i) => (sameShape ? concatBytes(pairs[0]![1], Uint8Array.of(i)) : info))
      return suite.expandMany(prks, infos, length)
    },
  ),
  expandChain: method(
    3000,
    fc.tuple(
      fc.oneof(about(32), bytes),
      fc.integer({ min: 0, max: 150 }),
      fc.integer({ min: 0, max: 9 }),
      fc.integer(),
    ),
    (suite, [prk, length, count, seed]) => suite.expandChain(prk, stream(seed, length * count), count),
  ),
  seal: method(9000, fc.tuple(fc.integer(), about(12), bytes, bytes), (suite, [seed, nonce, aad, plaintext]) =>
    suite.seal(stream(seed, suite.parameters.keyLength), nonce, aad, plaintext),
  ),
  open: method(
    10_000,
    fc.tuple(
      fc.integer(),
      exactly(12),
      bytes,
      fc.oneof({ weight: 99, arbitrary: bytes }, { weight: 1, arbitrary: large }),
      change,
      fc.nat(20),
    ),
    (suite, [seed, nonce, aad, plaintext, at, cut]) => {
      const key = stream(seed, suite.parameters.keyLength)
      const sealed = changed(suite.seal(key, nonce, aad, plaintext), at)
      return suite.open(key, nonce, aad, cut > 16 ? sealed.subarray(cut) : sealed)
    },
  ),
  sign: method(3000, fc.tuple(about(32), bytes), (suite, [privateKey, message]) => suite.sign(privateKey, message)),
  verify: method(
    4000,
    fc.tuple(fc.integer({ min: 1, max: 300 }), bytes, fc.constantFrom('key', 'message', 'signature'), change),
    (suite, [seed, message, what, at]) => {
      const privateKey = stream(seed, 32)
      const parts: Record<string, Uint8Array> = {
        key: suite.signaturePublicKey(privateKey),
        message,
        signature: suite.sign(privateKey, message),
      }
      parts[what] = changed(parts[what]!, at)
      return suite.verify(parts['key']!, parts['message']!, parts['signature']!)
    },
  ),
  verifyCrafted: method(3000, fc.tuple(publicKeyLike, bytes, edge, edge), (suite, [publicKey, message, R, S]) =>
    suite.verify(publicKey, message, concatBytes(R, S)),
  ),
  verifyMany: method(
    200,
    fc.tuple(fc.integer(), fc.integer({ min: 0, max: 40 }), list(fc.nat(40), 3), fc.nat(200)),
    (suite, [seed, count, culprits, at]) => {
      const requests = Array.from({ length: count }, (_, i) => {
        const privateKey = stream(seed + (i % 5), 32)
        const message = stream(i, i)
        const signature = suite.sign(privateKey, message)
        const holds = !culprits.includes(i)
        return {
          publicKey: suite.signaturePublicKey(privateKey),
          message,
          signature: holds ? signature : changed(signature, at),
        }
      })
      return suite.verifyMany(requests)
    },
  ),
  generateSignatureKeyPair: method(800, fc.constant(0), (suite) => suite.generateSignatureKeyPair()),
  signaturePublicKey: method(2000, fc.oneof(about(32), edge), (suite, key) => suite.signaturePublicKey(key)),
  isSignaturePublicKey: method(3000, publicKeyLike, (suite, key) => suite.isSignaturePublicKey(key)),
  isHpkePublicKey: method(5000, publicKeyLike, (suite, key) => suite.isHpkePublicKey(key)),
  deriveKeyPair: method(1500, bytes, (suite, ikm) => suite.deriveKeyPair(ikm)),
  deriveKeyPairs: method(300, list(bytes, 9), (suite, ikms) => suite.deriveKeyPairs(ikms)),
  hpkeSeal: method(
    900,
    fc.tuple(bytes, publicKeyLike, fc.nat(9), bytes, bytes),
    async (suite, [ikm, odd, which, info, text]) => {
      const publicKey = which === 0 ? odd : (await suite.deriveKeyPair(ikm)).publicKey
      return await suite.hpkeSeal({ publicKey, info, aad: text, plaintext: info })
    },
  ),
  hpkeSealMany: method(150, list(fc.tuple(exactly(32), bytes, bytes), 6), async (suite, items) => {
    const pairs = await suite.deriveKeyPairs(items.map(([ikm]) => ikm))
    const requests = items.map(([, info, plaintext], i) => ({
      publicKey: pairs[i]!.publicKey,
      info,
      aad: info,
      plaintext,
    }))
    return await suite.hpkeSealMany(requests)
  }),
  hpkeOpen: method(
    700,
    fc.tuple(bytes, bytes, bytes, fc.constantFrom('kemOutput', 'ciphertext', 'info', 'aad'), change),
    async (suite, [ikm, info, aad, what, at]) => {
      const pair = await suite.deriveKeyPair(ikm)
      const sealed = await suite.hpkeSeal({ publicKey: pair.publicKey, info, aad, plaintext: aad })
      const parts = { ...sealed, info, aad }
      const sent = { ...parts, [what]: changed(parts[what], at) }
      return await suite.hpkeOpen(pair, sent.kemOutput, sent.info, sent.aad, sent.ciphertext)
    },
  ),
  hpkeSenderExport: method(
    350,
    fc.tuple(bytes, bytes, bytes, fc.integer({ min: 0, max: 90 })),
    async (suite, [ikm, info, context, length]) => {
      const { publicKey } = await suite.deriveKeyPair(ikm)
      return await suite.hpkeSenderExport(publicKey, info, context, length)
    },
  ),
  hpkeReceiverExport: method(
    1600,
    fc.tuple(bytes, publicKeyLike, fc.boolean(), bytes),
    async (suite, [ikm, odd, honest, info]) => {
      const pair = await suite.deriveKeyPair(ikm)
      const kemOutput = honest ? (await suite.deriveKeyPair(info)).publicKey : odd
      return await suite.hpkeReceiverExport(pair, kemOutput, info, ikm, 40)
    },
  ),
}

/** The names of the methods, and how many of a hundred thousand cases each gets. */
export const differentialMethods: readonly { readonly name: string; readonly share: number }[] = Object.entries(
  methods,
).map(([name, { share }]) => ({ name, share }))

/** A value as text; byte strings in hexadecimal. */
function text(value: unknown): string {
  return JSON.stringify(value, (_, item) => (item instanceof Uint8Array ? toHex(item) : item)) ?? 'undefined'
}

async function outcome(run: () => unknown): Promise<string> {
  try {
    return text(await run())
  } catch (error) {
    return `throws ${(error as { code?: string }).code ?? String(error)}`
  }
}

/** Opens every suite of two providers. */
export function differential(left: CryptoProvider, right: CryptoProvider) {
  const open = (provider: CryptoProvider) => {
    const rng = new SeededRng()
    return { rng, suites: new Map([1, 2, 3].map((id) => [id, openSuite(provider, id, rng)])) }
  }
  const sides = [open(left), open(right)] as const

  /** Runs `runs` cases of one method. @throws when the providers differ, with the input */
  return async function check(name: string, runs: number, seed?: number): Promise<void> {
    const { input, run } = methods[name as keyof typeof methods] as unknown as Method<unknown>
    const property = fc.asyncProperty(suiteId, input, fc.integer(), async (id, value, start) => {
      const found: string[] = []
      for (const { rng, suites } of sides) {
        rng.seed(start)
        found.push(await outcome(() => run(suites.get(id)!, value)))
      }
      if (found[0] !== found[1]) throw new Error(`suite ${id}: ${left.name} ${found[0]}, ${right.name} ${found[1]}`)
    })
    await fc.assert(property, seed === undefined ? { numRuns: runs } : { numRuns: runs, seed })
  }
}
