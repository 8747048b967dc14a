import { createHash } from 'node:crypto'
import { ascii, type Bytes } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import { type EncodedLeafNode, LeafNode, type LeafNodeContent } from '../../src/wire/leaf-node.ts'
import { openSuite } from '../support/suite.ts'

export const suite = openSuite(1)
export const groupId = ascii('group')

/** 32 bytes that differ for each name, and are an X25519 key as any such bytes with a clear top bit are. */
export function bytesOf(name: string): Bytes {
  const bytes = new Uint8Array(createHash('sha256').update(name).digest())
  bytes[31]! &= 0x7f
  return bytes
}

/** A leaf without a genuine signature. */
export function leafOf(name: string, changes: Partial<LeafNodeContent> = {}): EncodedLeafNode {
  const leafNode = {
    encryptionKey: bytesOf(`encryption ${name}`),
    signatureKey: bytesOf(`signature ${name}`),
    credential: { credentialType: 'basic', identity: ascii(name) },
    capabilities: { versions: [1], cipherSuites: [1], extensions: [], proposals: [], credentials: [1] },
    leafNodeSource: 'update',
    extensions: [],
    signature: new Uint8Array(64),
    ...changes,
  } as LeafNode
  return { leafNode, bytes: encode(LeafNode, leafNode) }
}

/** The code and rule of what `run` throws. */
export function failure(run: () => unknown): readonly [string, string | undefined] {
  try {
    run()
  } catch (error) {
    const { code, rule } = error as { code: string; rule?: string }
    return [code, rule]
  }
  return ['accepted', undefined]
}

/** The code and rule with which a promise is rejected. */
export async function rejection(promise: Promise<unknown>): Promise<readonly [string, string | undefined]> {
  try {
    await promise
  } catch (error) {
    const { code, rule } = error as { code: string; rule?: string }
    return [code, rule]
  }
  return ['accepted', undefined]
}
