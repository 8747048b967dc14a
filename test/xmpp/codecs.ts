import { fromHex, toHex } from '../../src/index.ts'
import { buildEncrypted, parseEncrypted } from '../../src/xmpp/mls/wire/encrypted.ts'
import { buildHandshake, parseHandshake } from '../../src/xmpp/mls/wire/handshake.ts'
import { buildKeyPackages, parseKeyPackages } from '../../src/xmpp/mls/wire/key-packages.ts'
import { buildChunk, parseChunk } from '../../src/xmpp/mls/wire/payload.ts'
import { buildRequest, parseRequest } from '../../src/xmpp/mls/wire/request.ts'
import { buildRoomWelcome, parseRoomWelcome } from '../../src/xmpp/mls/wire/welcome.ts'
import type { XmlElement } from '../../src/xmpp/stanza/element.ts'
import { message } from '../../src/xmpp/stanza/stanza.ts'
import * as x0004 from '../../src/xmpp/xep/xep-0004.ts'
import * as x0030 from '../../src/xmpp/xep/xep-0030.ts'
import * as x0045 from '../../src/xmpp/xep/xep-0045.ts'
import * as x0059 from '../../src/xmpp/xep/xep-0059.ts'
import * as x0060 from '../../src/xmpp/xep/xep-0060.ts'
import * as x0184 from '../../src/xmpp/xep/xep-0184.ts'
import * as x0203 from '../../src/xmpp/xep/xep-0203.ts'
import * as x0297 from '../../src/xmpp/xep/xep-0297.ts'
import * as x0308 from '../../src/xmpp/xep/xep-0308.ts'
import * as x0313 from '../../src/xmpp/xep/xep-0313.ts'
import * as x0333 from '../../src/xmpp/xep/xep-0333.ts'
import * as x0359 from '../../src/xmpp/xep/xep-0359.ts'
import * as x0363 from '../../src/xmpp/xep/xep-0363.ts'
import * as x0369 from '../../src/xmpp/xep/xep-0369.ts'
import * as x0380 from '../../src/xmpp/xep/xep-0380.ts'
import * as x0402 from '../../src/xmpp/xep/xep-0402.ts'
import * as x0420 from '../../src/xmpp/xep/xep-0420.ts'
import * as x0424 from '../../src/xmpp/xep/xep-0424.ts'
import * as x0428 from '../../src/xmpp/xep/xep-0428.ts'
import * as x0444 from '../../src/xmpp/xep/xep-0444.ts'
import * as x0461 from '../../src/xmpp/xep/xep-0461.ts'
import * as x0478 from '../../src/xmpp/xep/xep-0478.ts'

/** A pair of functions between XML and a value; `build` takes what `parse` gave. */
export interface CaseCodec {
  readonly parse: (source: XmlElement) => unknown
  readonly build: (value: never) => XmlElement
}

/** For readers that look inside a stanza: the case's element is put into a message. */
const inside =
  (read: (parent: XmlElement) => unknown) =>
  (source: XmlElement): unknown =>
    read(message({}, source))

const bounds = (source: XmlElement): unknown => {
  const found = x0059.pageBoundsIn(message({}, source))
  return Object.keys(found).length === 0 ? undefined : found
}

/** Bytes and 64-bit numbers as JSON can hold them. */
const toPlain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return { $hex: toHex(value) }
  if (typeof value === 'bigint') return { $int: String(value) }
  if (Array.isArray(value)) return value.map(toPlain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, toPlain(one)]))
}
const fromPlain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(fromPlain)
  if (typeof value !== 'object' || value === null) return value
  if ('$hex' in value) return fromHex(String(value.$hex))
  if ('$int' in value) return BigInt(String(value.$int))
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fromPlain(one)]))
}
const binary = (parse: (source: XmlElement) => unknown, build: (value: never) => XmlElement): CaseCodec => ({
  parse: (source) => toPlain(parse(source)),
  build: (value) => build(fromPlain(value) as never),
})

