/** The commands `xmpp-mls identity …`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { IdentityClient } from '../xmpp/identity/client.ts'
import type { RemovalReason } from '../xmpp/identity/owner.ts'
import { MlsClient } from '../xmpp/mls/client.ts'
import { defaultSuite } from '../xmpp/mls/open-device.ts'
import { presence } from '../xmpp/stanza/stanza.ts'
import { checkEvidence, evidenceAbout, rootOfText } from './identity-evidence.ts'
import {
  approveDevice,
  createIdentity,
  linkDevice,
  makeBackup,
  recoverAccount,
  removeDevice,
  resetAccount,
  restoreBackup,
  rotateRoot,
  show,
} from './identity-flows.ts'
import { tellProblems } from './identity-notices.ts'
import { showContacts, showVerifyCode, verifyByDigits, verifyByEmoji, verifyByScan } from './identity-verify.ts'
import { address, type LoginFlags, login, openSealedState, withLogin } from './login.ts'
import type { Paint } from './paint.ts'
import { type Person, personAt } from './person.ts'
import { stateFolder } from './state-folder.ts'
import { openTerminal } from './terminal.ts'

/** An identity with somebody in front of it. */
interface Seat {
  readonly identity: IdentityClient
  readonly person: Person
  /** The rooms of the account, for what travels inside them. */
  readonly rooms: () => Promise<MlsClient>
}

/** Adds the commands. */
export function addIdentityCommands(program: Command, paint: Paint): void {
  const group = program.command('identity').description('one identity for all your devices; those of others')

  /** A command that logs in and works on the identity of the account. */
  const command = <F extends LoginFlags>(
    name: string,
    description: string,
    extend: (made: Command) => Command,
    run: (seat: Seat, flags: F, ...rest: readonly (string | undefined)[]) => Promise<unknown>,
  ): void => {
    const made = withLogin(group.command(name).description(description).argument('<account>', 'name@server'))
    extend(made).action(async (account: string, ...args: readonly unknown[]) => {
      const flags = args.at(-2) as F
      const rest = args.slice(0, -2) as (string | undefined)[]
      await seated(address(account), flags, paint, (seat) => run(seat, flags, ...rest))
    })
  }

  command<LoginFlags & { strict?: boolean; hybrid?: boolean }>(
    'create',
    'make an identity; shows the recovery code once',
    (made) =>
      made
        .option('--strict', 'keep the root on paper alone, on no device')
        .option('--hybrid', 'a root of Ed25519 and ML-DSA-65'),
    ({ identity, person }, { strict = false, hybrid = false }) =>
      createIdentity(identity, person, { profile: strict ? 'strict' : 'casual', hybrid }),
  )
  command('show', 'your identity and your devices', plain, async ({ identity, person }) => show(identity, person))
  command('saved', 'say that the recovery code is written down', plain, async ({ identity, person }) => {
    await identity.codeSaved()
    show(identity, person)
  })
  command<LoginFlags & { name?: string; offline?: boolean }>(
    'link',
    'add this device: shows a QR code for one that is in already',
    (made) =>
      made
        .option('--name <text>', 'how the other device names this one')
        .option('--offline', 'what the other device seals comes as a second QR code, not over the server'),
    ({ identity, person }, { name = 'a terminal', offline = false }) => linkDevice(identity, person, { name, offline }),
  )
  command<LoginFlags & { steward?: boolean; offline?: boolean }>(
    'approve',
    'let in a new device that shows a QR code',
    (made) =>
      made
        .argument('[text]', 'what its QR code says')
        .option('--steward', 'it may let in others, too')
        .option('--offline', 'answer with a second QR code, not over the server'),
    ({ identity, person }, { steward = false, offline = false }, text) =>
      approveDevice(identity, person, { steward, offline, text }),
  )
  command<LoginFlags & { digits?: boolean; emoji?: boolean; scan?: string }>(
    'verify',
    'compare identities: shows a QR code unless told otherwise',
    (made) =>
      made
        .argument('<contact>', 'name@server')
        .option('--digits', 'sixty digits, by telephone for instance')
        .option('--emoji', 'seven emoji, inside an encrypted chat')
        .option('--scan <text>', 'what the other one shows'),
    verify,
  )
  command<LoginFlags & { passphrase?: boolean }>(
    'backup',
    'leave a sealed backup on the server',
    withPassphrase,
    ({ identity, person }, { passphrase = false }) => makeBackup(identity, person, passphrase),
  )
  command<LoginFlags & { passphrase?: boolean; replaces?: string[] }>(
    'restore',
    'come back on this device when all others are gone',
    (made) => withPassphrase(made).option('--replaces <device...>', 'devices that are gone: 32 digits each'),
    ({ identity, person }, { passphrase = false, replaces = [] }) =>
      restoreBackup(identity, person, { passphrase, replaces }),
  )
  command<LoginFlags & { reason: RemovalReason }>(
    'remove-device',
    'take a device off your list and out of all rooms',
    (made) =>
      made
        .argument('<device>', 'the first digits of its id')
        .addOption(new Option('--reason <why>').choices(['retired', 'lost', 'compromised']).default('retired')),
    ({ identity, person }, { reason }, device = '') => removeDevice(identity, person, { device, reason }),
  )
  command('rotate', 'renew your identity; contacts stay verified', plain, ({ identity, person }) =>
    rotateRoot(identity, person),
  )
  command<LoginFlags & { keep?: string[] }>(
    'recover',
    'after a theft: take the account back with the recovery code',
    withKeep,
    ({ identity, person }, { keep = [] }) => recoverAccount(identity, person, { keep }),
  )
  command<LoginFlags & { keep?: string[] }>(
    'reset',
    'begin anew without the recovery code; all contacts are warned',
    withKeep,
    ({ identity, person }, { keep = [] }) => resetAccount(identity, person, { keep }),
  )
  command(
    'contacts',
    'what is known of others',
    (made) => made.argument('[contact]', 'name@server'),
    ({ identity, person }, _flags, contact) =>
      showContacts(identity, person, contact === undefined ? undefined : address(contact)),
  )

  const evidence = group.command('evidence').description('facts that anybody can check')
  withLogin(
    evidence.command('export').description('write what was found about somebody to a file').argument('<account>'),
  )
    .argument('<contact>', 'name@server')
    .argument('<file>')
    .action(async (account: string, contact: string, file: string, flags: LoginFlags) => {
      await seated(address(account), flags, paint, async ({ identity, person }) => {
        const found = await identity.contact(address(contact))
        const bytes = evidenceAbout(found)
        if (bytes === undefined) throw new Error('nothing was found that would be proof')
        writeFileSync(file, bytes, { flag: 'wx' })
        const root = Buffer.from(found.rootHash ?? []).toString('hex')
        person.print(`${file}: ${bytes.length} bytes. Anybody checks it without a network:`)
        person.print(`  xmpp-mls identity evidence check ${file} ${found.account} ${root}`)
      })
    })
  evidence
    .command('check')
    .description('say what a file proves; no network, no account')
    .argument('<file>')
    .argument('<account>', 'whom it is about')
    .argument('<root>', 'the identity of that account that you believe: 64 hexadecimal digits')
    .action(async (file: string, account: string, root: string) => {
      const believed = { account: address(account), rootHash: rootOfText(root) }
      for (const line of checkEvidence(await defaultSuite(), readFileSync(file), believed)) console.log(line)
    })
}

