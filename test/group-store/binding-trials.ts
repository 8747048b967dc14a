/**
 * A whole client of the XMPP binding on LMDB that is killed at random moments, while the embedded service and another member
 * run on in this process.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { buildSync } from 'esbuild'
import { cipherSuite } from '../../src/index.ts'
import { XmppService } from '../../src/testing/xmpp/index.ts'
import { MlsClient, type MlsRoom } from '../../src/xmpp/index.ts'
import { element } from '../../src/xmpp/stanza/element.ts'
import { parseXml } from '../../src/xmpp/stanza/parse.ts'
import { serialise } from '../../src/xmpp/stanza/serialise.ts'
import { presence } from '../../src/xmpp/stanza/stanza.ts'
import { buildStanzaError, XmppError } from '../../src/xmpp/stanza/xmpp-error.ts'
import type { Line } from './binding-child.ts'
import { SealLog } from './crash-oracle.ts'

const roomJid = 'garden@conference.a.test'
const aliceJid = 'alice@a.test/laptop'
const pause = (milliseconds: number) => new Promise((go) => setTimeout(go, milliseconds))

interface Child {
  readonly process: ChildProcess
  readonly ready: Promise<void>
  readonly opened: Promise<void>
  readonly ended: Promise<string>
}

/** What came of the trials. */
export interface BindingOutcome {
  readonly rounds: string[][]
  readonly acknowledged: number
  readonly seals: number
}

/** Kills a client `kills` times; the violations of each round, and of the judgement at the end. */
export async function bindingTrials(kills: number): Promise<BindingOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'binding-'))
  const program = join(import.meta.dirname, `../../node_modules/.binding-child-${process.pid}.mjs`)
  buildSync({
    entryPoints: [join(import.meta.dirname, 'binding-child.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  })
  const service = new XmppService({ seed: 'binding trials', sites: { 'a.test': 'prosody' } })
  const stop = service.clock.autoRun(1)
  const log = new SealLog()
  const acknowledged = new Set<string>()
  const shown = new Map<string, number>()
  const violations: string[] = []
  const take = () => [...violations.splice(0), ...log.violations.splice(0)]
  const start = (life: string): Child => {
    const child = spawn(process.execPath, [program, join(folder, 'store'), life, aliceJid, roomJid], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    const session = service.connect(aliceJid)
    const tell = (line: Line) => child.connected && child.send(line, () => undefined)
    session.onStanza((stanza) => void tell({ kind: 'stanza', number: 0, xml: serialise(stanza) }))
    child.on('message', ({ kind, number, xml }: Line) => {
      const stanza = parseXml(xml, 'jabber:client')
      if (kind === 'send') void session.send(stanza).catch(() => undefined)
      else
        session.request(stanza).then(
          (answer) => tell({ kind: 'answer', number, xml: serialise(answer) }),
          (error: unknown) => {
            if (!(error instanceof XmppError)) return
            const answer = element(
              'iq',
              'jabber:client',
              { type: 'error' },
              buildStanzaError({ type: error.type, condition: error.condition }),
            )
            tell({ kind: 'error', number, xml: serialise(answer) })
          },
        )
    })
    let ready: () => void = () => undefined
    let opened: () => void = () => undefined
    let ended: (code: string) => void = () => undefined
    let code = 'killed'
    const self: Child = {
      process: child,
      ready: new Promise((resolve) => (ready = resolve)),
      opened: new Promise((resolve) => (opened = resolve)),
      ended: new Promise((resolve) => (ended = resolve)),
    }
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const [word, first = '', second = '', third = ''] = line.split(' ')
      if (word === 'ready') ready()
      if (word === 'seal') log.note(first, second, third)
      if (word === 'ack') acknowledged.add(first)
      if (word === 'open' || word === 'end') opened()
      if (word === 'end' || word === 'state') code = line.replace(/^end /, '')
    })
    child.on('close', () => {
      session.disconnect()
      opened()
      setImmediate(() => ended(code))
    })
    return self
  }
  const rounds: string[][] = []
  try {
    const bob = await peer(service, (text) => shown.set(text, (shown.get(text) ?? 0) + 1))
    const first = start('first')
    await Promise.race([first.ready, first.ended])
    await bob.invite('alice@a.test')
    await first.opened
    first.process.kill('SIGKILL')
    await first.ended
    for (let round = 0; round < kills; round++) {
      const child = start(`k${round}`)
      // some are killed while they open
      if (round % 8 === 7) await pause(randomInt(0, 600))
      else {
        await child.opened
        await pause(randomInt(0, 300))
      }
      child.process.kill('SIGKILL')
      const end = await child.ended
      if (end !== 'killed') violations.push(`I7: the client ended with ${end}`)
      rounds.push(take())
    }
    const end = await start('settle').ended
    if (!end.startsWith('state ')) violations.push(`I7: the last life ended with ${end}`)
    for (let left = 200; left > 0 && (shown.get('the-last-one') === undefined || !bob.idle); left--) await pause(25)
    if (end !== `state ${bob.safetyNumber}`) violations.push('I3: the members are in different epochs')
    for (const id of acknowledged)
      if (shown.get(id) !== 1) violations.push(`I4: ${id} was shown ${shown.get(id) ?? 0} times`)
    for (const [id, times] of shown) if (times !== 1) violations.push(`I4: ${id} was shown ${times} times`)
    rounds.push(take())
    await bob.close()
    return { rounds, acknowledged: acknowledged.size, seals: log.seals }
  } finally {
    stop()
    rmSync(folder, { recursive: true, force: true })
    rmSync(program, { force: true })
  }
}

/** Another member, who lives in this process, has made the room, and lets the client in. */
async function peer(service: XmppService, onMessage: (text: string) => void): Promise<MlsRoom> {
  const port = service.connect('bob@a.test/desk')
  await port.send(presence({}))
  const client = await MlsClient.open({
    xmpp: port,
    suite: await cipherSuite(1),
    settings: { keyPackages: 2, settleMs: 100, slotMs: 100 },
  })
  const room = await client.room(roomJid)
  room.on('message', ({ body, sender }) => {
    if (body !== undefined && !sender.own) onMessage(body)
  })
  for (let left = 400; left > 0 && room.health.state !== 'active'; left--) await pause(25)
  return room
}
