import { afterAll, beforeAll, describe } from 'vitest'
import { accountTests } from './account.ts'
import type { Backend } from './backend.ts'
import { membershipTests } from './membership.ts'
import { mucTests } from './muc.ts'
import { roomTests } from './room.ts'

/** The floor's conformance suite: the same tests for every backend. */
export function conformance(name: string, kind: Backend['kind'], start: () => Promise<Backend>): void {
  describe(name, () => {
    let backend: Backend | undefined
    beforeAll(async () => {
      backend = await start()
    }, 60_000)
    afterAll(async () => {
      await backend?.close()
    })
    const current = (): Backend => {
      if (backend === undefined) throw new Error('not started')
      return backend
    }
    roomTests(current)
    membershipTests(current)
    if (kind === 'muc') mucTests(current)
    accountTests(current)
  })
}
