/** Where rooms are measured: the service in this process, or a real server in a temporary folder. */
import { readdirSync, readFileSync } from 'node:fs'
import { startEjabberd, startProsody } from '../../scripts/servers.ts'
import { missingPrograms } from '../../scripts/servers-locate.ts'
import { loadXmppJs } from '../../src/cli/connect.ts'
import { XmppService } from '../../src/testing/xmpp/xmpp-service.ts'
import { systemTimers } from '../../src/xmpp/mls/open-device.ts'
import type { Timers, XmppPort } from '../../src/xmpp/port.ts'

/** A connected resource. */
export interface VenueClient {
  readonly port: XmppPort
  close(): Promise<void>
}

/** A server with rooms. */
export interface Venue {
  readonly name: 'embedded' | 'prosody' | 'ejabberd'
  readonly timers: Timers
  jid(user: string): string
  room(name: string): string
  /** Connects a resource; the account is made when needed. */
  connect(user: string, resource: string): Promise<VenueClient>
  /** Seconds of CPU that the server's process has used; 0 for the service in this process. */
  cpu(): number
  close(): Promise<void>
}

export const venueNames = ['embedded', 'prosody', 'ejabberd'] as const

/** Opens a venue; `undefined` with one line where its server is not installed. */
export async function openVenue(name: Venue['name']): Promise<Venue | undefined> {
  if (name === 'embedded') return embedded()
  const missing = missingPrograms().filter((program) => name === 'ejabberd' || program !== 'ejabberd')
  if (missing.length === 0) return await real(name)
  console.log(`${name}: skipped, not installed (npm run servers:install)`)
  return undefined
}

function embedded(): Venue {
  const domain = 'example.org'
  const service = new XmppService({ seed: 'bench', sites: { [domain]: 'prosody' } })
  const stop = service.clock.autoRun(50)
  return {
    name: 'embedded',
    timers: service.clock,
    jid: (user) => `${user}@${domain}`,
    room: (name) => `${name}@conference.${domain}`,
    connect: async (user, resource) => {
      const session = service.connect(`${user}@${domain}/${resource}`)
      return { port: session, close: async () => session.disconnect() }
    },
    cpu: () => 0,
    close: async () => stop(),
  }
}

async function real(name: 'prosody' | 'ejabberd'): Promise<Venue> {
  const server = name === 'prosody' ? await startProsody() : await startEjabberd()
  const open = new Set<() => Promise<void>>()
  return {
    name,
    timers: systemTimers,
    jid: (user) => `${user}@${server.domain}`,
    room: (room) => `${room}@${server.rooms}`,
    connect: async (user, resource) => {
      await server.register(user, 'secret')
      const connection = await loadXmppJs({
        service: server.tcp,
        domain: server.domain,
        username: user,
        resource,
        password: 'secret',
        mechanism: 'PLAIN',
        reconnect: false,
      })
      const close = async (): Promise<void> => {
        open.delete(close)
        await connection.close()
      }
      open.add(close)
      return { port: connection.port, close }
    },
    cpu: () => cpuOf(server.pid),
    close: async () => {
      for (const close of [...open]) await close()
      await server.stop()
    },
  }
}

/** Seconds on a processor of all threads of a process, where the system tells it in `/proc`: to the nanosecond, not in ticks. */
function cpuOf(pid: number | undefined): number {
  const folder = `/proc/${pid}/task`
  try {
    const times = readdirSync(folder).map((thread) => {
      const [ran = ''] = readFileSync(`${folder}/${thread}/schedstat`, 'utf8').split(' ')
      return Number(ran)
    })
    return times.reduce((sum, one) => sum + one, 0) / 1e9
  } catch {
    return Number.NaN
  }
}
