// Real servers for tests and the demo, each in a temporary folder, without root rights, on free ports of 127.0.0.1.
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ejabberdConfig, prosodyConfig, type ServerPorts } from './servers-config.ts'
import { openLink } from './servers-link.ts'
import { ejabberdLibraries, missingPrograms } from './servers-locate.ts'
import { finish, freePorts, launch, listening } from './servers-process.ts'

/** A running server. */
export interface RealServer {
  readonly kind: 'prosody' | 'ejabberd'
  readonly domain: string
  readonly folder: string
  readonly ports: ServerPorts
  /** Address for clients over TCP and over WebSocket. */
  readonly tcp: string
  readonly websocket: string
  readonly rooms: string
  /** ejabberd only. */
  readonly channels: string | undefined
  readonly upload: string
  /** The process that runs now. */
  readonly pid: number | undefined
  /** Makes an account; nothing happens when it exists. */
  register(user: string, password: string): Promise<void>
  /** Kills the server and starts it again on the same data. */
  restart(): Promise<void>
  /** What the server has stored and logged. */
  log(): string
  /** Stops the server and removes its folder. */
  stop(options?: { readonly keepFolder?: boolean }): Promise<void>
}

/** Two federated servers. */
export interface ServerPair {
  readonly ejabberd: RealServer
  readonly prosody: RealServer
  /** Cuts the connections between the servers, until {@link mend}. */
  cut(): void
  mend(): void
  /** Stops both and removes their folders. */
  stop(): Promise<void>
}

/** How a server is started. */
export interface ServerOptions {
  readonly domain?: string
  /** The rates of Debian's configuration instead of none. */
  readonly shaped?: boolean
  /** Fixed ports instead of free ones. */
  readonly ports?: ServerPorts
  readonly s2sAddress?: string
  /** The port that ejabberd dials at other servers, where DNS names none. */
  readonly outgoingPort?: number
}

/** Starts Prosody; ready after about a second. */
export async function startProsody(options: ServerOptions = {}): Promise<RealServer> {
  const domain = options.domain ?? 'b.localhost'
  const folder = prepare('prosody')
  const ports = options.ports ?? (await choosePorts())
  writeFileSync(join(folder, 'prosody.cfg.lua'), prosodyConfig({ ...options, domain, folder, ports }))
  const accounts = join(folder, 'data', domain.replace(/\./g, '%2e').replace(/-/g, '%2d'), 'accounts')
  mkdirSync(accounts, { recursive: true })
  const start = async (): Promise<ChildProcess> => {
    const child = launch(
      'prosody',
      ['--config', join(folder, 'prosody.cfg.lua'), '-F'],
      folder,
      join(folder, 'out.log'),
    )
    await listening(ports.client, child).catch((error: unknown) => fail(error, folder))
    return child
  }
  return server('prosody', domain, folder, ports, start, `/xmpp-websocket`, undefined, async (user, password) => {
    writeFileSync(join(accounts, `${encodeName(user)}.dat`), `return { ["password"] = "${password}"; };\n`)
  })
}

/** Starts ejabberd; ready after about two seconds. */
export async function startEjabberd(options: ServerOptions = {}): Promise<RealServer> {
  const domain = options.domain ?? 'a.localhost'
  const folder = prepare('ejabberd')
  const ports = options.ports ?? (await choosePorts())
  for (const name of ['log', 'db', 'upload']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'ejabberd.yml'), ejabberdConfig({ ...options, domain, folder, ports }))
  const env = {
    ERL_LIBS: ejabberdLibraries() ?? '',
    EJABBERD_CONFIG_PATH: join(folder, 'ejabberd.yml'),
    EJABBERD_LOG_PATH: join(folder, 'log', 'ejabberd.log'),
    HOME: folder,
  }
  const args = ['-noinput', '+K', 'true', '+P', '250000', '-mnesia', 'dir', `"${join(folder, 'db')}"`, '-s', 'ejabberd']
  const start = async (): Promise<ChildProcess> => {
    const child = launch('erl', args, folder, join(folder, 'out.log'), env)
    await listening(ports.client, child).catch((error: unknown) => fail(error, folder))
    await listening(ports.http, child)
    return child
  }
  const channels = `mix.${domain}`
  return server('ejabberd', domain, folder, ports, start, '/ws', channels, async (user, password) => {
    const answer = await fetch(`http://127.0.0.1:${ports.http}/api/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user, host: domain, password }),
    })
    if (!answer.ok && answer.status !== 409) throw new Error(`ejabberd refused the account: ${answer.status}`)
  })
}

/**
 * Starts ejabberd at a.localhost and Prosody at localhost, each reachable for the other without touching the system's host
 * names: ejabberd asks the system, which knows `localhost`; Prosody finds every name under localhost at 127.0.0.1, but
 * always dials port 5269. So one pair at a time.
 */
export async function startPair(): Promise<ServerPair> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end()
  }
  try {
    const prosody = await startProsody({ domain: 'localhost' })
    stops.push(async () => await prosody.stop())
    const [outgoingPort = 0] = await freePorts(1)
    const toProsody = await openLink(outgoingPort, prosody.ports.server)
    stops.push(async () => await toProsody.close())
    const ejabberd = await startEjabberd({ outgoingPort })
    stops.push(async () => await ejabberd.stop())
    const toEjabberd = await openLink(5269, ejabberd.ports.server)
    stops.push(async () => await toEjabberd.close())
    const links = [toProsody, toEjabberd]
    const cut = (): void => links.forEach((link) => void link.cut())
    const mend = (): void => links.forEach((link) => void link.mend())
    return { prosody, ejabberd, cut, mend, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function server(
  kind: RealServer['kind'],
  domain: string,
  folder: string,
  ports: ServerPorts,
  start: () => Promise<ChildProcess>,
  websocketPath: string,
  channels: string | undefined,
  register: RealServer['register'],
): Promise<RealServer> {
  let child = await start()
  return {
    kind,
    domain,
    folder,
    ports,
    tcp: `xmpp://127.0.0.1:${ports.client}`,
    websocket: `ws://127.0.0.1:${ports.http}${websocketPath}`,
    rooms: `conference.${domain}`,
    channels,
    upload: `upload.${domain}`,
    get pid() {
      return child.pid
    },
    register,
    restart: async () => {
      await finish(child, 'SIGKILL')
      child = await start()
    },
    log: () => readFileSync(join(folder, 'out.log'), 'utf8'),
    stop: async ({ keepFolder = false } = {}) => {
      await finish(child, 'SIGTERM')
      if (!keepFolder) rmSync(folder, { recursive: true, force: true })
    },
  }
}

function prepare(name: string): string {
  const missing = missingPrograms()
  if (missing.length > 0) throw new Error(`not installed: ${missing.join(', ')} (npm run servers:install)`)
  return mkdtempSync(join(tmpdir(), `xmpp-mls-${name}-`))
}

async function choosePorts(): Promise<ServerPorts> {
  const [client = 0, server = 0, http = 0] = await freePorts(3)
  return { client, server, http }
}

/** Prosody's encoding of names in its files. */
function encodeName(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

function fail(error: unknown, folder: string): never {
  const log = readFileSync(join(folder, 'out.log'), 'utf8').slice(-2000)
  throw new Error(`${error instanceof Error ? error.message : 'failed'}\n${log}`)
}
