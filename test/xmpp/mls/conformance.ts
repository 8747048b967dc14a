import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cipherSuite } from '../../../src/index.ts'
import { MemoryMedium, openMemoryStorage } from '../../../src/storage/memory.ts'
import { type ClientSettings, MlsClient, type MlsRoom } from '../../../src/xmpp/index.ts'
import { appear, type Backend, unique, until } from '../conformance/backend.ts'
import { bodies, listen } from './world.ts'

interface Options {
  readonly resource?: string
  readonly medium?: MemoryMedium
  readonly deviceId?: Uint8Array
  readonly settings?: Partial<ClientSettings>
}

/** A client of the binding on a backend. */
async function open(backend: Backend, user: string, options: Options = {}) {
  const { resource, medium = new MemoryMedium(), deviceId, settings } = options
  const connection = await backend.connect(user, resource)
  await appear(connection)
  const { port, timers, random } = connection.context
  const storage = await openMemoryStorage({
    medium,
    randomBytes: (length) => Uint8Array.from(random.randomBytes(length)),
  })
  const client = await MlsClient.open({
    xmpp: port,
    storage,
    suite: await cipherSuite(1),
    ports: { timers, random },
    settings: { keyPackages: 2, slotMs: 300, ...settings },
    ...(deviceId === undefined ? {} : { deviceId }),
  })
  const close = async (): Promise<void> => {
    await client.close()
    await connection.close()
  }
  return { client, medium, close }
}

type Opened = Awaited<ReturnType<typeof open>>

/** Several accounts in one room with one group. */
async function gather(backend: Backend, users: readonly string[]): Promise<{ devices: Opened[]; rooms: MlsRoom[] }> {
  const devices: Opened[] = []
  for (const user of users) devices.push(await open(backend, user))
  const jid = backend.room(unique('mls'))
  const first = await devices[0]!.client.room(jid)
  for (const user of users.slice(1)) await first.invite(backend.jid(user))
  const rooms = [first]
  for (const { client } of devices.slice(1)) {
    await until(backend, () => client.invitations.includes(jid), 'the invitation')
    rooms.push(await client.room(jid))
  }
  return { devices, rooms }
}

const agreed = (rooms: readonly MlsRoom[]): boolean =>
  new Set(rooms.map(({ epochAuthenticator }) => epochAuthenticator.join())).size === 1

/** What the binding does on every backend alike. */
export function mlsConformance(name: string, start: () => Promise<Backend>): void {
  describe(`MLS: ${name}`, () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await start()
    }, 60_000)
    afterAll(async () => {
      await backend?.close()
    })

    test('two devices, an invitation to somebody offline, replies, removal', async () => {
      const [alice, bob] = [unique('alice'), unique('bob')]
      const phone = await open(backend, alice, { resource: 'phone' })
      const laptop = await open(backend, alice, { resource: 'laptop' })
      const before = await open(backend, bob)
      await before.close()
      const jid = backend.room(unique('garden'))
      const garden = await phone.client.room(jid)
      expect(garden.devices()).toHaveLength(2)
      await garden.invite(backend.jid(bob))
      await garden.send('while bob is away')
      const later = await open(backend, bob, { medium: before.medium })
      await until(backend, () => later.client.invitations.length === 1, 'the Welcome from the store')
      const bobs = await later.client.room(jid)
      await until(backend, () => laptop.client.invitations.length === 1, 'the Welcome of the laptop')
      const second = await laptop.client.room(jid)
      const [heardBob, heardLaptop, heard] = [listen(bobs), listen(second), listen(garden)]
      await until(
        backend,
        () => heardBob.messages.length === 1 && heardLaptop.messages.length === 1,
        'the first message',
      )
      await bobs.reply(heardBob.messages[0]!, 'now I am here')
      await until(backend, () => heard.messages.length === 1 && heardLaptop.messages.length === 2, 'the reply')
      await garden.react(heard.messages[0]!, '🌱')
      await until(backend, () => heardBob.messages.length === 2, 'the reaction')
      expect(agreed([garden, bobs, second])).toBe(true)
      await garden.remove(backend.jid(bob))
      await garden.send('without bob')
      await until(backend, () => heardLaptop.messages.length === 4, 'the message without bob')
      await until(backend, () => ['removed', 'offline'].includes(bobs.health.state), 'the removal')
      expect(bodies(heardBob.messages)).not.toContain('without bob')
      expect(
        [...heard.errors, ...heardBob.errors, ...heardLaptop.errors].filter(({ kind }) => kind === 'internal'),
      ).toEqual([])
      for (const one of [phone, laptop, later]) await one.close()
    }, 60_000)

    test('eight commit at the same moment', async () => {
      const { devices, rooms } = await gather(
        backend,
        Array.from({ length: 8 }, (_, i) => unique(`m${i}`)),
      )
      const heard = rooms.map(listen)
      await Promise.all(rooms.flatMap((room, i) => [room.update(), room.send(`from ${i}`)]))
      await until(backend, () => agreed(rooms) && rooms.every(({ idle }) => idle), 'agreement')
      await until(backend, () => heard.every(({ messages }) => messages.length === 7), 'all messages')
      expect(heard.flatMap(({ unreadable }) => unreadable)).toEqual([])
      for (const one of devices) await one.close()
    }, 60_000)

    test('a device that lost its state comes back', async () => {
      const [alice, bob] = [unique('alice'), unique('bob')]
      const deviceId = new Uint8Array(16).fill(5)
      const first = await open(backend, alice)
      const second = await open(backend, bob, { deviceId })
      const jid = backend.room(unique('rejoin'))
      const garden = await first.client.room(jid)
      await garden.invite(backend.jid(bob))
      await until(backend, () => second.client.invitations.length === 1, 'the invitation')
      await second.client.room(jid)
      await second.close()
      const lost = await open(backend, bob, { deviceId })
      const room = await lost.client.room(jid)
      await until(backend, () => room.health.state === 'active' && garden.devices().length === 2, 'the rejoin')
      const heard = listen(room)
      await until(backend, () => agreed([garden, room]), 'agreement')
      await garden.send('welcome back')
      await until(backend, () => heard.messages.some(({ body }) => body === 'welcome back'), 'the message')
      for (const one of [first, lost]) await one.close()
    }, 60_000)

    test('what is too large for a stanza goes another way', async () => {
      const { devices, rooms } = await gather(backend, [unique('alice'), unique('bob')])
      const heard = listen(rooms[1]!)
      const body = 'All work and no play. '.repeat(10_000)
      await rooms[0]!.send(body)
      await until(backend, () => heard.messages.length === 1, 'the large message')
      expect(heard.messages[0]!.body === body).toBe(true)
      for (const one of devices) await one.close()
    }, 60_000)

    test('a restart of the server costs nothing', async () => {
      const [alice, bob] = [unique('alice'), unique('bob')]
      const { devices, rooms } = await gather(backend, [alice, bob])
      await rooms[0]!.send('before')
      for (const one of devices) await one.client.close()
      await backend.wait(300)
      await backend.restart()
      const again = [
        await open(backend, alice, { medium: devices[0]!.medium }),
        await open(backend, bob, { medium: devices[1]!.medium }),
      ]
      const next = await Promise.all(again.map(({ client }) => client.room(rooms[0]!.jid)))
      const heard = listen(next[1]!)
      await next[0]!.send('after')
      await until(backend, () => bodies(heard.messages).includes('after'), 'the message')
      expect(agreed(next)).toBe(true)
      for (const one of again) await one.close()
    }, 60_000)
  })
}
