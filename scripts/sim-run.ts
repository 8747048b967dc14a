// Many clients through many virtual hours on the service in this process, with everything going wrong that a network does;
// at the end it is checked that nothing was lost. The same seed gives the same run.
import { sha256 } from '@noble/hashes/sha2.js'
import { toHex, utf8 } from '../src/bytes/text.ts'
import { cipherSuite } from '../src/index.ts'
import { noFaults } from '../src/testing/xmpp/faults.ts'
import { SeededRandom } from '../src/testing/xmpp/seeded-random.ts'
import { XmppService } from '../src/testing/xmpp/xmpp-service.ts'
import { type Actor, SimActor } from './sim-actor.ts'
import { judge, type Verdict } from './sim-judge.ts'

/** How large a run is. */
export interface SimOptions {
  readonly seed: string
  readonly clients: number
  readonly hours: number
  /** Devices of one room. */
  readonly roomSize?: number
  /** Rooms are channels of the other kind of server, and everybody lives there. */
  readonly channels?: boolean
  /** Things that people do in a room, for each hour. */
  readonly actionsPerHour?: number
  readonly onProgress?: (hour: number) => void
  /** Gets a line for everything that happens. */
  readonly log?: (line: string) => void
}

/** What came out. */
export interface SimReport extends Verdict {
  readonly rooms: number
  readonly rejoins: number
  /** Operations that ended with a typed error. */
  readonly refused: number
  readonly faults: Readonly<Record<string, number>>
  /** Virtual hours of all clients together. */
  readonly clientHours: number
  /** Hash over everything that happened, in order: equal runs have equal ones. */
  readonly trace: string
}

const hourMs = 3_600_000
const [rooms, guests] = ['a.test', 'b.test'] as const

/** Runs the simulation. */
export async function simulate(options: SimOptions): Promise<SimReport> {
  const { seed, clients, hours, roomSize = 10, actionsPerHour = 8, channels = false } = options
  const service = new XmppService({ seed, sites: { [rooms]: 'prosody', [guests]: 'ejabberd' } })
  const { clock } = service
  const dice = new SeededRandom(`${seed} dice`)
  const trace = sha256.create()
  const begin = clock.now()
  const note = (line: string): void => {
    const text = `${clock.now() - begin} ${line}`
    trace.update(utf8(`${text}\n`))
    options.log?.(text)
  }
  const faults: Record<string, number> = {
    disconnects: 0,
    'client restarts': 0,
    'server restarts': 0,
    partitions: 0,
    'lost states': 0,
  }
  const count = (name: string): void => {
    faults[name] = (faults[name] ?? 0) + 1
    note(name)
  }
  // one suite with one seeded source: who asks first gets the first bytes, which follows from the seed as well
  const source = new SeededRandom(`${seed} keys`)
  const suite = await cipherSuite(1, { rng: { randomBytes: (length) => source.randomBytes(length) } })
  const actors: Actor[] = []
  const groups = Math.max(1, Math.round(clients / roomSize))
  for (let i = 0; i < clients; i++) {
    const site = channels || i % 3 === 2 ? guests : rooms
    const random = new SeededRandom(`${seed} client ${i}`)
    const room = `room${i % groups}@${channels ? `mix.${guests}` : `conference.${rooms}`}`
    actors.push(new SimActor({ service, suite, random, note, jid: `user${i}@${site}`, room, index: i }))
  }
  const drive = async (work: Promise<unknown>): Promise<void> => {
    let over = false
    let failure: unknown
    work.then(
      () => {
        over = true
      },
      (error: unknown) => {
        over = true
        failure = error
      },
    )
    for (let waited = 0; !over && waited < hourMs; waited += 100) await clock.advance(100)
    if (failure !== undefined) throw failure
    if (!over) throw new Error('an operation without faults took more than an hour')
  }

  // the first of each room makes it and invites the others
  for (const actor of actors) await drive(actor.start())
  for (let i = 0; i < groups; i++) {
    const [first, ...others] = actors.filter(({ room }) => room === actors[i]?.room)
    if (first === undefined) continue
    await drive(first.enter())
    for (const other of others) {
      await drive(first.invite(other.jid))
      await drive(other.enter())
    }
  }

  service.faults = { ...noFaults, drop: 0.02, duplicate: 0.02, reorder: 0.03, delay: [0, 400], disconnect: 0.0004 }
  const end = clock.now() + hours * hourMs
  const gap = hourMs / (actionsPerHour * groups)
  let hour = 0
  while (clock.now() < end) {
    await clock.advance(Math.ceil(dice.between(0, 2 * gap)))
    const actor = actors[Math.floor(dice.unit() * actors.length)]
    const chance = dice.unit()
    if (actor !== undefined) act(actor, chance)
    const now = Math.floor(hours - (end - clock.now()) / hourMs)
    if (now > hour) options.onProgress?.(now)
    hour = now
  }

  function act(actor: Actor, chance: number): void {
    const later = (run: () => void): void => void clock.after(Math.ceil(dice.between(1_000, 600_000)), run)
    if (chance < 0.8) actor.say()
    else if (chance < 0.85) actor.update()
    else if (chance < 0.9)
      actor.swap(
        actors.filter(({ room }) => room === actor.room),
        dice.unit(),
      )
    else if (chance < 0.94) {
      count('disconnects')
      actor.disconnect()
      later(() => actor.connect())
    } else if (chance < 0.97) {
      count('client restarts')
      actor.restart(false)
    } else if (chance < 0.98) {
      count('lost states')
      actor.restart(true)
    } else if (chance < 0.985) {
      count('server restarts')
      service.restart(channels ? guests : rooms)
      for (const one of actors) clock.after(Math.ceil(dice.between(500, 20_000)), () => one.connect())
    } else if (chance < 0.992) {
      count('partitions')
      service.partition(rooms, guests)
      later(() => service.heal(rooms, guests))
    } else actor.say()
  }

  // quiet: the network is whole again, everybody is there, and time passes until nothing is under way
  service.faults = noFaults
  service.heal(rooms, guests)
  await clock.advance(11 * 60_000)
  for (let minute = 0; minute < 180; minute++) {
    for (const actor of actors) actor.connect()
    if (minute % 10 === 9) for (const actor of actors) actor.mend()
    await clock.advance(60_000)
    if (minute > 12 && actors.every((actor) => actor.quiet)) break
    if (minute > 60 && judge(service, actors).violations.length === 0) break
  }
  const verdict = judge(service, actors)
  for (const actor of actors) await actor.end()
  const sum = (of: (actor: Actor) => number): number => actors.reduce((total, actor) => total + of(actor), 0)
  return {
    ...verdict,
    rooms: groups,
    rejoins: sum(({ rejoins }) => rejoins),
    refused: sum(({ refused }) => refused),
    faults,
    clientHours: clients * hours,
    trace: toHex(Uint8Array.from(trace.digest())).slice(0, 32),
  }
}
