// `npm run sim -- --seed S --clients 200 --hours 24 [--seeds N]`: see sim-run.ts. Ends with `N passed, N failed`.
import { Command } from 'commander'
import { simulate } from './sim-run.ts'

const options = new Command('npm run sim --')
  .description('clients in virtual time, with faults, judged at the end')
  .option('--seed <text>', 'the run follows from it', '1')
  .option('--seeds <number>', 'as many runs, with seeds counted from the first', '1')
  .option('--clients <number>', 'devices', '200')
  .option('--hours <number>', 'virtual hours', '24')
  .option('--room-size <number>', 'devices of one room', '10')
  .option('--actions <number>', 'what people do in a room in an hour', '8')
  .option('--log', 'print everything that happens')
  .parse(process.argv)
  .opts<Record<'seed' | 'seeds' | 'clients' | 'hours' | 'roomSize' | 'actions', string> & { log?: true }>()

let [passed, failed] = [0, 0]
for (let i = 0; i < Number(options.seeds); i++) {
  const seed = Number(options.seeds) === 1 ? options.seed : String(Number(options.seed) + i)
  const started = performance.now()
  const [clients, hours, roomSize] = [Number(options.clients), Number(options.hours), Number(options.roomSize)]
  const report = await simulate({
    seed,
    clients,
    hours,
    roomSize,
    actionsPerHour: Number(options.actions),
    ...(options.log === undefined ? {} : { log: (line: string) => console.log(line) }),
  })
  const { violations, faults, ...numbers } = report
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(
    `seed ${seed}: ${violations.length === 0 ? 'good' : 'BAD'} in ${seconds} s, ${JSON.stringify({ ...numbers, ...faults })}`,
  )
  for (const violation of violations.slice(0, 20)) console.log(`  ${violation}`)
  if (violations.length === 0) passed++
  else {
    failed++
    console.log(
      `  again: npm run sim -- --seed ${seed} --clients ${clients} --hours ${hours} --room-size ${roomSize} --actions ${options.actions}`,
    )
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
