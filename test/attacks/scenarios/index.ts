/** All attacks, in the order of the design's list. */
import type { Attack } from '../attack.ts'
import { backupAttacks } from './backups.ts'
import { conversationAttacks } from './conversations.ts'
import { groupAttacks } from './groups.ts'
import { linkAttacks } from './links.ts'
import { ownerAttacks } from './owners.ts'
import { publicationAttacks } from './publication.ts'
import { releaseAttacks } from './releases.ts'
import { roomAttacks } from './rooms.ts'

const number = ({ id }: Attack): number => Number.parseInt(id, 10)

/** See the file. */
export const attacks: readonly Attack[] = [
  ...publicationAttacks,
  ...groupAttacks,
  ...ownerAttacks,
  ...backupAttacks,
  ...linkAttacks,
  ...conversationAttacks,
  ...roomAttacks,
  ...releaseAttacks,
].sort((a, b) => number(a) - number(b) || (a.id < b.id ? -1 : 1))
