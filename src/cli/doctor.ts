import { MlsError } from '../bytes/errors.ts'
import { decodeMlsMessage } from '../wire/mls-message.ts'
import { readArchive } from '../xmpp/archive.ts'
import { discoverInfo, discoverItems } from '../xmpp/disco.ts'
import { parseKeyPackages } from '../xmpp/mls/wire/key-packages.ts'
import { keyPackagesNode } from '../xmpp/mls/wire/namespace.ts'
import { configureRoom } from '../xmpp/muc/room-config.ts'
import { fetchPep } from '../xmpp/pep/pep-fetch.ts'
import { ensureNode, isConfigured, readNodeConfig } from '../xmpp/pep/pep-node.ts'
import type { XmppContext, XmppPort } from '../xmpp/port.ts'
import { bareJid, domainOf } from '../xmpp/stanza/jid.ts'
import { carbons } from '../xmpp/xep/xep-0280.ts'
import { mam } from '../xmpp/xep/xep-0313.ts'
import { httpUpload } from '../xmpp/xep/xep-0363.ts'
import { serverTime } from './doctor-clock.ts'
import type { Paint } from './paint.ts'
import { sentenceOf } from './report.ts'

/** What came out of one check. */
export interface Finding {
  readonly what: string
  readonly state: 'good' | 'mended' | 'note' | 'bad'
  readonly text: string
}

/** What is looked at. */
export interface DoctorInput {
  readonly context: XmppContext
  /** A room to look at, too. */
  readonly room?: string
  /** Whether what can be mended is. */
  readonly mend: boolean
}

/** How far the server's clock and ours may be apart: KeyPackages are valid from a little before they are made. */
const clockToleranceMs = 5 * 60_000
const dayMs = 24 * 60 * 60_000

type Check = (input: DoctorInput) => Promise<readonly Finding[]>

const checks: readonly (readonly [name: string, check: Check])[] = [
  ['own nodes', checkPersonalNodes],
  ['own archive', checkOwnArchive],
  ['services', checkServices],
  ['access', checkAccess],
  ['KeyPackages', checkKeyPackages],
  ['clock', checkClock],
  ['room', checkRoom],
]

/** Looks at everything that encrypted rooms need. A check that fails is a finding, never an exception. */
export async function examine(input: DoctorInput): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const [what, check] of checks) {
    try {
      findings.push(...(await check(input)))
    } catch (error) {
      findings.push({ what, state: 'bad', text: sentenceOf(error) })
    }
  }
  return findings
}

/** A finding as a line. */
export function findingLine({ what, state, text }: Finding, paint: Paint): string {
  const mark = {
    good: paint.good('good  '),
    mended: paint.note('mended'),
    note: paint.note('note  '),
    bad: paint.bad('bad   '),
  }[state]
  return `${mark} ${what}: ${text}`
}

async function checkPersonalNodes({ context: { port } }: DoctorInput): Promise<readonly Finding[]> {
  const { identities } = await discoverInfo(port, bareJid(port.jid))
  const pep = identities.some(({ category, type }) => category === 'pubsub' && type === 'pep')
  return [
    pep
      ? { what: 'own nodes', state: 'good', text: 'the server keeps data for the account (PEP)' }
      : {
          what: 'own nodes',
          state: 'bad',
          text: 'the server has no PEP: nobody can invite this account while it is offline',
        },
  ]
}

async function checkOwnArchive({ context: { port } }: DoctorInput): Promise<readonly Finding[]> {
  const own = await discoverInfo(port, bareJid(port.jid))
  const server = await discoverInfo(port, domainOf(port.jid))
  const archive = own.features.includes(mam) || server.features.includes(mam)
  return [
    archive
      ? { what: 'own archive', state: 'good', text: 'invitations reach every device (MAM)' }
      : {
          what: 'own archive',
          state: 'note',
          text: 'no archive for the account: an invitation reaches only one device',
        },
    server.features.includes(carbons)
      ? { what: 'carbons', state: 'good', text: 'all devices see what the account gets' }
      : { what: 'carbons', state: 'note', text: 'the server does not announce carbons' },
  ]
}

async function checkServices({ context: { port } }: DoctorInput): Promise<readonly Finding[]> {
  const found: { muc?: string; mix?: string; upload?: string } = {}
  for (const { jid } of await discoverItems(port, domainOf(port.jid))) {
    const info = await discoverInfo(port, jid).catch(() => undefined)
    const is = (category: string, type: string): boolean =>
      info?.identities.some((one) => one.category === category && one.type === type) === true
    if (is('conference', 'text')) found.muc = jid
    if (is('conference', 'mix')) found.mix = jid
    if (info?.features.includes(httpUpload) === true) found.upload = jid
  }
  const rooms = [found.muc, found.mix].filter((jid) => jid !== undefined)
  return [
    rooms.length > 0
      ? { what: 'rooms', state: 'good', text: rooms.join(' and ') }
      : { what: 'rooms', state: 'note', text: 'this server has none; rooms of other servers can be used' },
    found.upload === undefined
      ? { what: 'upload', state: 'note', text: 'no upload service: large payloads travel in chunks' }
      : { what: 'upload', state: 'good', text: found.upload },
  ]
}

