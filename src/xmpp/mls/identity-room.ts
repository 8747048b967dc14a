import type { IdentityRoom } from './room-identity.ts'
import type { RoomSession } from './room-session.ts'

/** A room as an identity works with it. */
export function identityRoomOf(
  session: RoomSession,
  room: Pick<IdentityRoom, 'removeDevice' | 'update'>,
): IdentityRoom {
  return {
    jid: session.ports.engine.room,
    group: () => session.state.group,
    say: async (...elements) => {
      await session.operate((op) => ({ kind: 'say', op, content: { kind: 'xml', elements } }))
    },
    removeDevice: (account, device) => room.removeDevice(account, device),
    update: () => room.update(),
    report: () => session.report(),
  }
}
