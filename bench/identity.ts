/**
 * What identity costs a group: bytes of certificates in leaves, verification when somebody joins, the rules of each commit.
 *
 * `npm run bench -- identity [N,N,...] [--provider=node|wasm|noble] [--write]`. Every leaf is a device of another account, which
 * is the worst case: devices of one account share the signature over their OPS key. `plain` is the signature of the leaf
 * itself, which every member of any MLS group checks, in the same kind of batch. Times are those of the processor, so that what
 * else the machine does is not counted; every round verifies keys that were not seen before.
 */
import { encode } from '../src/codec/codec.ts'
import { DeviceCert, makeOpsDeviceCert, makeRootDeviceCert } from '../src/identity/device-cert.ts'
import { CertificateCache } from '../src/identity/group-certificates.ts'
import { groupRoles, identityGroupExtensions, withCertificate } from '../src/identity/group-components.ts'
import { type LeafIdentity, leafIdentity } from '../src/identity/group-leaf.ts'
import { identityGroupRules } from '../src/identity/group-rules.ts'
import { makeOpsCert } from '../src/identity/ops-cert.ts'
import { rootSigner } from '../src/identity/root-keys.ts'
import { type CipherSuite, type Extension, makeCapabilities, type RuleGroup, type RuleTree } from '../src/index.ts'
import { leafNodeVerifyRequest, signLeafNode } from '../src/signed/leaf-node.ts'
import { keySigner } from '../src/signed/signer.ts'
import type { EncodedLeafNode } from '../src/wire/leaf-node.ts'
import { draftProposalTypes, extensionTypes } from '../src/wire/registries.ts'
import { figure, median, own, type Row, table, writeResults } from './report.ts'
import { openNamed, readArguments } from './support/open-suite.ts'

const now = 1_800_000_000n
const day = 86_400n
const groupId = new Uint8Array(16)
const reading = { mode: 'tofu', x509Device: undefined } as const

type SignedBy = 'root' | 'ops'

/** One device of one account, in a leaf. */
interface Made {
  readonly leaf: EncodedLeafNode
  readonly certificate: number
  /** Bytes of the leaf with and without its certificate. */
  readonly bytes: readonly [withIt: number, without: number]
}

async function makeLeaf(suite: CipherSuite, i: number, by: SignedBy): Promise<Made> {
  const account = Uint8Array.from(Buffer.from(`member${i}@example.org`))
  const deviceId = suite.randomBytes(16)
  const root = rootSigner(suite, suite.randomBytes(32), false)
  const signer = keySigner(suite, suite.generateSignatureKeyPair().privateKey)
  const leafKey = Uint8Array.from(signer.publicKey)
  const subject = { account, deviceId, leafKey }
  const terms = { generation: 0, manifestSeq: 3n, notAfter: now + 100n * day }
  const issue = async (): Promise<DeviceCert> => {
    if (by === 'root') return makeRootDeviceCert(root, subject, terms)
    const ops = keySigner(suite, suite.generateSignatureKeyPair().privateKey)
    const opsKey = Uint8Array.from(ops.publicKey)
    const content = { account, generation: 0, opsKey, notBefore: now, notAfter: now + 400n * day }
    return makeOpsDeviceCert(ops, await makeOpsCert(suite, root, content), subject, terms)
  }
  const cert = await issue()
  const { publicKey: encryptionKey } = await suite.deriveKeyPair(suite.randomBytes(32))
  const signed = (extensions: readonly Extension[]) =>
    signLeafNode(
      signer,
      {
        encryptionKey,
        signatureKey: leafKey,
        credential: { credentialType: 'basic', identity: Uint8Array.from([...account, 0, ...deviceId]) },
        capabilities: makeCapabilities(suite, {
          extensions: [extensionTypes.appDataDictionary],
          proposals: [draftProposalTypes.appEphemeral],
        }),
        leafNodeSource: 'commit',
        parentHash: new Uint8Array(0),
        extensions,
      },
      { groupId, leafIndex: i },
    )
  const [leaf, bare] = [await signed(withCertificate([], cert)), await signed([])]
  return { leaf, certificate: encode(DeviceCert, cert).length, bytes: [leaf.bytes.length, bare.bytes.length] }
}

const treeOf = (leaves: readonly EncodedLeafNode[]): RuleTree => ({
  memberCount: leaves.length,
  leaf: (index) => leaves[index],
  members: () => leaves.entries(),
})

/** Milliseconds of the processor that some work takes. */
async function timed(work: () => unknown): Promise<number> {
  const begin = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(begin)
  return (user + system) / 1000
}

const batchSize = 1024