async function checkAccess({ context: { port }, mend }: DoctorInput): Promise<readonly Finding[]> {
  const what = 'access'
  const before = await readNodeConfig(port, keyPackagesNode)
  if (isConfigured(before, 'open'))
    return [{ what, state: 'good', text: 'everybody can read the KeyPackages, all are kept' }]
  if (before === undefined)
    return [{ what, state: 'note', text: 'no KeyPackages were published yet: start a chat once' }]
  if (!mend) return [{ what, state: 'bad', text: 'others cannot read the KeyPackages, or not all are kept' }]
  await ensureNode(port, keyPackagesNode, 'open')
  return [{ what, state: 'mended', text: 'the KeyPackages were closed to others, or not all kept; now they are open' }]
}

async function checkKeyPackages({ context }: DoctorInput): Promise<readonly Finding[]> {
  const { port, timers } = context
  const what = 'KeyPackages'
  const found = await fetchPep(port, bareJid(port.jid), keyPackagesNode)
  const items = found.kind === 'items' ? found.items : []
  if (items.length === 0) return [{ what, state: 'note', text: 'this account has no device that could be invited' }]
  return items.map(({ id = '', payload }): Finding => {
    const item = parseKeyPackages(payload)
    const device = `device ${id.slice(0, 8)}`
    if (item === undefined || item.device !== id)
      return { what, state: 'bad', text: `${device}: an item that cannot be read` }
    const last = item.lastResort === undefined ? 'no last-resort one' : 'a last-resort one'
    const text = `${device}: ${item.oneTime.length} one-time, ${last}`
    const ends = [...item.oneTime, ...(item.lastResort === undefined ? [] : [item.lastResort])].map(endOf)
    if (ends.some((end) => end === undefined)) return { what, state: 'bad', text: `${text}; some cannot be read` }
    const soonest = Math.min(...ends.map((end) => end ?? 0))
    const days = Math.floor((soonest - timers.now()) / dayMs)
    if (days < 0) return { what, state: 'bad', text: `${text}; expired: start this device or take it out of the list` }
    const state = item.oneTime.length === 0 || item.lastResort === undefined ? 'note' : 'good'
    return { what, state, text: `${text}, valid for ${days} days` }
  })
}

/** When a KeyPackage ends, in milliseconds since the Unix epoch. */
function endOf(message: Uint8Array): number | undefined {
  try {
    const decoded = decodeMlsMessage(message)
    if (decoded.wireFormat !== 'mls_key_package') return undefined
    const { leafNode } = decoded.keyPackage
    return leafNode.leafNodeSource === 'key_package' ? Number(leafNode.lifetime.notAfter) * 1000 : undefined
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}

async function checkClock({ context, mend }: DoctorInput): Promise<readonly Finding[]> {
  const what = 'clock'
  const server = await serverTime(context, mend)
  if (server === undefined) return [{ what, state: 'note', text: 'the server does not tell the time' }]
  const apart = Math.abs(server - context.timers.now())
  return [
    apart <= clockToleranceMs
      ? { what, state: 'good', text: 'agrees with the server' }
      : {
          what,
          state: 'bad',
          text: `${Math.round(apart / 60_000)} minutes off the server: KeyPackages look expired or not yet valid`,
        },
  ]
}

async function checkRoom({ context, room, mend }: DoctorInput): Promise<readonly Finding[]> {
  if (room === undefined) return []
  const what = 'room'
  const before = await discoverInfo(context.port, room)
  const wanted = before.features.some((feature) => feature.startsWith('muc_')) ? roomFeatures : roomFeatures.slice(0, 1)
  const lacking = wanted.some(([feature]) => !before.features.includes(feature))
  const after = mend && lacking ? await mendRoom(context.port, room) : undefined
  const findings = wanted.map(([feature, good, bad]): Finding => {
    if (before.features.includes(feature)) return { what, state: 'good', text: good }
    if (after?.features.includes(feature) === true) return { what, state: 'mended', text: `${bad}; not any more` }
    return { what, state: 'bad', text: mend ? `${bad}; an owner of the room can change that` : bad }
  })
  const { results } = await readArchive(context, room, { max: 1 })
  const first = results[0]?.delay?.stamp
  findings.push(
    first === undefined
      ? { what, state: 'note', text: 'its archive is empty' }
      : {
          what,
          state: 'good',
          text: `its archive goes back to ${first}: devices that are away for longer must rejoin`,
        },
  )
  return findings
}

const roomFeatures: readonly (readonly [feature: string, good: string, bad: string])[] = [
  [mam, 'has an archive', 'has no archive: it cannot be used'],
  ['muc_nonanonymous', 'shows real addresses', 'hides addresses: it cannot be used'],
  ['muc_membersonly', 'is for members only', 'lets everybody in: outsiders see the ciphertexts'],
  ['muc_persistent', 'stays when everybody leaves', 'is gone with its archive when everybody leaves'],
]

/** Sets the room up as a new one; only an owner may. */
async function mendRoom(port: XmppPort, room: string) {
  try {
    await configureRoom(port, room)
    return await discoverInfo(port, room)
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}
