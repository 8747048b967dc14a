/** What an attack of the tests is: something that an enemy does to the real code, and how it ends. */
import { MlsError } from '../../src/bytes/errors.ts'

/** How an attack ended. `by`: the error with its rule, the finding or the state that stopped it. */
export type Verdict =
  | { readonly kind: 'stopped'; readonly by: string }
  | { readonly kind: 'succeeded'; readonly with: string }

/** One way to try an attack of the design's list (§5.9). */
export interface Attack {
  /** Number in the list, with a letter where there are several ways: `7b`. */
  readonly id: string
  readonly name: string
  /** What must stop it: the beginning of {@link Verdict} `by`. */
  readonly stoppedBy: string
  /** Plays the attack against the build that it is part of. Whatever it throws is a broken test. */
  run(): Promise<Verdict>
}

export const stopped = (by: string): Verdict => ({ kind: 'stopped', by })
export const succeeded = (how: string): Verdict => ({ kind: 'succeeded', with: how })

/** Stopped by `by`, unless the attacker has reached the goal. */
export function verdict(reached: boolean, goal: string, by: string): Verdict {
  return reached ? succeeded(goal) : stopped(by)
}

/** Code and rule of an error; `undefined` when there is none. Other errors than ours go on. */
export async function refusal(work: () => unknown): Promise<string | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    if (error instanceof MlsError) return nameOf(error)
    throw error
  }
}

/** Code and rule of an error. */
export function nameOf(error: MlsError): string {
  return `${error.code} ${error.rule ?? ''}`.trim()
}

/** Stopped by the error of some work, unless the work is done: then the attacker has reached the goal. */
export async function attempt(work: () => unknown, goal: string): Promise<Verdict> {
  const error = await refusal(work)
  return error === undefined ? succeeded(goal) : stopped(error)
}
