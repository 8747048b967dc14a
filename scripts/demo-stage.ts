// Where the demo plays: the service in this process, or a real server in a temporary folder.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadXmppJs } from '../src/cli/connect.ts'
import { XmppService } from '../src/testing/xmpp/xmpp-service.ts'
import type { RandomSource, Timers, XmppPort } from '../src/xmpp/port.ts'
import type { XmlElement } from '../src/xmpp/stanza/element.ts'
import { serialise } from '../src/xmpp/stanza/serialise.ts'
import { type RealServer, startEjabberd, startProsody } from './servers.ts'
import { missingPrograms } from './servers-locate.ts'

/** Which server, and which kind of room. */
export interface StageChoice {
  readonly server: 'embedded' | 'prosody' | 'ejabberd'
  readonly room: 'muc' | 'mix'
}

/** One connected resource. */
export interface StageClient {
  readonly port: XmppPort
  /** Ends the connection. */
  close(): Promise<void>
}

/** A place with accounts and rooms. */
export interface Stage {
  readonly title: string
  readonly choice: StageChoice
  readonly server: RealServer | undefined
  jid(user: string): string
  room(name: string): string
  /** Connects a resource; the account is made when needed. */
  connect(user: string, resource: string): Promise<StageClient>
  readonly ports: { readonly timers?: Timers; readonly random?: RandomSource }
  /** Everything that the server has stored, to look for texts in. */
  stored(): Promise<readonly Buffer[]>
  /** The hand of a hostile server; only in this process. */
  readonly hostile: HostileHand | undefined
  close(options?: { readonly keep?: boolean }): Promise<void>
}

/** What a hostile server does to the personal nodes of an account. */
export interface HostileHand {
  items(account: string, node: string): readonly (readonly [id: string, payload: XmlElement])[]
  item(account: string, node: string, id: string): XmlElement | undefined
  /** Replaces an item, or takes it away. */
  forge(account: string, node: string, id: string, payload: XmlElement | undefined): void
  /** Lets days pass at once. */
  skip(ms: number): Promise<void>
}

/**
 * Waits until something is so, on the clock of this machine: a stage may have one of its own.
 * @throws Error with `what`, and what went wrong meanwhile
 */
export async function until(what: string, condition: () => boolean, problems: () => readonly string[]): Promise<void> {
  const end = performance.now() + 45_000
  while (!condition()) {
    if (performance.now() > end) throw new Error([`this never happened: ${what}`, ...problems()].join('\n'))
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** The password of the demo's accounts on a server that only this machine reaches. */
export const demoPassword = 'secret'

/** Opens a stage. @throws Error with a sentence for people when the server is not there */
export async function openStage(choice: StageChoice): Promise<Stage> {
  if (choice.room === 'mix' && choice.server === 'prosody')
    throw new Error('Prosody has no channels (MIX): take --server ejabberd, or leave --room out')
  return choice.server === 'embedded' ? embeddedStage(choice) : await realStage(choice)
}

function embeddedStage(choice: StageChoice): Stage {
  const domain = 'example.org'
  const kind = choice.room === 'mix' ? 'ejabberd' : 'prosody'
  const service = new XmppService({ seed: 'demo', sites: { [domain]: kind } })
  const stop = service.clock.autoRun(10)
  // devices that write to a disk are busy, though the network is quiet: time goes in small steps, so that it cannot run away
  let step = (): void => undefined
  const walk = (): void => {
    step = service.clock.after(50, walk)
  }
  walk()
  const rooms = new Set<string>()
  return {
    title: `the embedded service, in this process (${choice.room === 'mix' ? 'a channel, MIX' : 'a room, MUC'})`,
    choice,
    server: undefined,
    jid: (user) => `${user}@${domain}`,
    room: (name) => {
      const jid = `${name}@${choice.room === 'mix' ? 'mix' : 'conference'}.${domain}`
      rooms.add(jid)
      return jid
    },
    connect: async (user, resource) => {
      const session = service.connect(`${user}@${domain}/${resource}`)
      return { port: session, close: async () => session.disconnect() }
    },
    ports: { timers: service.clock },
    stored: async () =>
      [...rooms, ...[...service.site(domain).accounts.keys()]].map((jid) =>
        Buffer.from(
          service
            .archive(jid)
            .entries.map(({ message }) => serialise(message))
            .join('\n'),
        ),
      ),
    hostile: handOn(service, async (ms) => {
      step()
      await service.clock.advance(ms)
      walk()
    }),
    close: async () => stop(),
  }
}

function handOn(service: XmppService, skip: HostileHand['skip']): HostileHand {
  const items = (account: string, node: string) => [
    ...(service.site(account).account(account).pep.nodes.get(node)?.items ?? []),
  ]
  return {
    items: (account, node) =>
      items(account, node).flatMap(([id, payload]) => (payload === undefined ? [] : [[id, payload] as const])),
    item: (account, node, id) => items(account, node).find(([name]) => name === id)?.[1],
    forge: (account, node, id, payload) => service.forgeItem(account, node, id, payload),
    skip,
  }
}

async function realStage(choice: StageChoice): Promise<Stage> {
  const name = choice.server
  const missing = missingPrograms().filter((program) => (name === 'prosody' ? program !== 'ejabberd' : true))
  if (missing.length > 0)
    throw new Error(`not installed: ${missing.join(', ')}. Run this once: npm run servers:install`)
  const server = name === 'prosody' ? await startProsody() : await startEjabberd()
  const open = new Set<() => Promise<void>>()
  const rooms = choice.room === 'mix' ? server.channels : server.rooms
  return {
    title: `${name} (${choice.room === 'mix' ? 'a channel, MIX' : 'a room, MUC'}), ${server.tcp}, folder ${server.folder}`,
    choice,
    server,
    jid: (user) => `${user}@${server.domain}`,
    room: (room) => `${room}@${rooms ?? ''}`,
    connect: async (user, resource) => {
      await server.register(user, demoPassword)
      const connection = await loadXmppJs({
        service: server.tcp,
        domain: server.domain,
        username: user,
        resource,
        password: demoPassword,
        // SCRAM in pure JavaScript takes a second for each login; the server is on this machine
        mechanism: 'PLAIN',
        reconnect: false,
      })
      open.add(connection.close)
      return {
        port: connection.port,
        close: async () => {
          open.delete(connection.close)
          await connection.close()
        },
      }
    },
    ports: {},
    hostile: undefined,
    stored: async () => {
      // ejabberd writes some tables up to two seconds late
      if (name === 'ejabberd') await new Promise((resolve) => setTimeout(resolve, 2500))
      return filesUnder(server.folder).map((path) => readFileSync(path))
    },
    close: async ({ keep = false } = {}) => {
      await Promise.all([...open].map(async (end) => await end()))
      if (!keep) await server.stop()
    },
  }
}

/** All files in a folder and below it. */
export function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
