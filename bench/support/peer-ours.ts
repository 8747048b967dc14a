/** xmpp-mls, for `npm run bench -- groups`. */
import {
  type CipherSuite,
  createGroup,
  createIdentity,
  createKeyPackage,
  type Group,
  type Identity,
  joinGroup,
  type KeyPackageBundle,
} from '../../src/index.ts'
import type { Change, Implementation, Made } from './implementation.ts'
import { heldBy } from './interleave.ts'

interface Actor {
  readonly identity: Identity
  keys?: KeyPackageBundle
  group?: Group
}

/** Ours over a suite; no padding, as the others have none by default. `close` runs at the end. */
export function ours(suite: CipherSuite, name = 'ours', close = () => {}): Implementation {
  const actors = new Map<number, Actor>()
  const options = { padding: { kind: 'none' } } as const
  const actor = (who: number): Actor => {
    const known = actors.get(who)
    if (known !== undefined) return known
    const made: Actor = { identity: createIdentity(suite, `${name} actor ${who}`) }
    actors.set(who, made)
    return made
  }
  const group = (who: number): Group => {
    const { group: joined } = actor(who)
    if (joined === undefined) throw new Error(`actor ${who} is in no group`)
    return joined
  }
  return {
    name,
    largest: 100_000,
    removes: 1,
    async keyPackage(who) {
      const one = actor(who)
      one.keys = await createKeyPackage({ suite, identity: one.identity })
      delete one.group
      return one.keys.message
    },
    async create(who, adds) {
      const one = actor(who)
      const start = performance.now()
      const made = await createGroup({ suite, identity: one.identity, options })
      const { commit, staged } = await made.commit({ add: adds, path: false })
      const { welcome } = made.merge(staged)
      const ms = performance.now() - start
      if (welcome === undefined) throw new Error('no Welcome')
      one.group = made
      return { ms, message: commit, welcome: welcome.length, welcomeMessage: welcome }
    },
    async join(who, welcome, weigh = false) {
      const one = actor(who)
      const { keys } = one
      if (keys === undefined) throw new Error(`actor ${who} has no KeyPackage`)
      delete one.group
      const join = () => joinGroup({ suite, welcome, keyPackage: keys, options })
      const start = performance.now()
      one.group = await join()
      return { ms: performance.now() - start, held: weigh ? await heldBy(join) : 0 }
    },
    async commit(who, change): Promise<Made> {
      const one = group(who)
      const start = performance.now()
      const { commit, staged } = await one.commit(optionsOf(change))
      const ms = performance.now() - start
      const welcome = staged.welcome?.length ?? 0
      one.discard()
      return { ms, message: commit, welcome }
    },
    async process(who, commit) {
      const one = group(who)
      const start = performance.now()
      const result = await one.stage(commit)
      const ms = performance.now() - start
      if (result.kind !== 'commit') throw new Error(`the commit was ${result.kind}`)
      one.discard(result.staged)
      return ms
    },
    async send(who, length) {
      const data = new Uint8Array(length).fill(7)
      const one = group(who)
      const start = performance.now()
      const message = one.protect(data)
      return { ms: performance.now() - start, message, welcome: 0 }
    },
    async receive(who, message) {
      const one = group(who)
      const start = performance.now()
      const result = await one.receive(message)
      const ms = performance.now() - start
      if (result.kind !== 'message') throw new Error(`the message was ${result.kind}`)
      return ms
    },
    close() {
      actors.clear()
      close()
    },
  }
}

function optionsOf(change: Change) {
  if (change.kind === 'add') return { add: [change.keyPackage], path: false }
  return change.kind === 'remove' ? { remove: change.leaves } : {}
}
