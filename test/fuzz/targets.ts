/** What takes bytes from strangers, and what must hold whatever they are. */
import { type Bytes, equalBytes } from '../../src/bytes/bytes.ts'
import {
  decodeMlsMessage,
  type ErrorKind,
  encodeMlsMessage,
  type Group,
  joinExternal,
  joinGroup,
  MlsError,
} from '../../src/index.ts'
import { mlsMessage } from '../support/arbitraries.ts'
import type { Fixture } from './fixture.ts'
import { mutateValue, sample } from './grammar.ts'
import { insiderGroupInfo, insiderMessage, insiderWelcome, signedKeyPackage } from './insider.ts'
import { mutateBytes, randomInput } from './mutator.ts'
import type { Random } from './random.ts'

/** One way in. */
export interface Target {
  readonly name: string
  /** How often it is tried, against the others. */
  readonly weight: number
  /** An input; what throws here is no finding, the input is then made of bytes alone. */
  input(random: Random): Bytes | Promise<Bytes>
  /** What became of an input: a short word. @throws for a finding */
  run(input: Bytes): string | Promise<string>
}

/** Kinds of error that say something of the input; any other one would blame us or the caller. */
const kinds: readonly ErrorKind[] = ['malformed', 'peer_misbehaved', 'peer_incompatible', 'out_of_step', 'refused']
/** Rejections after which a genuine message is tried. */
const checkEvery = 50
/** Rejections after which the victim starts anew: failures of a sender are counted in memory (R05). */
const restoreEvery = 500

export function makeTargets(fixture: Fixture): Target[] {
  const { corpus, decoded, groupMessages } = fixture
  const small = decoded.slice(0, groupMessages.length)
  const victim = new Victim(fixture)
  const { suite, options, newcomer, outsider } = fixture
  const join = async (welcome: Bytes): Promise<string> =>
    (await joinGroup({ suite, keyPackage: newcomer, welcome, options })).status
  const joinBy = async (groupInfo: Bytes): Promise<string> =>
    (await joinExternal({ suite, identity: outsider, groupInfo, options })).complete().status
  const decode = (input: Bytes): string => decodeInput(fixture, input)
  const receive = (input: Bytes): Promise<string> => victim.receive(input)
  return [
    { name: 'decode random bytes', weight: 200, input: randomInput, run: decode },
    {
      name: 'decode changed bytes',
      weight: 1000,
      input: (random) => mutateBytes(random, random.pick(corpus), corpus),
      run: decode,
    },
    {
      name: 'decode changed values',
      weight: 100,
      input: (random) => encodeMlsMessage(mutateValue(random, random.pick(random.oneIn(10) ? decoded : small), small)),
      run: decode,
    },
    {
      name: 'decode random values',
      weight: 60,
      input: (random) => mutateBytes(random, encodeMlsMessage(sample(random, mlsMessage))),
      run: decode,
    },
    {
      name: 'receive changed bytes',
      weight: 400,
      input: (random) => mutateBytes(random, random.pick(groupMessages), groupMessages),
      run: receive,
    },
    {
      name: 'receive changed values',
      weight: 40,
      input: (random) => encodeMlsMessage(mutateValue(random, random.pick(small), small)),
      run: receive,
    },
    { name: 'receive from an insider', weight: 20, input: (random) => insiderMessage(random, fixture), run: receive },
    {
      name: 'stage from an insider',
      weight: 6,
      input: (random) => insiderMessage(random, fixture),
      run: (input) => victim.stage(input),
    },
    {
      name: 'join by a changed Welcome',
      weight: 20,
      input: (random) => mutateBytes(random, fixture.welcome),
      run: judged(join),
    },
    {
      name: 'join by a Welcome of an insider',
      weight: 4,
      input: (random) => insiderWelcome(random, fixture),
      run: judged(join),
    },
    {
      name: 'join by a changed GroupInfo',
      weight: 20,
      input: (random) => mutateBytes(random, fixture.groupInfo),
      run: judged(joinBy),
    },
    {
      name: 'join by a GroupInfo of an insider',
      weight: 4,
      input: (random) => insiderGroupInfo(random, fixture),
      run: judged(joinBy),
    },
    {
      name: 'restore a changed snapshot',
      weight: 30,
      input: (random) => mutateBytes(random, fixture.snapshot),
      run: (input) => restoreInput(fixture, input),
    },
    {
      name: 'add a changed KeyPackage',
      weight: 20,
      input: (random) => mutateBytes(random, fixture.keyPackage.message, corpus),
      run: (input) => victim.add(input),
    },
    {
      name: 'add a changed KeyPackage, signed',
      weight: 4,
      input: (random) => signedKeyPackage(random, fixture),
      run: (input) => victim.add(input),
    },
  ]
}