async function measure(suite: CipherSuite, n: number, by: SignedBy): Promise<Row[]> {
  const rounds = n > 5_000 ? 1 : n > 500 ? 3 : 9
  const [plain, certificates, single, whole, commits]: [number[], number[], number[], number[], number[]] = [
    [],
    [],
    [],
    [],
    [],
  ]
  let bytes: readonly [number, number] = [0, 0]
  let certificate = 0
  for (let round = 0; round < rounds; round++) {
    const made: Made[] = []
    for (let i = 0; i < n; i++) made.push(await makeLeaf(suite, i, by))
    const leaves = made.map(({ leaf }) => leaf)
    const identities: LeafIdentity[] = leaves.map(({ leafNode }) => leafIdentity(leafNode, reading))
    const requests = leaves.map((leaf, leafIndex) => leafNodeVerifyRequest(leaf.bytes, { groupId, leafIndex }))
    const batched = async (verify: (from: number, to: number) => Promise<unknown>): Promise<void> => {
      for (let i = 0; i < n; i += batchSize) await verify(i, Math.min(n, i + batchSize))
    }
    plain.push(await timed(() => batched((from, to) => suite.verifyMany(requests.slice(from, to)))))
    const cache = new CertificateCache(suite)
    certificates.push(await timed(() => batched((from, to) => cache.verify(identities.slice(from, to)))))
    const few = identities.slice(0, 100)
    const alone = new CertificateCache(suite)
    const oneByOne = async (): Promise<void> => {
      for (const one of few) await alone.verify([one])
    }
    single.push((await timed(oneByOne)) / few.length)
    const rules = identityGroupRules({ suite })
    whole.push(await timed(() => rules.checkGroup(groupOf(leaves))))
    commits.push(await commitCost(suite, leaves))
    bytes = made[0]?.bytes ?? bytes
    certificate = made[0]?.certificate ?? certificate
  }
  const perLeaf = (samples: readonly number[]): number => (median(samples) / n) * 1000
  const [withIt, without] = bytes
  const name = (what: string): string => `${by}-signed, ${what}`
  const ratio = perLeaf(certificates) / perLeaf(plain)
  return [
    own(name('certificate (B)'), n, 'B', certificate),
    own(name('leaf grows by (B)'), n, 'B', withIt - without),
    own(name('plain leaf signature, batch (us a leaf)'), n, 'us', perLeaf(plain)),
    own(name('certificate, batch (us a leaf)'), n, 'us', perLeaf(certificates)),
    own(name('certificate against plain (ratio)'), n, 'ratio', ratio),
    own(name('certificate, one by one (us a leaf)'), n, 'us', median(single) * 1000),
    own(name('whole group by all rules (us a leaf)'), n, 'us', perLeaf(whole)),
    own(name('rules of a commit with path (ms)'), n, 'ms', median(commits)),
  ]
}

const extensions = identityGroupExtensions({ roles: groupRoles([Buffer.from('member0@example.org')]) })
const groupOf = (leaves: readonly EncodedLeafNode[], epoch = 1n): RuleGroup => ({
  groupId,
  epoch,
  extensions,
  tree: treeOf(leaves),
})

/** A commit that renews one leaf, with the same certificate. */
async function commitCost(suite: CipherSuite, leaves: readonly EncodedLeafNode[]): Promise<number> {
  const rules = identityGroupRules({ suite })
  let before = groupOf(leaves)
  await rules.checkGroup(before)
  const commits = 200
  const spent = await timed(async () => {
    for (let i = 0; i < commits; i++) {
      const after = groupOf(leaves, before.epoch + 1n)
      const committer = (i * 7919) % leaves.length
      await rules.checkTransition({
        before,
        after,
        committer,
        external: false,
        path: true,
        changed: [committer],
        added: [],
        removed: [],
        updated: [],
        extensionsBy: undefined,
        reinit: undefined,
        custom: [],
      })
      before = after
    }
  })
  return spent / commits
}

export async function run(args: readonly string[]): Promise<void> {
  const { words, option } = readArguments(args)
  const suite = await openNamed(1, option('provider'))
  const sizes = (words[0] ?? '100,1000,10000').split(',').map(Number)
  console.log(`suite 1, provider ${suite.provider}; each leaf of another account`)
  // compilers warm up on a group that does not count
  for (const by of ['root', 'ops'] as const) await measure(suite, 200, by)
  const rows: Row[] = []
  for (const by of ['root', 'ops'] as const) {
    const columns = new Map<string, number[]>()
    for (const n of sizes)
      for (const row of await measure(suite, n, by)) {
        rows.push(row)
        columns.set(row.name, [...(columns.get(row.name) ?? []), row.ours])
      }
    console.log()
    table([
      [`${by}-signed`, ...sizes.map((n) => n.toLocaleString('en'))],
      ...[...columns].map(([name, values]) => [name.split(', ').slice(1).join(', '), ...values.map(figure)]),
    ])
  }
  if (option('write') !== undefined) writeResults('identity', rows)
}
