/** Group O, continued: what the joiner itself refuses, and one leaf for each client. */
import { beforeAll, expect, test } from 'vitest'
import { basicAuthentication, createIdentity, joinExternal } from '../../src/index.ts'
import { forgeExternalCommit } from '../support/forge-external.ts'
import { remove } from '../support/values.ts'
import { expectAccepted, expectRejected, makeWorld, outcomeOf, suite, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await makeWorld({ members: 4, commits: [], removed: 2 })
})

test('V283 V284 the joiner itself removes nobody else', async () => {
  const groupInfo = await world.restore(0).groupInfo()
  const input = { suite, groupInfo, identity: createIdentity(suite, 'joiner') }
  expect(await outcomeOf(() => joinExternal({ ...input, replaces: 1 }))).toBe('V283')
  expect(await outcomeOf(() => joinExternal({ ...input, replaces: 2 }))).toBe('V284')
})
test('V247 a second leaf of a client by external commit', async () => {
  const oneEach = basicAuthentication({
    validate: () => true,
    clientKey: (identity) => String.fromCharCode(identity[0]!),
  })
  const strict = { ...world, restore: (i: number) => world.restore(i, { authentication: oneEach }) }
  // bob has a leaf, and the joiner calls itself bob too
  const second = createIdentity(suite, 'bob')
  await expectRejected(strict, 0, await forgeExternalCommit(world, second), 'V247')
  const resync = await forgeExternalCommit(world, second, { list: (init) => [init, remove(1)] })
  await expectAccepted(strict, 0, resync)
})
