import type { RoomEntry } from '../room.ts'
import { mlsElementIn } from './items.ts'
import type { RoomSession } from './room-session.ts'

/** Messages a step back. */
const pageSize = 50

/**
 * Looks for the room's group from the newest message backwards, so that a newcomer does not read years of archive; then
 * takes in what was found, in order.
 */
export async function locateGroup(session: RoomSession): Promise<void> {
  const { room } = session.ports
  let before = ''
  let found: readonly RoomEntry[] = []
  for (;;) {
    const { entries, complete } = await room.page({ before, max: pageSize })
    found = [...entries, ...found.slice(0, pageSize)]
    const first = entries[0]
    if (complete || first === undefined || entries.some(isHandshake)) break
    before = first.archiveId
  }
  const events = []
  for (const entry of found) events.push({ kind: 'archived', entry: await session.read(entry) } as const)
  await session.post(...events)
  await session.catchUp()
}

function isHandshake({ element }: RoomEntry): boolean {
  return mlsElementIn(element)?.name === 'handshake'
}