/** Decodes; what decodes is the one encoding of its value (V029). */
function decodeInput({ timed }: Fixture, input: Bytes): string {
  try {
    const message = decodeMlsMessage(input)
    if (!timed.apart(() => equalBytes(encodeMlsMessage(message), input)))
      throw new Error('another encoding of the same message')
    return message.wireFormat
  } catch (error) {
    return refusal(error)
  }
}

function judged(run: (input: Bytes) => Promise<string>): (input: Bytes) => Promise<string> {
  return async (input) => {
    try {
      return await run(input)
    } catch (error) {
      return refusal(error)
    }
  }
}

/** A snapshot is our own bytes: a damaged one is refused, or a group that throws nothing untyped either. */
async function restoreInput(fixture: Fixture, input: Bytes): Promise<string> {
  const allowed: readonly ErrorKind[] = [...kinds, 'misuse', 'environment']
  let group: Group
  try {
    group = fixture.restore(input)
  } catch (error) {
    return refusal(error, allowed)
  }
  try {
    group.snapshot()
    return (await group.receive(fixture.genuine)).kind
  } catch (error) {
    return `used: ${refusal(error, allowed)}`
  }
}

/** The code of a refusal. @throws anything that is none */
function refusal(error: unknown, allowed: readonly ErrorKind[] = kinds): string {
  if (!(error instanceof MlsError)) throw error
  if (!allowed.includes(error.kind)) throw error
  return error.code
}

/** A live group that gets inputs, and must not have changed when it refuses one. */
class Victim {
  readonly #fixture: Fixture
  readonly #baseline: Bytes
  #group: Group
  #refused = 0

  constructor(fixture: Fixture) {
    this.#fixture = fixture
    this.#group = fixture.victim()
    this.#baseline = this.#group.snapshot()
  }

  receive(input: Bytes): Promise<string> {
    return this.#try(async (group) => (await group.receive(input)).kind)
  }

  /** Stages; a commit is let go again, which must leave nothing. */
  stage(input: Bytes): Promise<string> {
    return this.#try(async (group) => {
      const result = await group.stage(input)
      if (result.kind !== 'commit') return result.kind
      group.discard(result.staged)
      this.#unchanged()
      return 'commit'
    })
  }

  add(keyPackage: Bytes): Promise<string> {
    return this.#try(async (group) => {
      await group.commit({ add: [keyPackage] })
      return 'added'
    })
  }

  async #try(work: (group: Group) => Promise<string>): Promise<string> {
    let outcome: string
    try {
      outcome = await work(this.#group)
    } catch (error) {
      outcome = refusal(error)
      this.#unchanged()
      this.#refused++
      if (this.#refused % checkEvery === 0) await this.#fixture.timed.apart(() => this.#checkGenuine())
      if (this.#refused % restoreEvery === 0) this.#restore()
      return outcome
    }
    if (['future-epoch', 'past-epoch', 'duplicate', 'own-message'].includes(outcome)) this.#unchanged()
    else this.#restore()
    return outcome
  }

  #restore(): void {
    this.#group = this.#fixture.timed.apart(() => this.#fixture.victim())
  }

  #unchanged(): void {
    const same = this.#fixture.timed.apart(() => equalBytes(this.#group.snapshot(), this.#baseline))
    if (!same) throw new Error('a refused input changed the group')
  }

  async #checkGenuine(): Promise<void> {
    const { kind } = await this.#group.receive(this.#fixture.genuine)
    if (kind !== 'message') throw new Error(`a genuine message became ${kind}`)
    this.#group = this.#fixture.victim()
  }
}
