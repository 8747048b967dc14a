import { randomBytes } from 'node:crypto'
import { WebSocket } from 'ws'
import { type RealServer, startEjabberd, startPair, startProsody } from '../../../scripts/servers.ts'
import { type XmppJsClient, xmppJs } from '../../../src/xmpp/adapters/xmpp-js.ts'
import type { Timers, XmppPort } from '../../../src/xmpp/port.ts'
import type { Backend, Client } from './backend.ts'

/** Real time, for drivers on real servers. */
export const systemTimers: Timers = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

const password = 'secret'

// The package ships no types.
const library = '@xmpp/client'

interface JsClient extends XmppJsClient {
  readonly reconnect: { stop(): void }
  start(): Promise<unknown>
  stop(): Promise<unknown>
}

/** Connects with @xmpp/client, over TCP or WebSocket. SCRAM in pure JavaScript takes seconds: tests use PLAIN. */
export async function connectXmppJs(
  server: RealServer,
  user: string,
  resource: string,
  transport: 'tcp' | 'websocket',
): Promise<{ port: XmppPort; stop: () => Promise<void> }> {
  const options = {
    service: transport === 'tcp' ? server.tcp : server.websocket,
    domain: server.domain,
    resource,
    credentials: async (authenticate: (credentials: object, mechanism: string) => Promise<void>) => {
      await authenticate({ username: user, password }, 'PLAIN')
    },
  }
  // Node 20 has no WebSocket of its own.
  globalThis.WebSocket ??= WebSocket as unknown as typeof globalThis.WebSocket
  const { client } = (await import(library)) as { client: (options: object) => JsClient }
  const created = client(options)
  created.reconnect.stop()
  created.on('error', () => undefined)
  await created.start()
  return {
    port: xmppJs(created, { fetch }),
    stop: async () => {
      await created.stop().catch(() => undefined)
    },
  }
}

/** A real server as a backend. */
export function real(
  kind: RealServer['kind'],
  room: 'muc' | 'mix',
  transport: 'tcp' | 'websocket',
): () => Promise<Backend> {
  return async () => {
    const server = kind === 'prosody' ? await startProsody() : await startEjabberd()
    return backendOf(server, server, room, transport, async () => await server.stop())
  }
}

/** Rooms at ejabberd, accounts at Prosody. */
export async function federated(): Promise<Backend & { readonly local: Backend; cut(): void; mend(): void }> {
  const { ejabberd, prosody, cut, mend, stop } = await startPair()
  // The same rooms with accounts at their own server; it closes with the pair.
  const local = backendOf(ejabberd, ejabberd, 'muc', 'tcp', async () => undefined)
  return { ...backendOf(prosody, ejabberd, 'muc', 'tcp', stop), local, cut, mend }
}

function backendOf(
  home: RealServer,
  host: RealServer,
  kind: 'muc' | 'mix',
  transport: 'tcp' | 'websocket',
  stopServers: () => Promise<void>,
): Backend {
  const open = new Set<() => Promise<void>>()
  const rooms = kind === 'muc' ? host.rooms : host.channels
  const pause = async (ms: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, ms))
  return {
    name: `${home.kind} at ${host.kind} ${kind} ${transport}`,
    kind,
    jid: (user) => `${user}@${home.domain}`,
    room: (name) => `${name}@${rooms ?? ''}`,
    uploadService: home.upload,
    connect: async (user, resource = `r${open.size}`): Promise<Client> => {
      await home.register(user, password)
      const { port, stop } = await connectXmppJs(home, user, resource, transport)
      open.add(stop)
      return {
        context: { port, timers: systemTimers, random: { randomBytes } },
        close: async () => {
          open.delete(stop)
          await stop()
        },
      }
    },
    restart: async () => {
      // ejabberd's own store writes up to two seconds late: a room that is younger does not survive a kill.
      if (host.kind === 'ejabberd') await pause(2500)
      await host.restart()
    },
    wait: pause,
    close: async () => {
      await Promise.all([...open].map(async (stop) => await stop()))
      await stopServers()
    },
  }
}
