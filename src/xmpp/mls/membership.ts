/** Who belongs to a room and to its group, and how an account or this device comes in or goes. */
import { MlsError } from '../../bytes/errors.ts'
import { hasCondition } from '../stanza/xmpp-error.ts'
import { renewCopiedKey } from './device-keys.ts'
import type { KeyPackages } from './key-packages.ts'
import { recentHandshakes } from './locate.ts'
import type { RoomSession } from './room-session.ts'
import type { Participant, RoomAccount } from './types.ts'

/** The accounts of the group and of the room, sorted, and where they differ. */
export function accountsOf({ state, ports }: RoomSession, leaves: readonly Participant[]): readonly RoomAccount[] {
  const { roster } = state
  const devices = new Map<string, Participant[]>()
  for (const one of leaves) devices.set(one.account, [...(devices.get(one.account) ?? []), one])
  const out = (affiliation: string | undefined): boolean => affiliation === 'outcast' || affiliation === 'none'
  const listed = [...(roster ?? [])].flatMap(([jid, affiliation]) => (out(affiliation) ? [] : [jid]))
  return [...new Set([...devices.keys(), ...listed])].sort().map((account) => {
    const own = devices.get(account) ?? []
    const affiliation = roster?.get(account)
    const absent = ports.engine.kind === 'muc' ? affiliation === undefined || out(affiliation) : out(affiliation)
    const outsider = roster !== undefined && own.length > 0 && account !== ports.engine.account && absent
    return {
      account,
      devices: own,
      affiliation,
      difference: outsider ? 'outsider' : own.length === 0 ? 'unreached' : 'none',
    }
  })
}

/** Lets an account into the room, where it is not in. @throws XmppError */
export async function letIn(session: RoomSession, account: string): Promise<void> {
  const { room } = session.ports
  if (room.kind === 'mix') return
  const known = session.state.roster?.get(account)
  if (known !== undefined && known !== 'none' && known !== 'outcast') return
  await room.affiliate(account, 'member')
  await session.post({ kind: 'affiliation', account, affiliation: 'member' })
}

/** Takes an account out of the room; who may not do that leaves it to the owners. @throws XmppError */
export async function putOut(session: RoomSession, account: string): Promise<void> {
  const { room } = session.ports
  if (room.kind === 'mix') return
  try {
    await room.affiliate(account, 'none')
  } catch (error) {
    // a member may remove from the group and not from the room: the owners see the difference
    if (!hasCondition(error, 'forbidden', 'not-allowed')) throw error
  }
}

/** Brings this device back into the room, and into the group where it is not in it. @throws as `MlsRoom.rejoin` */
export async function comeBack(session: RoomSession, keyPackages: KeyPackages): Promise<void> {
  const { engine } = session.ports
  const { state: before } = session.health
  if (before === 'expelled') {
    await session.back()
    if (session.health.state === 'active') return
  }
  await renewCopiedKey(engine, session.state, keyPackages)
  const recent = await recentHandshakes(session).catch(() => [])
  await session.post({ kind: 'rejoin', recent })
  const done = await session.until(() => session.state.phase === 'active', engine.settings.timeoutMs)
  if (!done) throw new MlsError('xmpp/timeout', 'no member has answered')
}
