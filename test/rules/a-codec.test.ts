/** Group A: the presentation language (RFC 9420 §2.1) and the codecs of all messages, by anyone who can send bytes. */
import { beforeAll, describe, expect, test } from 'vitest'
import { ascii, type Bytes, concatBytes, equalBytes } from '../../src/bytes/bytes.ts'
import { MlsError } from '../../src/bytes/errors.ts'
import { decode, encode, opaque, uint16, uint32, vec } from '../../src/codec/codec.ts'
import { createIdentity, createKeyPackage, decodeMlsMessage, encodeMlsMessage } from '../../src/index.ts'
import { Commit } from '../../src/wire/commit.ts'
import { AuthenticatedContent, FramedContent, Sender } from '../../src/wire/framed-content.ts'
import { LeafNode } from '../../src/wire/leaf-node.ts'
import { wireLimits } from '../../src/wire/limits.ts'
import { SenderData } from '../../src/wire/private-message.ts'
import { Proposal } from '../../src/wire/proposal.ts'
import { PreSharedKeyId } from '../../src/wire/psk.ts'
import { ParentNode } from '../../src/wire/ratchet-tree.ts'
import { forgeCommit, forgeProposal } from '../support/forge.ts'
import { externalPsk, psk, remove } from '../support/values.ts'
import { expectRejected, makeWorld, newcomer, outcomeOf, suite, type World } from '../support/world.ts'

let world: World
let seeds: Readonly<Record<string, Bytes>>
beforeAll(async () => {
  world = await makeWorld({ members: 3, commits: [1] })
  const group = world.restore(0)
  const bundle = await newcomer(world)
  const { commit, staged } = await group.commit({ add: [bundle], groupInfo: true, wireFormat: 'mls_public_message' })
  const merged = group.merge(staged)
  seeds = {
    commit,
    proposal: (await forgeProposal(world, 1, remove(2))).message,
    private: world.genuine(0),
    welcome: merged.welcome!,
    groupInfo: merged.groupInfo!,
    keyPackage: bundle.message,
  }
})
const bytes = (...list: number[]) => new Uint8Array(list)
const ruleOf = (work: () => unknown) => outcomeOf(work)

describe('lengths', () => {
  test('V002 a length that starts with bits 11', async () => {
    for (let first = 0xc0; first <= 0xff; first++)
      expect(await ruleOf(() => decode(opaque, bytes(first, 0, 0, 0, 0, 0, 0, 0)))).toBe('V002')
    // the group id of each message of a group
    for (const name of ['commit', 'proposal', 'private']) {
      const bent = seeds[name]!.slice()
      bent[4] = 0xc0
      expect(await ruleOf(() => decodeMlsMessage(bent))).toBe('V002')
    }
  })
  test('V003 two bytes for a length below 64', async () => {
    for (const short of [0, 63])
      expect(await ruleOf(() => decode(opaque, new Uint8Array([0x40, short, ...new Uint8Array(short)])))).toBe('V003')
  })
  test('V004 four bytes for a length below 16384', async () => {
    for (const length of [63, 16383]) {
      const body = concatBytes(bytes(0x80, 0, length >> 8, length & 0xff), new Uint8Array(length))
      expect(await ruleOf(() => decode(opaque, body))).toBe('V004')
    }
  })
  test('V005 the bounds of each form, and what no form can hold', async () => {
    for (const [length, header] of [
      [63, 1],
      [64, 2],
      [16383, 2],
      [16384, 4],
    ] as const) {
      const encoded = encode(opaque, new Uint8Array(length))
      expect(encoded.length).toBe(length + header)
      expect(equalBytes(encode(opaque, decode(opaque, encoded)), encoded)).toBe(true)
    }
    const huge = Object.create(Uint8Array.prototype, { length: { value: 2 ** 30 } }) as Uint8Array<ArrayBuffer>
    expect(await ruleOf(() => encode(opaque, huge))).toMatch(/^(V005|codec\/range)$/)
  })
  test('V006 V007 a vector longer than the input; nothing is allocated for it', async () => {
    expect(await ruleOf(() => decode(opaque, bytes(4, 1, 2, 3)))).toBe('V006')
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 100; i++)
      expect(await ruleOf(() => decode(opaque, bytes(0xbf, 0xff, 0xff, 0xff, 1, 2, 3)))).toBe('V006')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024)
  })
  test('V011 a vector that ends inside an element', async () => {
    expect(await ruleOf(() => decode(vec(uint32), bytes(5, 0, 0, 0, 1, 2)))).toBe('V006')
    expect(await ruleOf(() => decode(vec(uint16), bytes(3, 0, 1, 2)))).toBe('V006')
    const parent = { encryptionKey: ascii('k'), parentHash: ascii(''), unmergedLeaves: [1] }
    const encoded = encode(ParentNode, parent)
    const bent = concatBytes(encoded.subarray(0, -5), bytes(3, 0, 0, 0))
    expect(await ruleOf(() => decode(ParentNode, bent))).toBe('V006')
  })
  test('R02 R03 more elements than a list may have', async () => {
    expect(await ruleOf(() => decode(vec(uint16, 2), bytes(6, 0, 1, 0, 2, 0, 3)))).toBe('R03')
    expect(wireLimits.extensions).toBe(64)
  })
})

