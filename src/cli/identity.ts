/** The commands `xmpp-mls identity …`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import type { RemovalReason } from '../xmpp/identity/owner.ts'
import { defaultSuite } from '../xmpp/mls/open-device.ts'
import { acceptRoot, followInvite, keepRoot, showContacts, showInvite, unverify } from './identity-contacts.ts'
import { checkEvidence, evidenceAbout, rootOfText } from './identity-evidence.ts'
import {
  createIdentity,
  makeBackup,
  recoverAccount,
  removeDevice,
  renewSigning,
  resetAccount,
  restoreBackup,
  rotateRoot,
  show,
} from './identity-flows.ts'
import { approveDevice, linkDevice, linkOffline } from './identity-linking.ts'
import { alone, type Seat, seated } from './identity-seat.ts'
import { showVerifyCode, verifyByDigits, verifyByEmoji, verifyByScan } from './identity-verify.ts'
import { address, type LoginFlags, withLogin } from './login.ts'
import type { Paint } from './paint.ts'

/** Adds the commands. */
export function addIdentityCommands(program: Command, paint: Paint): void {
  const group = program
    .command('identity')
    .description('One identity for all your devices, and what is known of the identities of others.')

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

  group.commandsGroup('Your identity:')
  command<LoginFlags & { strict?: boolean; hybrid?: boolean }>(
    'create',
    'Make an identity. The recovery code is shown once.',
    (made) =>
      made
        .option('--strict', 'keep the root on paper alone, on no device')
        .option('--hybrid', 'a root of Ed25519 and ML-DSA-65'),
    ({ identity, person }, { strict = false, hybrid = false }) =>
      createIdentity(identity, person, { profile: strict ? 'strict' : 'casual', hybrid }),
  )
  command('show', 'Show your identity and your devices.', plain, async ({ identity, person }) => show(identity, person))
  command('saved', 'Say that the recovery code is written down.', plain, async ({ identity, person }) => {
    await identity.codeSaved()
    show(identity, person)
  })
  command('invite', 'Show a link that carries your identity: whoever follows it meets nobody else.', plain, (seat) =>
    showInvite(seat.identity, seat.person),
  )

  group.commandsGroup('Your devices:')
  withLogin(
    group
      .command('link')
      .description('Add this device: it shows a QR code to one that is in already.')
      .argument('<account>', 'name@server'),
  )
    .option('--name <text>', 'how the other device names this one', 'a terminal')
    .option('--offline', 'needs no password and no network: the other device answers with a second QR code')
    .action(async (account: string, flags: LoginFlags & { name: string; offline?: boolean }) => {
      const { name, offline = false } = flags
      const owner = address(account)
      if (offline)
        await alone(owner, flags, paint, (storage, person) => linkOffline(storage, person, { account: owner, name }))
      else await seated(owner, flags, paint, ({ identity, person }) => linkDevice(identity, person, name))
    })
  command<LoginFlags & { steward?: boolean; offline?: boolean }>(
    'approve',
    'Let in a new device that shows a QR code.',
    (made) =>
      made
        .argument('[text]', 'what its QR code says')
        .option('--steward', 'it may let in others, too')
        .option('--offline', 'answer with a second QR code, not over the server'),
    ({ identity, person }, { steward = false, offline = false }, text) =>
      approveDevice(identity, person, { steward, offline, text }),
  )
  command<LoginFlags & { reason: RemovalReason }>(
    'remove-device',
    'Take a device off your list and out of all rooms.',
    (made) =>
      made
        .argument('<device>', 'the first digits of its id')
        .addOption(new Option('--reason <why>').choices(['retired', 'lost', 'compromised']).default('retired')),
    ({ identity, person }, { reason }, device = '') => removeDevice(identity, person, { device, reason }),
  )

  group.commandsGroup('Other people:')
  command(
    'contacts',
    'Show what is known of others.',
    (made) => made.argument('[contact]', 'name@server'),
    ({ identity, person }, _flags, contact) =>
      showContacts(identity, person, contact === undefined ? undefined : address(contact)),
  )
  command<LoginFlags & { digits?: boolean; emoji?: boolean; scan?: string }>(
    'verify',
    'Compare identities, once for each person: with a QR code unless told otherwise.',
    (made) =>
      made
        .argument('<contact>', 'name@server')
        .option('--digits', 'sixty digits, by telephone for instance')
        .option('--emoji', 'seven emoji, inside an encrypted chat')
        .option('--scan <text>', 'what the other one shows'),
    verify,
  )
  command(
    'follow',
    'Follow the link of somebody: it says which identity is theirs.',
    (made) => made.argument('<link>', 'xmpp:…'),
    ({ identity, person }, _flags, link = '') => followInvite(identity, person, link),
  )
  /** What somebody decides about a contact. */
  const decisions = {
    accept: ['When an identity has changed: take the new one without comparing it.', acceptRoot],
    keep: ['When an identity has changed: stay with the one that was known before.', keepRoot],
    unverify: ['Take back that you have compared the identity of somebody.', unverify],
  } as const
  for (const [name, [description, decide]] of Object.entries(decisions))
    command(name, description, withContact, ({ identity, person }, _flags, contact = '') =>
      decide(identity, person, address(contact)),
    )

  group.commandsGroup('Loss and theft:')
  command<LoginFlags & { passphrase?: boolean }>(
    'backup',
    'Leave a sealed backup on the server.',
    withPassphrase,
    ({ identity, person }, { passphrase = false }) => makeBackup(identity, person, passphrase),
  )
  command<LoginFlags & { passphrase?: boolean; replaces?: string[] }>(
    'restore',
    'Come back on this device when all others are gone.',
    (made) => withPassphrase(made).option('--replaces <device...>', 'devices that are gone: 32 digits each'),
    ({ identity, person }, { passphrase = false, replaces = [] }) =>
      restoreBackup(identity, person, { passphrase, replaces }),
  )
  command('renew', 'Let your devices sign for another 400 days.', plain, ({ identity, person }) =>
    renewSigning(identity, person),
  )
  command('rotate', 'Renew your identity. Contacts stay verified.', plain, ({ identity, person }) =>
    rotateRoot(identity, person),
  )
  command<LoginFlags & { keep?: string[] }>(
    'recover',
    'After a theft: take the account back with the recovery code.',
    withKeep,
    ({ identity, person }, { keep = [] }) => recoverAccount(identity, person, { keep }),
  )
  command<LoginFlags & { keep?: string[] }>(
    'reset',
    'Begin anew without the recovery code. All contacts are warned.',
    withKeep,
    ({ identity, person }, { keep = [] }) => resetAccount(identity, person, { keep }),
  )

  group.commandsGroup('Proof:')
  const evidence = group
    .command('evidence')
    .description('Write down what was found about somebody; check what others wrote down.')
  withLogin(
    evidence.command('export').description('Write what was found about somebody to a file.').argument('<account>'),
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
    .description('Say what a file proves. It needs no network and no account.')
    .argument('<file>')
    .argument('<account>', 'whom it is about')
    .argument('<root>', 'the identity of that account that you believe: 64 hexadecimal digits')
    .action(async (file: string, account: string, root: string) => {
      const believed = { account: address(account), rootHash: rootOfText(root) }
      for (const line of checkEvidence(await defaultSuite(), readFileSync(file), believed)) console.log(line)
    })
}

const plain = (made: Command): Command => made
const withContact = (made: Command): Command => made.argument('<contact>', 'name@server')
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
