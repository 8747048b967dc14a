/** Between stanzas of a room and what the engine works with. */
import type { Bytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import type { RoomEntry } from '../room.ts'
import { element, is, type XmlElement, type XmlNode } from '../stanza/element.ts'
import { clientNamespace } from '../stanza/stanza.ts'
import { buildHint } from '../xep/xep-0334.ts'
import { buildEncryptionHint } from '../xep/xep-0380.ts'
import type { Blobs } from './blobs.ts'
import type { EngineEntry, EntryItem } from './engine/entries.ts'
import type { OutgoingItem } from './engine/events.ts'
import { buildEncrypted, messagePlace, parseEncrypted } from './wire/encrypted.ts'
import { buildHandshake, type Handshake, parseHandshake } from './wire/handshake.ts'
import { mlsNamespace } from './wire/namespace.ts'
import { buildChunk, type Chunk, type Payload, parseChunk } from './wire/payload.ts'
import { buildRequest, parseRequest } from './wire/request.ts'

/** The element of the binding in a stanza, if there is one. Two are none: nobody sends that. */
export function mlsElementIn(stanza: XmlElement): XmlElement | undefined {
  const { children } = stanza
  let found: XmlElement | undefined
  for (let i = 0; i < children.length; i++) {
    const node = children[i] as XmlNode
    if (!is(node, undefined, mlsNamespace)) continue
    if (found !== undefined) return undefined
    found = node
  }
  return found
}

/** The chunk in a stanza. */
export function chunkIn(stanza: XmlElement): Chunk | undefined {
  return parseChunk(mlsElementIn(stanza))
}

/** A message that can be read without fetching anything; `undefined` for any other entry. */
export function readInline({ archiveId, from, element: stanza }: RoomEntry): EngineEntry | undefined {
  const payload = parseEncrypted(mlsElementIn(stanza))?.payload
  return payload?.kind === 'inline' ? { archiveId, from, item: messageItem(payload.bytes) } : undefined
}

function messageItem(bytes: Bytes): EntryItem {
  const group = messagePlace(bytes)?.group
  return group === undefined ? { kind: 'broken', reason: 'malformed' } : { kind: 'encrypted', group, bytes }
}

/**
 * An entry with its payloads.
 * @param chunksOf finds chunks of the entry's sender
 * @throws `xmpp/unavailable` when a payload cannot be had now
 */
export async function readEntry(
  entry: RoomEntry,
  blobs: Blobs,
  chunksOf: (id: string, count: number) => Promise<readonly Chunk[]>,
): Promise<EngineEntry> {
  const { archiveId, from } = entry
  return {
    archiveId,
    from,
    item: await readItem(mlsElementIn(entry.element), (payload) => blobs.unpack(payload, chunksOf)),
  }
}

async function readItem(
  source: XmlElement | undefined,
  unpack: (payload: Payload) => Promise<Bytes>,
): Promise<EntryItem> {
  try {
    const encrypted = parseEncrypted(source)
    if (encrypted !== undefined) {
      const { payload } = encrypted
      return messageItem(payload.kind === 'inline' ? payload.bytes : await unpack(payload))
    }
    const handshake = parseHandshake(source)
    if (handshake !== undefined) return await readHandshake(handshake, unpack)
  } catch (error) {
    if (!(error instanceof MlsError) || error.kind === 'environment') throw error
    return { kind: 'broken', reason: error.code === 'xmpp/too_large' ? 'too-large' : 'malformed' }
  }
  const request = parseRequest(source)
  if (request !== undefined) return { kind: 'request', request }
  const unknown =
    source === undefined || source.name === 'chunk' || !['encrypted', 'handshake', 'request'].includes(source.name)
  return unknown ? { kind: 'other' } : { kind: 'broken', reason: 'malformed' }
}

async function readHandshake(value: Handshake, unpack: (payload: Payload) => Promise<Bytes>): Promise<EntryItem> {
  const { kind, group, epoch, payload, groupInfo, tree } = value
  const bytes = payload === undefined ? undefined : await unpack(payload)
  // beside a commit they are for those outside: nobody waits for them, and bad ones do not make the commit bad
  const beside = kind === 'commit' || kind === 'proposal'
  const given = async (one: Payload | undefined): Promise<Bytes | undefined> => {
    if (one === undefined) return undefined
    if (!beside) return await unpack(one)
    return one.kind === 'inline' ? await unpack(one).catch(() => undefined) : undefined
  }
  const snapshot = await given(tree?.payload)
  return {
    kind: 'handshake',
    handshake: kind,
    group,
    epoch,
    bytes,
    groupInfo: await given(groupInfo),
    tree: tree === undefined || snapshot === undefined ? undefined : { ...tree, bytes: snapshot },
  }
}

/** The children of a stanza for an item, and the chunks that go before it. */
export async function writeItem(
  item: OutgoingItem,
  blobs: Blobs,
): Promise<{ readonly chunks: readonly Chunk[]; readonly children: readonly XmlElement[] }> {
  const chunks: Chunk[] = []
  const pack = async (bytes: Bytes): Promise<Payload> => {
    const packed = await blobs.pack(bytes)
    chunks.push(...packed.chunks)
    return packed.payload
  }
  const main = await mainElement(item, pack)
  return { chunks, children: item.kind === 'encrypted' ? withFallback(main) : withHints(main) }
}

async function mainElement(item: OutgoingItem, pack: (bytes: Bytes) => Promise<Payload>): Promise<XmlElement> {
  if (item.kind === 'request') return buildRequest(item.request)
  if (item.kind === 'encrypted') return buildEncrypted({ payload: await pack(item.bytes) })
  const { group, epoch, tree } = item
  return buildHandshake({
    kind: item.handshake,
    group,
    epoch,
    payload: item.bytes === undefined ? undefined : await pack(item.bytes),
    groupInfo: item.groupInfo === undefined ? undefined : await pack(item.groupInfo),
    tree: tree === undefined ? undefined : { ...tree, payload: await pack(tree.bytes) },
  })
}

const encryption = buildEncryptionHint({ namespace: mlsNamespace })
const store = buildHint('store')
const fallback = element('body', clientNamespace, {}, 'Encrypted message (MLS)')

/** The outside of a handshake: how it is encrypted, and that it must be kept. Nobody is alerted. */
export function withHints(main: XmlElement): readonly XmlElement[] {
  return [main, encryption, store]
}

/** The outside of a message: how it is encrypted, and what others show. What has a body is kept without a hint. */
function withFallback(main: XmlElement): readonly XmlElement[] {
  return [main, encryption, fallback]
}

/** The stanza content of a chunk. */
export function chunkChildren(chunk: Chunk): readonly XmlElement[] {
  return withHints(buildChunk(chunk))
}