describe('whole messages', () => {
  test('V008 every strict prefix of every message', () => {
    for (const seed of Object.values(seeds))
      for (let length = 0; length < seed.length; length++) expect(kindOf(seed.subarray(0, length))).toBe('malformed')
  })
  test('V009 a byte more, and a second message', async () => {
    for (const seed of Object.values(seeds))
      for (const more of [bytes(0), seed])
        expect(await ruleOf(() => decodeMlsMessage(concatBytes(seed, more)))).toBe('V009')
  })
  test('V012 V013 other versions', async () => {
    for (const seed of Object.values(seeds))
      for (const [version, rule] of [
        [0, 'V012'],
        [2, 'V013'],
        [0xffff, 'V013'],
      ] as const)
        expect(await ruleOf(() => decodeMlsMessage(patch(seed, 0, version >> 8, version & 0xff)))).toBe(rule)
  })
  test('V014 other wire formats', async () => {
    for (const format of [0, 6, 0x0a0a, 0xffff])
      expect(await ruleOf(() => decodeMlsMessage(patch(seeds['commit']!, 2, format >> 8, format & 0xff)))).toBe('V014')
    // what is framed is public or private, and nothing else
    for (const format of [0, 3, 5])
      expect(await ruleOf(() => decode(AuthenticatedContent, bytes(0, format)))).toBe('V014')
  })
  test('V029 what is accepted has one encoding: seeds, and seeds with one byte changed', () => {
    let accepted = 0
    for (const seed of Object.values(seeds)) {
      expect(equalBytes(encodeMlsMessage(decodeMlsMessage(seed)), seed)).toBe(true)
      for (let i = 0; i < seed.length; i += 3)
        for (const value of [0, 1, 0x41]) {
          const bent = patch(seed, i, value)
          const message = attempt(() => decodeMlsMessage(bent))
          if (message === undefined) continue
          accepted++
          expect(equalBytes(encodeMlsMessage(message), bent)).toBe(true)
        }
    }
    expect(accepted).toBeGreaterThan(1000)
  })
  test('R01 a message of too many bytes is refused before it is decoded', async () => {
    const huge = new Uint8Array(wireLimits.messageBytes + 1)
    huge.set(seeds['commit']!)
    expect(await ruleOf(() => decodeMlsMessage(huge))).toBe('R01')
  })
})

/** The value with bytes replaced from a place on. */
function patch(seed: Bytes, place: number, ...values: number[]): Bytes {
  const copy = seed.slice()
  copy.set(values, place)
  return copy
}
function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}
function kindOf(message: Uint8Array): string {
  try {
    decodeMlsMessage(message)
    return 'accepted'
  } catch (error) {
    return error instanceof MlsError ? (error.code === 'version/unsupported' ? 'malformed' : error.kind) : String(error)
  }
}

