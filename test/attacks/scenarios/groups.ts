import type { Attack } from '../attack.ts'
export const groupAttacks: readonly Attack[] = []