/** One codec for each folder of `cases/`. */
export const codecs: Readonly<Record<string, CaseCodec>> = {
  'mls/chunk': binary(parseChunk, buildChunk),
  'mls/encrypted': binary(parseEncrypted, buildEncrypted),
  'mls/handshake': binary(parseHandshake, buildHandshake),
  'mls/keypackages': binary(parseKeyPackages, buildKeyPackages),
  'mls/request': binary(parseRequest, buildRequest),
  'mls/welcome': binary(parseRoomWelcome, buildRoomWelcome),
  'xep-0004/form': { parse: x0004.parseForm, build: x0004.buildForm },
  'xep-0030/info': { parse: x0030.parseDiscoInfo, build: x0030.buildDiscoInfo },
  'xep-0030/items': { parse: x0030.parseDiscoItems, build: x0030.buildDiscoItems },
  'xep-0045/muc-admin': { parse: x0045.parseMucAdmin, build: x0045.buildMucAdmin },
  'xep-0045/muc-owner': { parse: x0045.parseMucOwner, build: x0045.buildMucOwner },
  'xep-0045/muc-user': { parse: x0045.parseMucUser, build: x0045.buildMucUser },
  'xep-0059/bounds': { parse: bounds, build: x0059.buildPageBounds },
  'xep-0059/request': { parse: x0059.parsePageRequest, build: x0059.buildPageRequest },
  'xep-0060/configure': { parse: x0060.parseConfigure, build: (form: never) => x0060.buildConfigure('n', form) },
  'xep-0060/event': { parse: inside(x0060.pubsubEventIn), build: x0060.buildEvent },
  'xep-0060/items': { parse: x0060.parseItems, build: x0060.buildItems },
  'xep-0184/receipt': { parse: inside(x0184.receiptIn), build: x0184.buildReceipt },
  'xep-0203/delay': { parse: x0203.parseDelay, build: x0203.buildDelay },
  'xep-0297/forwarded': { parse: inside(x0297.forwardedIn), build: x0297.buildForwarded },
  'xep-0308/replace': { parse: inside(x0308.replaceIn), build: x0308.buildReplace },
  'xep-0313/fin': { parse: inside(x0313.archiveFinIn), build: x0313.buildArchiveFin },
  'xep-0313/query': { parse: x0313.parseArchiveQuery, build: x0313.buildArchiveQuery },
  'xep-0333/marker': { parse: inside(x0333.markerIn), build: x0333.buildMarker },
  'xep-0359/origin': { parse: inside(x0359.originIdIn), build: x0359.buildOriginId },
  'xep-0363/request': { parse: x0363.parseUploadRequest, build: x0363.buildUploadRequest },
  'xep-0363/slot': { parse: x0363.parseUploadSlot, build: x0363.buildUploadSlot },
  'xep-0369/participant': { parse: x0369.parseMixParticipant, build: x0369.buildMixParticipant },
  'xep-0369/sender': { parse: inside(x0369.mixSenderIn), build: x0369.buildMixSender },
  'xep-0380/hint': { parse: inside(x0380.encryptionHintIn), build: x0380.buildEncryptionHint },
  'xep-0402/bookmark': { parse: x0402.parseBookmark, build: x0402.buildBookmark },
  'xep-0420/envelope': { parse: x0420.parseEnvelope, build: x0420.buildEnvelope },
  'xep-0424/retraction': { parse: inside(x0424.retractionIn), build: x0424.buildRetraction },
  'xep-0428/fallback': { parse: inside(x0428.fallbackIn), build: x0428.buildFallback },
  'xep-0444/reactions': { parse: inside(x0444.reactionsIn), build: x0444.buildReactions },
  'xep-0461/reply': { parse: inside(x0461.replyIn), build: x0461.buildReply },
  'xep-0478/limits': { parse: inside(x0478.streamLimitsIn), build: x0478.buildStreamLimits },
}
