// `npm run demo [-- --server embedded|prosody|ejabberd] [--room muc|mix] [--keep]`: three people talk end-to-end encrypted
// through a server that is not trusted. Needs nothing but Node; real servers are installed by `npm run servers:install`.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Argument, Command, Option } from 'commander'
import { paintFor, wantsColours } from '../src/cli/paint.ts'
import { Columns } from './demo-columns.ts'
import { identityHolds, playIdentity } from './demo-identity.ts'
import { play } from './demo-scenario.ts'
import { demoPassword, openStage, type Stage, type StageChoice } from './demo-stage.ts'

interface DemoOptions extends StageChoice {
  readonly keep: boolean
}

const command = new Command('npm run demo --')
  .description('three people, four devices, one encrypted room')
  .addArgument(new Argument('[story]', 'rooms, or one identity for all devices').choices(['rooms', 'identity']))
  .addOption(
    new Option('--server <name>', 'where it plays').choices(['embedded', 'prosody', 'ejabberd']).default('embedded'),
  )
  .addOption(new Option('--room <kind>', 'room or channel').choices(['muc', 'mix']).default('muc'))
  .option('--keep', 'leave the real server running at the end', false)
  .parse(process.argv)
const options = command.opts<DemoOptions>()
const story = command.processedArgs[0] === 'identity' ? 'identity' : 'rooms'

// accounts for those who try it themselves, on a kept server
const guests = ['dora', 'emil']

process.exitCode = await run(options)
// a kept server goes on until this process is ended
if (process.exitCode !== 0 || !options.keep || options.server === 'embedded') process.exit()

async function run({ server, room, keep }: DemoOptions): Promise<number> {
  const started = performance.now()
  const paint = paintFor(wantsColours(process.stdout, process.env))
  let stage: Stage | undefined
  let ok = false
  const columns = new Columns(paint, process.stdout.columns ?? 132, (line) => console.log(line))
  const rooms = async (on: Stage): Promise<boolean> => {
    const { agree, readable, unsealed, verified, repaired, leaked } = await play(on, columns, { paint })
    const hidden = readable.length === 0 && unsealed.length === 0 && leaked === 0
    return agree && hidden && verified && repaired
  }
  const identities = async (on: Stage): Promise<boolean> => identityHolds(await playIdentity(on, columns, { paint }))
  try {
    const opened = await openStage({ server, room })
    stage = opened
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => {
        const code = ok ? 0 : 130
        opened.close().then(
          () => process.exit(code),
          () => process.exit(code),
        )
      })
    console.log(`xmpp-mls on ${stage.title}\n`)
    columns.heading()
    ok = story === 'identity' ? await identities(opened) : await rooms(opened)
    columns.flush()
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    const { stanzas, bytes } = columns.totals
    console.log(`\n${stanzas} stanzas, ${bytes} bytes went to the server in ${seconds} s.`)
    console.log(ok ? paint.good('All of it worked.') : paint.bad('Something went wrong: see above.'))
  } catch (error) {
    columns.flush()
    console.error(`\n${paint.bad('The demo stopped:')} ${error instanceof Error ? error.message : String(error)}`)
    if (process.env['DEBUG'] !== undefined) console.error(error)
  }
  const kept = ok && keep ? stage?.server : undefined
  await stage?.close({ keep: kept !== undefined })
  if (kept !== undefined) {
    for (const user of guests) await kept.register(user, demoPassword)
    const kitchen = `kitchen@${room === 'mix' ? kept.channels : kept.rooms}`
    console.log(`\n${kept.kind} is still there: ${kept.tcp} and ${kept.websocket}, domain ${kept.domain}`)
    console.log(`Everything is in ${kept.folder}. Ctrl-C stops the server and removes the folder.\n`)
    const [first, second] = guests
    console.log(`Two accounts are free. First ${first}, in a second terminal, who makes the room:`)
    // beside the server's data, so that nothing of them is left, and nothing of an earlier server is found
    const people = join(kept.folder, 'people')
    mkdirSync(people, { mode: 0o700 })
    for (const user of guests) {
      const state = `--state ${join(people, user)} --key-file ${join(people, `${user}.key`)}`
      const address = `${user}@${kept.domain}`
      if (user === second) console.log(`\nWhen that says "everything works", ${second} in a third one:`)
      console.log(`\n  npx xmpp-mls chat ${address} ${kitchen} -s ${kept.tcp} -p ${demoPassword} ${state}`)
    }
    console.log(`\n${second} waits. Type at ${first}'s:  /invite ${second}@${kept.domain}`)
  }
  return ok ? 0 : 1
}
