/** What every command does that works on an account: its options, its state, its connection. */
import type { Command } from 'commander'
import { copyBytes } from '../bytes/bytes.ts'
import { systemRng } from '../providers/system-rng.ts'
import type { SealedStorage } from '../storage/sealed.ts'
import { domainOf, parseJid, tryBareJid } from '../xmpp/stanza/jid.ts'
import { type Connection, loadXmppJs } from './connect.ts'
import { openState } from './state-folder.ts'
import { stateKey } from './state-key.ts'
import { askSecret } from './terminal.ts'

/** The options of everything that logs in. */
export interface LoginFlags {
  readonly service?: string
  readonly password?: string
  readonly resource?: string
  readonly mechanism?: string
  readonly state?: string
  readonly keyFile?: string
}

/** Adds the options of everything that logs in. */
export function withLogin(command: Command): Command {
  return command
    .option('-s, --service <url>', 'xmpp://host:port, xmpps://…, ws://… or wss://…; by default found by the domain')
    .option('-p, --password <text>', 'better: XMPP_MLS_PASSWORD, or be asked')
    .option('--resource <name>', 'name of the connection')
    .option('--mechanism <name>', 'SASL mechanism, for example PLAIN; by default the strongest')
    .option('--state <folder>', 'where keys and groups are kept')
    .option('--key-file <path>', 'what seals them, instead of a passphrase; made where there is none')
}

/** The sealed storage of a folder: by key file, by XMPP_MLS_PASSPHRASE, or by asking. */
export async function openSealedState(
  folder: string,
  { keyFile }: Pick<LoginFlags, 'keyFile'>,
): Promise<SealedStorage> {
  const { env } = process
  const key = await stateKey(folder, {
    keyFile: keyFile ?? env['XMPP_MLS_KEY_FILE'],
    passphrase: env['XMPP_MLS_PASSPHRASE'],
    ask: askSecret,
    randomBytes: (length) => copyBytes(systemRng.randomBytes(length)),
  })
  return await openState(folder, key)
}

/** Logs in; asks for a password that is neither an option nor in the environment. */
export async function login(account: string, flags: LoginFlags): Promise<Connection> {
  const { local } = parseJid(address(account))
  const password = flags.password ?? process.env['XMPP_MLS_PASSWORD'] ?? (await askSecret(`password of ${account}: `))
  const { resource, mechanism } = flags
  const domain = domainOf(account)
  return await loadXmppJs({
    service: flags.service ?? domain,
    domain,
    username: local ?? '',
    password,
    ...(resource === undefined ? {} : { resource }),
    ...(mechanism === undefined ? {} : { mechanism }),
  })
}

/** The bare JID that somebody typed. @throws Error with a sentence */
export function address(text: string): string {
  const jid = tryBareJid(text)
  if (jid === undefined || !jid.includes('@')) throw new Error(`no address: ${text} (name@server is one)`)
  return jid
}
