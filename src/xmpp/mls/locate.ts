import type { RoomEntry } from '../room.ts'
import type { EngineEntry } from './engine/entries.ts'
import { mlsElementIn } from './items.ts'
import type { RoomSession } from './room-session.ts'
import { parseHandshake } from './wire/handshake.ts'

/** Messages a step back, and steps at most for what only makes it easier. */
const pageSize = 50
const maxPages = 20

/**
 * Looks for the room's group from the newest message backwards, so that a newcomer does not read years of archive; then
 * takes in what was found, in order.
 */
export async function locateGroup(session: RoomSession): Promise<void> {
  const entries = await recentHandshakes(session)
  await session.post(...entries.map((entry) => ({ kind: 'archived', entry }) as const))
  await session.catchUp()
}

/**
 * The end of the archive from where the present epoch can be told: from the group's beginning, from what a member told, or
 * from a commit of the epoch before. @throws what the archive threw
 */
export async function recentHandshakes(session: RoomSession): Promise<readonly EngineEntry[]> {
  const { room } = session.ports
  let before = ''
  let found: readonly RoomEntry[] = []
  for (let pages = 1; ; pages++) {
    const { entries, complete } = await room.page({ before, max: pageSize })
    found = [...entries, ...found]
    const first = entries[0]
    if (complete || first === undefined) break
    // that there is a group must be found however far it is; its present epoch may be asked for
    if (isEnough(found) || (pages >= maxPages && found.some(isHandshake))) break
    before = first.archiveId
  }
  const start = found.findIndex(isHandshake)
  const read: EngineEntry[] = []
  for (const entry of start < 0 ? found.slice(0, pageSize) : found.slice(start)) read.push(await session.read(entry))
  return read
}

function isEnough(entries: readonly RoomEntry[]): boolean {
  const commits = new Set<bigint>()
  for (const { element } of entries) {
    const handshake = parseHandshake(mlsElementIn(element))
    if (handshake?.kind === 'commit') commits.add(handshake.epoch)
    if (handshake?.kind === 'init' || (handshake?.kind === 'state' && handshake.tree !== undefined)) return true
  }
  return commits.size > 1
}

function isHandshake({ element }: RoomEntry): boolean {
  return mlsElementIn(element)?.name === 'handshake'
}
