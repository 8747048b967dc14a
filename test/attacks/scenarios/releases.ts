import type { Attack } from '../attack.ts'
export const releaseAttacks: readonly Attack[] = []
