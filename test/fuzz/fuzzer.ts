/** The loop: an input for a target, what became of it, how long it took. */
import type { Bytes } from '../../src/bytes/bytes.ts'
import { makeFixture } from './fixture.ts'
import { mutateBytes } from './mutator.ts'
import { Random } from './random.ts'
import { makeTargets, type Target } from './targets.ts'
import { Time } from './timed-suite.ts'

/** Milliseconds that one input of at most 64 KiB may take, public-key work apart. */
export const timeLimit = 50

/** An input that showed something. */
export interface Finding {
  readonly target: string
  readonly run: number
  readonly input: Bytes
  readonly error: unknown
}

/** What became of the inputs of one target. */
export interface Outcomes {
  /** How often each outcome came. */
  readonly counts: Map<string, number>
  /** Milliseconds of all runs, checks included. */
  total: number
  /** The longest run in milliseconds, public-key work and checks apart. */
  longest: number
  /** The longest run in milliseconds, public-key work and checks included. */
  longestWithKeys: number
}

/** What a number of runs gave. */
export interface Report {
  readonly runs: number
  readonly targets: ReadonlyMap<string, Outcomes>
  readonly findings: readonly Finding[]
}

/** What to run. */
export interface FuzzInput {
  readonly seed: number
  readonly runs: number
  /** The number of the first run; each run depends on the seed and its own number alone. */
  readonly first?: number
  /** Targets whose names contain this. */
  readonly only?: string
  /** Findings after which to stop; 1 by default. */
  readonly stopAfter?: number
  /** Milliseconds that an input may take, {@link timeLimit} by default. */
  readonly limit?: number
  readonly progress?: (done: number, findings: number) => void
}

export async function fuzz(work: FuzzInput): Promise<Report> {
  const { seed, runs, first = 0, only, stopAfter = 1, limit = timeLimit, progress } = work
  const fixture = await makeFixture(seed)
  const targets = makeTargets(fixture).filter(({ name }) => only === undefined || name.includes(only))
  const table = targets.flatMap((target) => new Array<Target>(target.weight).fill(target))
  const results = new Map<string, Outcomes>(
    targets.map(({ name }) => [name, { counts: new Map(), total: 0, longest: 0, longestWithKeys: 0 }]),
  )
  const findings: Finding[] = []
  const random = new Random()

  const timed = async (target: Target, input: Bytes) => {
    const [start, before] = [Time.now(), fixture.timed.spent()]
    const answer = target.run(input)
    const outcome = typeof answer === 'string' ? answer : await answer
    const all = Time.now().minus(start)
    return { outcome, all: all.atMost, own: all.minus(fixture.timed.spent().minus(before)).atMost }
  }

  let done = 0
  for (let run = first; done < runs && findings.length < stopAfter; run++, done++) {
    random.seed(seed, run, 1)
    fixture.entropy.seed(seed, run, 2)
    const target = random.pick(table)
    let input: Bytes
    try {
      const made = target.input(random)
      input = made instanceof Uint8Array ? made : await made
    } catch {
      // values that cannot be written
      input = mutateBytes(random, random.pick(fixture.corpus), fixture.corpus)
    }
    try {
      let { outcome, all, own } = await timed(target, input)
      // a pause of the machine is no finding: what is slow is slow three times
      for (let again = 0; again < 3 && own > limit / 2; again++) {
        const repeated = await timed(target, input)
        if (repeated.own < own) ({ outcome, all, own } = repeated)
      }
      const result = results.get(target.name) as Outcomes
      result.counts.set(outcome, (result.counts.get(outcome) ?? 0) + 1)
      result.total += all
      result.longest = Math.max(result.longest, own)
      result.longestWithKeys = Math.max(result.longestWithKeys, all)
      if (own > limit && input.length <= 64 * 1024)
        findings.push({ target: target.name, run, input, error: new Error(`${own.toFixed(1)} ms`) })
    } catch (error) {
      findings.push({ target: target.name, run, input, error })
    }
    if (run % 1000 === 999) progress?.(done + 1, findings.length)
  }
  return { runs: done, targets: results, findings }
}