describe('closed enumerations', () => {
  test('V001 a presence octet of 2, 3 and 255 before the path of a commit', async () => {
    const encoded = encode(Commit, { proposals: [], path: undefined })
    for (const octet of [2, 3, 255]) expect(await ruleOf(() => decode(Commit, patch(encoded, 1, octet)))).toBe('V001')
  })
  test('V015 content types, in public and in private messages', async () => {
    const header = 4 + 1 + 32 + 8
    for (const type of [0, 4, 255]) {
      expect(await ruleOf(() => decodeMlsMessage(patch(seeds['private']!, header, type)))).toBe('V015')
      // sender (5 bytes) and empty authenticated_data stand before it
      expect(await ruleOf(() => decodeMlsMessage(patch(seeds['commit']!, header + 6, type)))).toBe('V015')
    }
  })
  test('V016 sender types', async () => {
    for (const type of [0, 5, 255]) expect(await ruleOf(() => decode(Sender, bytes(type, 0, 0, 0, 0)))).toBe('V016')
  })
  test('V017 sources of a leaf', async () => {
    const { signature, ...leaf } = world.state(0).current.tree.leaf(1)!.leafNode
    const value = { ...leaf, leafNodeSource: 'update', signature } as LeafNode
    const encoded = encode(LeafNode, value)
    const place = encoded.length - signature.length - 2 - 1 - 1
    expect(encoded[place]).toBe(2)
    for (const source of [0, 4, 255])
      expect(await ruleOf(() => decode(LeafNode, patch(encoded, place, source)))).toBe('V017')
  })
  test('V018 proposal or reference', async () => {
    for (const type of [0, 3, 255]) expect(await ruleOf(() => decode(Commit, bytes(2, type, 0, 0)))).toBe('V018')
  })
  test('V020 V021 PSK types and usages', async () => {
    for (const type of [0, 3]) expect(await ruleOf(() => decode(PreSharedKeyId, bytes(type, 0, 0)))).toBe('V020')
    for (const usage of [0, 4]) expect(await ruleOf(() => decode(PreSharedKeyId, bytes(2, usage, 0, 0)))).toBe('V021')
  })
  test('V022 the proposal type 0', async () => {
    expect(await ruleOf(() => decode(Proposal, bytes(0, 0, 0)))).toBe('V022')
  })
})

describe('numbers', () => {
  test('V025 epochs stay exact', async () => {
    const [content] = [decodeMlsMessage(seeds['proposal']!)]
    if (content?.wireFormat !== 'mls_public_message') throw new Error('no public message')
    for (const epoch of [2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
      const framed = { ...content.publicMessage.content, epoch } as FramedContent
      const encoded = encode(FramedContent, framed)
      expect(decode(FramedContent, encoded).epoch).toBe(epoch)
      expect(equalBytes(encode(FramedContent, decode(FramedContent, encoded)), encoded)).toBe(true)
      const bend = <T extends object>(all: T) => ({ ...all, epoch })
      const { message } = await forgeProposal(world, 1, remove(2), { content: bend })
      expect((await world.restore(0).receive(message)).kind).toBe('future-epoch')
    }
  })
  test('V026 leaf indices and generations keep their sign', () => {
    for (const value of [0x80000000, 0xffffffff]) {
      const data = { leafIndex: value, generation: value, reuseGuard: bytes(1, 2, 3, 4) }
      expect(decode(SenderData, encode(SenderData, data))).toEqual(data)
      expect(decode(Proposal, encode(Proposal, remove(value)))).toEqual(remove(value))
    }
  })
  test('V026 V065 a sender far outside the tree', async () => {
    for (const leafIndex of [0x80000000, 0xffffffff, 4]) {
      const message = await forgeCommit(world, 1, { sender: { senderType: 'member', leafIndex } })
      await expectRejected(world, 0, message, 'V065')
    }
  })
})

test('V030 names that object properties have', async () => {
  for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'toString']) {
    const { keyPackage } = await createKeyPackage({ suite, identity: createIdentity(suite, name) })
    const group = world.restore(0)
    const { staged } = await group.commit({ add: [keyPackage] })
    group.merge(staged)
    expect([...group.members()].length).toBe(4)
    const unknown = psk({ ...externalPsk(1), psktype: 'external', pskId: ascii(name) })
    await expectRejected(world, 0, await forgeCommit(world, 1, { proposals: [unknown] }), 'V201')
  }
  expect(({} as Record<string, unknown>)['polluted']).toBe(undefined)
})
