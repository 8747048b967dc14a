/** Runs the attacks on the build as it is and on builds that lack a check. */
import { type Attack, nameOf, type Verdict } from './attack.ts'
import { Builds } from './builds.ts'
import { type Mutation, mutations } from './mutations.ts'

/** What came of one attack. */
export interface Result {
  readonly id: string
  readonly name: string
  readonly passed: boolean
  /** What stopped it on the build as it is. */
  readonly healthy: string
  /** How it succeeded on the builds that lack a check, with the check. */
  readonly broken: readonly { readonly check: string; readonly outcome: string }[]
}

/** No attack takes longer, in milliseconds. */
const patience = 30_000

async function play(attack: Attack | undefined): Promise<Verdict | { kind: 'failed'; with: string }> {
  if (attack === undefined) return { kind: 'failed', with: 'no such attack' }
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it does not end')), patience)
  })
  try {
    return await Promise.race([attack.run(), late])
  } catch (error) {
    return { kind: 'failed', with: describe(error) }
  } finally {
    clearTimeout(timer)
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error ? nameOf(error as never) : `${error.message} ${error.stack?.split('\n')[1]?.trim() ?? ''}`
}

/** All attacks in their order, or some; each result as soon as it is there. */
export async function* runAttacks(only: readonly string[] = []): AsyncGenerator<Result> {
  const builds = new Builds()
  try {
    const healthy = await builds.attacks([])
    const wanted = [...healthy.values()].filter(({ id }) => only.length === 0 || only.includes(id))
    for (const attack of wanted) yield await judge(builds, attack, await play(attack))
  } finally {
    builds.remove()
  }
}

async function judge(builds: Builds, attack: Attack, outcome: Awaited<ReturnType<typeof play>>): Promise<Result> {
  const { id, name } = attack
  const stoppedAsTold = outcome.kind === 'stopped' && outcome.by.startsWith(attack.stoppedBy)
  const broken: { check: string; outcome: string; succeeded: boolean }[] = []
  for (const mutation of mutations.filter((one) => one.attack === id)) broken.push(await without(builds, id, mutation))
  return {
    id,
    name,
    passed: stoppedAsTold && broken.length > 0 && broken.every(({ succeeded }) => succeeded),
    healthy: outcome.kind === 'stopped' ? outcome.by : `${outcome.kind.toUpperCase()}: ${outcome.with}`,
    broken: broken.map(({ check, outcome: text }) => ({ check, outcome: text })),
  }
}

async function without(builds: Builds, id: string, { patches, check }: Mutation) {
  const outcome = await play((await builds.attacks(patches)).get(id))
  if (outcome.kind === 'succeeded') return { check, outcome: outcome.with, succeeded: true }
  const text = outcome.kind === 'stopped' ? `STILL STOPPED by ${outcome.by}` : `FAILED: ${outcome.with}`
  return { check, outcome: text, succeeded: false }
}
