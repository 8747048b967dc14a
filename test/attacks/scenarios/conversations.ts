import type { Attack } from '../attack.ts'
export const conversationAttacks: readonly Attack[] = []