const plain = (made: Command): Command => made
const withPassphrase = (made: Command): Command =>
  made.option('--passphrase', 'a passphrase instead of the recovery code')
const withKeep = (made: Command): Command =>
  made.option('--keep <device...>', 'devices that you still have: the first digits of their ids')

async function verify(
  { identity, person, rooms }: Seat,
  { digits, emoji, scan }: { readonly digits?: boolean; readonly emoji?: boolean; readonly scan?: string },
  contact = '',
): Promise<void> {
  const account = address(contact)
  if (digits === true) {
    await verifyByDigits(identity, person, account)
    return
  }
  // answers travel inside the encrypted chat with the contact
  await (await rooms()).direct(account)
  if (emoji === true) await verifyByEmoji(identity, person, account)
  else if (scan !== undefined) await verifyByScan(identity, person, scan, account)
  else await showVerifyCode(identity, person, account)
}

/** Opens state, connection and identity, works, closes. */
async function seated(
  account: string,
  flags: LoginFlags,
  paint: Paint,
  work: (seat: Seat) => Promise<unknown>,
): Promise<void> {
  const storage = await openSealedState(stateFolder(account, flags.state, process.env), flags)
  const ends: (() => unknown)[] = [() => storage.close()]
  try {
    const connection = await login(account, flags)
    ends.unshift(() => connection.close())
    const identity = await IdentityClient.open({ xmpp: connection.port, storage })
    ends.unshift(() => identity.close())
    const terminal = openTerminal('> ')
    ends.unshift(() => terminal.close())
    const person = personAt(terminal, paint)
    tellProblems(identity, person)
    await connection.port.send(presence({}))
    const rooms = async (): Promise<MlsClient> => {
      const client = await MlsClient.open({ xmpp: connection.port, storage, identity })
      ends.unshift(() => client.close())
      return client
    }
    await work({ identity, person, rooms })
  } finally {
    for (const end of ends) await end()
  }
}
