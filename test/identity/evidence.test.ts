/** Evidence: bytes that convince who believes a root, and nobody of anything that is not so. */
import { beforeAll, describe, expect, test } from 'vitest'
import { ascii } from '../../src/bytes/bytes.ts'
import {
  encodeEvidence,
  equivocationEvidence,
  revocationEvidence,
  stateRootCompromised,
  verifyEvidence,
} from '../../src/identity/evidence.ts'
import type { VerifiedManifest } from '../../src/identity/manifest.ts'
import { account, type Cases, makeCases } from './contact-cases.ts'
import {
  codeOf,
  contentOf,
  following,
  now,
  person,
  revocation,
  rootOf,
  ruleOf,
  seeded,
  signed,
  signerOf,
  suite,
} from './fixture.ts'

let cases: Cases
let line: readonly VerifiedManifest[]
let believed: { account: Uint8Array; rootHash: Uint8Array }
const byOps = { kind: 'ops', ops: signerOf('alice ops 0') } as const
beforeAll(async () => {
  cases = await makeCases()
  line = cases.line
  believed = { account, rootHash: line[0]!.rootHash }
})
const check = (bytes: Uint8Array, by: Parameters<typeof verifyEvidence>[2] = believed) =>
  verifyEvidence(suite, bytes, by)
const byOther = () => ({ account, rootHash: cases.thief.rootHash })

describe('equivocation', () => {
  test('two with one number, by root hash or by the key of a leaf', () => {
    const bytes = equivocationEvidence(cases.fork, line[2]!)
    expect(check(bytes)).toMatchObject({ kind: 'equivocation', rule: 'I031', grade: 'race' })
    expect(check(bytes, { account, rootEd25519: line[0]!.root.ed25519 }).kind).toBe('equivocation')
  })
  test('a race of honest devices is told from what none of them makes', async () => {
    const robbed = await signed(following(line[2]!, { devices: line[2]!.devices.slice(1) }), byOps)
    expect(check(equivocationEvidence(line[2]!, robbed))).toMatchObject({ rule: 'I035', grade: 'misuse' })
    const twisted = await signed(following(line[2]!, { prevHash: seeded('x') }), byOps)
    expect(check(equivocationEvidence(line[3]!, twisted))).toMatchObject({ rule: 'I031', grade: 'misuse' })
  })
  test('I082 manifests that fit are no evidence', async () => {
    expect(await ruleOf(() => check(equivocationEvidence(line[1]!, line[2]!)))).toBe('I082')
    expect(await ruleOf(() => check(equivocationEvidence(line[1]!, line[1]!)))).toBe('I082')
    expect(await ruleOf(() => check(equivocationEvidence(line[1]!, line[5]!)))).toBe('I082')
    expect(await ruleOf(() => check(equivocationEvidence(cases.merge, cases.fork)))).toBe('I082')
  })
  test('I081 about another account or root', async () => {
    const bytes = equivocationEvidence(cases.fork, line[2]!)
    expect(await ruleOf(() => check(bytes, byOther()))).toBe('I081')
    expect(await ruleOf(() => check(bytes, { ...believed, account: ascii('bob@example.org') }))).toBe('I081')
    expect(await ruleOf(() => check(equivocationEvidence(line[2]!, cases.thief)))).toBe('I081')
    expect(await ruleOf(() => check(bytes, { account, rootEd25519: seeded('x') }))).toBe('I081')
  })
})

describe('rollback and split view', () => {
  test('I083 an older one, of one root', async () => {
    const rollback = (newer: VerifiedManifest, shown: VerifiedManifest) =>
      encodeEvidence({ version: 1, kind: 'rollback', newer: newer.bytes, shown: shown.bytes })
    expect(check(rollback(line[3]!, line[1]!)).kind).toBe('rollback')
    expect(await ruleOf(() => check(rollback(line[1]!, line[3]!)))).toBe('I083')
    expect(await ruleOf(() => check(rollback(line[2]!, cases.fork)))).toBe('I083')
    expect(await ruleOf(() => check(rollback(line[3]!, cases.thief)))).toBe('I081')
  })
  test('I083 I081 two roots for one account, one of them believed', async () => {
    const split = (first: VerifiedManifest, second: VerifiedManifest) =>
      encodeEvidence({ version: 1, kind: 'split_view', first: first.bytes, second: second.bytes })
    expect(check(split(line[1]!, cases.thief)).kind).toBe('split_view')
    expect(check(split(cases.thief, line[1]!)).kind).toBe('split_view')
    expect(await ruleOf(() => check(split(line[1]!, line[2]!)))).toBe('I083')
    expect(await ruleOf(() => check(split(line[1]!, cases.bob)))).toBe('I081')
    expect(await ruleOf(() => check(split(cases.thief, cases.thief)))).toBe('I081')
  })
})

describe('revocation and compromise', () => {
  test('I084 a key that is revoked, and no other', async () => {
    const phone = line[0]!.devices[0]!
    const gone = await signed(
      following(line[2]!, {
        devices: line[2]!.devices.slice(1),
        revoked: [revocation(phone, { effectiveSeq: 3n, reason: 'compromised' })],
      }),
      byOps,
    )
    const subject = { deviceId: phone.deviceId, leafKey: phone.leafKeys[0]! }
    const bytes = revocationEvidence(suite, gone, subject)
    expect(check(bytes)).toMatchObject({ kind: 'revocation', entry: { reason: 'compromised' } })
    expect(await ruleOf(() => check(bytes, byOther()))).toBe('I081')
    const other = { deviceId: line[2]!.devices[1]!.deviceId, leafKey: seeded('k1') }
    expect(await ruleOf(() => revocationEvidence(suite, gone, other))).toBe('I084')
    const false_ = encodeEvidence({ version: 1, kind: 'revocation', manifest: gone.bytes, ...other })
    expect(await ruleOf(() => check(false_))).toBe('I084')
  })
  test('I081 I085 a root says it of itself alone', async () => {
    for (const hybrid of [false, true]) {
      const root = rootOf('alice', 0, hybrid)
      const statement = await stateRootCompromised(root, { account, generation: 0, statedAt: now })
      const of = await person('alice', 0, hybrid)
      const { rootHash } = await signed(contentOf(of), of.byOps)
      const bytes = (one: typeof statement) => encodeEvidence({ version: 1, kind: 'root_compromised', statement: one })
      expect(check(bytes(statement), { account, rootHash })).toMatchObject({ kind: 'root_compromised', statedAt: now })
      expect(await ruleOf(() => check(bytes(statement), byOther()))).toBe('I081')
      const later = { ...statement, statedAt: now + 1n }
      expect(await ruleOf(() => check(bytes(later), { account, rootHash }))).toBe('I085')
      const thief = await stateRootCompromised(rootOf('thief', 0, hybrid), { account, generation: 0, statedAt: now })
      const forged = { ...thief, root: statement.root }
      expect(await ruleOf(() => check(bytes(forged), { account, rootHash }))).toBe('I085')
    }
  })
})

test('I003 I004 I080 other sizes, versions, kinds', async () => {
  const bytes = equivocationEvidence(cases.fork, line[2]!)
  expect(await ruleOf(() => check(new Uint8Array(262_145).fill(1)))).toBe('I003')
  const bent = (at: number, value: number) => {
    const copy = bytes.slice()
    copy[at] = value
    return ruleOf(() => check(copy))
  }
  expect(await bent(0, 2)).toBe('I004')
  expect(await bent(1, 0)).toBe('I080')
  expect(await bent(1, 6)).toBe('I080')
  expect(await codeOf(() => check(new Uint8Array(0)))).toBe('codec/short')
})
