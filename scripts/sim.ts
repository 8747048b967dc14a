// `npm run sim -- --seed S --clients 200 --hours 24`, or `--seeds A-B` on all cores: see sim-run.ts. Of several seeds the first
// one runs twice, and both runs must be equal. Ends with `N passed, N failed`.
import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { Argument, Command } from 'commander'
import { figureLines, figuresHold, identityFigures } from './sim-identity.ts'
import { type SimOptions, type SimReport, simulate } from './sim-run.ts'

const command = new Command('npm run sim --')
  .description('clients in virtual time, with faults, judged at the end')
  .addArgument(
    new Argument('[what]', 'rooms, or 20 devices of one identity with 50 contacts').choices(['rooms', 'identity']),
  )
  .option('--seed <text>', 'the run follows from it', '1')
  .option('--seeds <first-last>', 'a run for each of these numbers instead')
  .option('--jobs <number>', 'runs at the same time', String(availableParallelism()))
  .option('--clients <number>', 'devices', '200')
  .option('--hours <number>', 'virtual hours', '24')
  .option('--room-size <number>', 'devices of one room', '10')
  .option('--actions <number>', 'what people do in a room in an hour', '8')
  .option('--channels', 'channels (MIX) instead of rooms')
  .option('--log', 'print everything that happens')
  .parse(process.argv)
const options = command.opts<
  Record<'seed' | 'jobs' | 'clients' | 'hours' | 'roomSize' | 'actions', string> & {
    seeds?: string
    channels?: true
    log?: true
  }
>()

const size = {
  clients: Number(options.clients),
  hours: Number(options.hours),
  roomSize: Number(options.roomSize),
  actionsPerHour: Number(options.actions),
  channels: options.channels === true,
}
const seeds = options.seeds === undefined ? [options.seed] : seedsOf(options.seeds)
const traces = new Map<string, string>()
let [passed, failed] = [0, 0]

function seedsOf(text: string): string[] {
  const [first = Number.NaN, last = Number.NaN] = text.split('-').map(Number)
  if (!(Number.isInteger(first) && Number.isInteger(last) && first <= last)) throw new Error('--seeds wants FIRST-LAST')
  const all = Array.from({ length: last - first + 1 }, (_, i) => String(first + i))
  return all.length > 1 ? [...all, String(first)] : all
}

function tell(seed: string, { violations, faults, ...numbers }: SimReport, seconds: number): void {
  const before = traces.get(seed)
  traces.set(seed, numbers.trace)
  const all = before === undefined || before === numbers.trace ? violations : [...violations, 'the second run differs']
  if (all.length === 0) passed++
  else failed++
  const verdict = all.length === 0 ? 'good' : 'BAD'
  console.log(`seed ${seed}: ${verdict} in ${seconds.toFixed(1)} s, ${JSON.stringify({ ...numbers, ...faults })}`)
  for (const violation of all.slice(0, 20)) console.log(`  ${violation}`)
  const { clients, hours, roomSize, actions } = options
  if (all.length > 0)
    console.log(
      `  again: npm run sim -- --seed ${seed} --clients ${clients} --hours ${hours} --room-size ${roomSize} --actions ${actions}${size.channels ? ' --channels' : ''}`,
    )
}

async function here(): Promise<void> {
  for (const seed of seeds) {
    const started = performance.now()
    const log = options.log === undefined ? {} : { log: (line: string) => console.log(line) }
    tell(seed, await simulate({ seed, ...size, ...log }), (performance.now() - started) / 1000)
  }
}

async function inProcesses(jobs: number): Promise<void> {
  const waiting = [...seeds]
  const work = async (): Promise<void> => {
    const worker = fork(new URL('sim-worker.ts', import.meta.url))
    for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
      const started = performance.now()
      tell(seed, await run(worker, { seed, ...size }), (performance.now() - started) / 1000)
    }
    worker.disconnect()
  }
  await Promise.all(Array.from({ length: jobs }, work))
}

function run(worker: ChildProcess, job: SimOptions): Promise<SimReport> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`a process of seed ${job.seed} ended with ${code}`))
    worker.once('exit', ended)
    worker.once('message', (report) => {
      worker.off('exit', ended)
      resolve(report as SimReport)
    })
    worker.send(job)
  })
}

async function identities(): Promise<void> {
  const size = { devices: 20, contacts: 50 }
  const figures = await identityFigures({ ...size, seed: options.seed })
  for (const line of figureLines(figures)) console.log(line)
  if (figuresHold(figures, size)) passed++
  else failed++
}

const jobs = Math.min(Number(options.jobs), seeds.length)
if (command.processedArgs[0] === 'identity') await identities()
else await (jobs <= 1 || options.log !== undefined ? here() : inProcesses(jobs))
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
