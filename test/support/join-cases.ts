/** Joins that must fail, and the genuine one after each of them. */
import { expect, test } from 'vitest'
import type { KeyPackageBundle } from '../../src/group/key-package.ts'
import { joinGroup } from '../../src/index.ts'
import { forgeWelcome, type WelcomeForgery } from './forge-welcome.ts'
import { makeWorld, newcomer, outcomeOf, suite, type World, type WorldInput } from './world.ts'

type JoinOptions = Omit<Partial<Parameters<typeof joinGroup>[0]>, 'suite' | 'welcome' | 'keyPackage'>

/** A world, somebody who is to be added by leaf 0, and a genuine Welcome. */
export interface JoinWorld {
  readonly world: World
  readonly bundle: KeyPackageBundle
  readonly genuine: Uint8Array
}

export async function makeJoinWorld(input: WorldInput): Promise<JoinWorld> {
  const world = await makeWorld(input)
  const bundle = await newcomer(world)
  const { keyPackage } = bundle
  const group = world.restore(0)
  const { staged } = await group.commit({ add: [keyPackage] })
  return { world, bundle, genuine: group.merge(staged).welcome! }
}

/** The forged Welcome is rejected for a rule; afterwards the same KeyPackage joins by a genuine one (V141). */
export async function expectJoinRejected(
  { world, bundle, genuine }: JoinWorld,
  rule: string | undefined,
  forgery: WelcomeForgery,
  options: JoinOptions = {},
): Promise<void> {
  const welcome = await forgeWelcome(world, 0, bundle, forgery)
  expect(await outcomeOf(() => joinGroup({ suite, keyPackage: bundle, welcome, ...options }))).toBe(rule)
  if (rule === undefined) return
  const plain = { ...(options.options === undefined ? {} : { options: options.options }) }
  expect((await joinGroup({ suite, keyPackage: bundle, welcome: genuine, ...plain })).status).toBe('active')
}

/** Registers a case for the world of a file. */
export function joinCases(get: () => JoinWorld) {
  return (
    title: string,
    rule: string | undefined,
    forgery: WelcomeForgery | (() => WelcomeForgery | Promise<WelcomeForgery>),
    options: JoinOptions = {},
  ): void => {
    test(title, async () =>
      expectJoinRejected(get(), rule, typeof forgery === 'function' ? await forgery() : forgery, options),
    )
  }
}
