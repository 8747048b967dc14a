#!/usr/bin/env node
/** The command `xmpp-mls`: talk in encrypted rooms, look at stored groups and messages, examine an account. */
import { readFileSync, statSync } from 'node:fs'
import { Command } from 'commander'
import { IdentityClient } from '../xmpp/identity/client.ts'
import { MlsClient } from '../xmpp/mls/client.ts'
import { systemRandom, systemTimers } from '../xmpp/mls/open-device.ts'
import type { MlsRoom } from '../xmpp/mls/room.ts'
import { parseJid } from '../xmpp/stanza/jid.ts'
import { presence } from '../xmpp/stanza/stanza.ts'
import { hasCondition } from '../xmpp/stanza/xmpp-error.ts'
import { chat } from './chat.ts'
import { describeMessage, messageBytes } from './describe-message.ts'
import { examine, findingLine } from './doctor.ts'
import { addIdentityCommands } from './identity.ts'
import { haveIdentity } from './identity-flows.ts'
import { inspectStorage } from './inspect.ts'
import { address, type LoginFlags, login, openSealedState, withLogin } from './login.ts'
import { harmless, paintFor, wantsColours } from './paint.ts'
import { passThrough } from './pass-through.ts'
import { sentenceOf } from './report.ts'
import { hasState, stateFolder } from './state-folder.ts'
import { openTerminal } from './terminal.ts'

const paint = paintFor(wantsColours(process.stdout, process.env))
const program = new Command('xmpp-mls')
  .description('end-to-end encrypted rooms on XMPP servers, with MLS (RFC 9420)')
  .showHelpAfterError()

withLogin(program.command('chat').description('talk in a room; makes room and group where there are none'))
  .argument('<account>', 'name@server')
  .argument('<room>', 'room@service, or with --direct the address of a person')
  .option('--direct', 'talk to one person')
  .option('--nick <name>', 'nick in the room')
  .action(async (account: string, room: string, flags: LoginFlags & { direct?: boolean; nick?: string }) => {
    const storage = await openSealedState(stateFolder(address(account), flags.state, process.env), flags)
    const connection = await login(account, flags).catch(async (error: unknown) => {
      await storage.close()
      throw error
    })
    const terminal = openTerminal('> ')
    const identity = await IdentityClient.open({ xmpp: connection.port, storage })
    const has = await haveIdentity(identity, { paint, print: terminal.print })
    const client = await MlsClient.open({ xmpp: connection.port, storage, ...(has ? { identity } : {}) })
    client.on('invitation', ({ room: where, from }) =>
      terminal.print(paint.note(`  * ${harmless(from)} invites you to ${harmless(where)}`)),
    )
    client.on('error', ({ error }) => terminal.print(paint.bad(`  ! ${sentenceOf(error)}`)))
    // only now: what the server has kept for this account comes with it
    await connection.port.send(presence({}))
    try {
      const nick = flags.nick ?? parseJid(account).local
      const opened =
        flags.direct === true
          ? await client.direct(address(room))
          : await enter(client, address(room), nick, terminal.print)
      const { account: self } = client
      const who = has ? { identity } : {}
      await chat({ account: self, room: opened, ...who, paint, lines: terminal.lines, print: terminal.print })
    } finally {
      terminal.close()
      await client.close()
      identity.close()
      await storage.close()
      await connection.close()
    }
  })

addIdentityCommands(program, paint)

withLogin(program.command('doctor').description('examine server, account and room; mend what can be mended'))
  .argument('<account>', 'name@server')
  .argument('[room]', 'room@service')
  .option('--dry-run', 'change nothing')
  .action(async (account: string, room: string | undefined, flags: LoginFlags & { dryRun?: boolean }) => {
    const connection = await login(account, flags)
    try {
      const findings = await examine({
        context: { port: connection.port, timers: systemTimers, random: systemRandom },
        mend: flags.dryRun !== true,
        ...(room === undefined ? {} : { room: address(room) }),
      })
      for (const finding of findings) console.log(findingLine(finding, paint))
      if (findings.some(({ state }) => state === 'bad')) process.exitCode = 1
    } finally {
      await connection.close()
    }
  })

program
  .command('inspect')
  .description('print a stored group, or an MLS message from a file (raw, base64 or hexadecimal)')
  .argument('<what>', 'an account, a state folder, or a file')
  .argument('[room]', 'only this room')
  .option('--key-file <path>', 'what seals the state, instead of a passphrase')
  .action(async (what: string, room: string | undefined, flags: Pick<LoginFlags, 'keyFile'>) => {
    const found = statSync(what, { throwIfNoEntry: false })
    if (found?.isFile() === true) {
      for (const line of describeMessage(messageBytes(readFileSync(what)))) console.log(line)
      return
    }
    const folder = found?.isDirectory() === true ? what : stateFolder(address(what), undefined, process.env)
    if (!hasState(folder)) throw new Error(`nothing is stored in ${folder}`)
    const storage = await openSealedState(folder, flags)
    for (const line of await inspectStorage(storage, room)) console.log(line)
    await storage.close()
  })

for (const script of ['vectors', 'bench'] as const)
  program
    .command(script)
    .description(`npm run ${script}, in a clone of the repository`)
    .argument('[arguments...]')
    .allowUnknownOption()
    .action(async (args: string[]) => {
      process.exitCode = await passThrough(script, args)
    })

/** Enters a room; where it is for members only, waits to be invited. */
async function enter(
  client: MlsClient,
  room: string,
  nick: string | undefined,
  print: (line: string) => void,
): Promise<MlsRoom> {
  const options = nick === undefined ? {} : { nick }
  try {
    return await client.room(room, options)
  } catch (error) {
    if (!hasCondition(error, 'registration-required')) throw error
  }
  print(paint.note(`  = this room is for members: waits until somebody in it types /invite ${client.account}`))
  await new Promise<void>((resolve) => {
    client.on('invitation', (invitation) => {
      if (invitation.room === room) resolve()
    })
  })
  return await client.room(room, options)
}

try {
  await program.parseAsync(process.argv)
} catch (error) {
  console.error(paint.bad(`xmpp-mls: ${sentenceOf(error)}`))
  process.exitCode = 1
}
