import { describe, expect, test } from 'vitest'
import { rawMasterKey } from '../../../src/storage/master-key.ts'
import { MemoryMedium, openMemoryStorage } from '../../../src/storage/memory.ts'
import { openSealedStorage } from '../../../src/storage/sealed.ts'
import type { RoomMessage } from '../../../src/xmpp/index.ts'
import { random } from '../../group-store/support.ts'
import { bodies, type Device, invited, listen, roomJid, World } from './world.ts'

async function pair(name: string, options: Parameters<World['device']>[1] = {}) {
  const world = new World(name)
  const made = await invited(world, options)
  return { world, ...made, bobs: await made.bob.client.room(roomJid) }
}

async function again(world: World, { port, client, medium }: Device, options: Parameters<World['device']>[1] = {}) {
  port.disconnect()
  await client.close()
  const next = await world.device('bob@a.test/x', { medium, ...options })
  return { next, room: await next.client.room(roomJid) }
}

describe('messages reach the application', () => {
  test('what nobody has taken comes again after a restart, with the same id, until somebody has', async () => {
    const { world, garden, bob, bobs } = await pair('again')
    const first: RoomMessage[] = []
    bobs.on('message', (message) => {
      first.push(message)
      if (message.body !== 'taken') throw new Error('no room in the database')
    })
    const errors: string[] = []
    bobs.on('error', ({ kind }) => errors.push(kind))
    for (const text of ['one', 'taken', 'three']) await garden.send(text)
    await world.until('all', () => first.length === 3)
    expect(errors).toEqual(['internal', 'internal'])
    const { next, room } = await again(world, bob)
    const second = listen(room)
    await garden.send('four')
    await world.until('the rest', () => second.messages.length === 3)
    expect(bodies(second.messages)).toEqual(['one', 'three', 'four'])
    expect(second.messages.map(({ redelivered }) => redelivered)).toEqual([true, true, undefined])
    expect(second.messages[0]).toEqual({ ...first[0], redelivered: true })
    const third = await again(world, next)
    const heard = listen(third.room)
    await world.wait(5_000)
    expect(heard.messages).toEqual([])
    world.stop()
  })

  test('a listener that returns a promise takes the message when that is fulfilled', async () => {
    const { world, garden, bob, bobs } = await pair('promise')
    const waiting: (() => void)[] = []
    bobs.on('message', () => new Promise<void>((resolve) => waiting.push(resolve)))
    await garden.send('one')
    await garden.send('two')
    await world.until('both', () => waiting.length === 2)
    waiting[1]?.()
    await world.wait(1_000)
    const { room } = await again(world, bob)
    const heard = listen(room)
    await world.wait(1_000)
    expect(bodies(heard.messages)).toEqual(['one'])
    world.stop()
  })

  test('a change of who is in the group that nobody was told of comes again in its place', async () => {
    const { world, garden, bob } = await pair('changes')
    await world.device('carol@a.test/x')
    await garden.send('before')
    await garden.invite('carol@a.test')
    await garden.send('after')
    await world.wait(2_000)
    const { room } = await again(world, bob)
    const order: string[] = []
    room.on('membership', ({ added }) => order.push(added.map(({ account }) => account).join()))
    room.on('message', ({ body = '' }) => order.push(body))
    await world.wait(1_000)
    expect(order.sort()).toEqual(['after', 'before', 'carol@a.test'])
    world.stop()
  })

  test('what was said while the connection was away goes out after a restart', async () => {
    const { world, garden, bob, bobs } = await pair('offline')
    const heard = listen(garden)
    bob.port.disconnect()
    await world.wait(100)
    for (const content of ['offline', { kind: 'reaction', to: 'x', emojis: ['👍'] } as const])
      bobs.send(content).catch(() => undefined)
    await world.wait(100)
    expect(heard.messages).toEqual([])
    await again(world, bob)
    await world.until('both', () => heard.messages.length === 2)
    expect(heard.messages.map(({ content }) => content)).toEqual([
      { kind: 'text', body: 'offline' },
      { kind: 'reaction', to: 'x', emojis: ['👍'] },
    ])
    await world.wait(5_000)
    expect(heard.messages).toHaveLength(2)
    world.stop()
  })
})

describe('the history on this device', () => {
  test('keeps both sides, by pages and as an export, within its bounds, until it is forgotten', async () => {
    const medium = new MemoryMedium()
    const sealed = async () =>
      openSealedStorage({
        storage: await openMemoryStorage({ medium, randomBytes: random }),
        masterKey: rawMasterKey(new Uint8Array(32), random),
        randomBytes: random,
      })
    const history = { maxMessages: 4, maxAgeMs: 3_600_000 }
    const { world, garden, bob, bobs } = await pair('history', { storage: await sealed(), history })
    listen(bobs)
    for (const text of ['one', 'two', 'three']) {
      await garden.send(text)
      await bobs.send(`${text} to you`)
    }
    const texts = (entries: readonly { readonly message: RoomMessage }[]) =>
      bodies(entries.map(({ message }) => message))
    await world.until('all', () => bobs.idle)
    await world.wait(1_000)
    expect(texts(await bobs.history())).toEqual(['three to you', 'three', 'two to you', 'two'])
    const [newest, next] = await bobs.history({ limit: 2 })
    expect(newest?.message.sender).toMatchObject({ account: 'bob@a.test', own: true })
    expect(next?.message.sender).toMatchObject({ account: 'alice@a.test', own: false })
    expect(texts(await bobs.history({ before: next?.place ?? 0n }))).toEqual(['two to you', 'two'])
    const all = []
    for await (const entry of bobs.exportHistory()) all.push(entry)
    expect(texts(all)).toEqual(['two', 'two to you', 'three', 'three to you'])
    bob.port.disconnect()
    await bob.client.close()
    const later = await world.device('bob@a.test/x', { storage: await sealed(), history })
    await later.client.forget(roomJid)
    const room = await later.client.room(roomJid)
    expect(await room.history()).toEqual([])
    await room.send('from now on')
    expect(texts(await room.history())).toEqual(['from now on'])
    await room.forget()
    expect(await room.history()).toEqual([])
    expect(room.health.state).toBe('active')
    world.stop()
  })

  test('nothing is kept where nobody asked for it', async () => {
    const { world, garden, bobs } = await pair('no history')
    const heard = listen(bobs)
    await garden.send('one')
    await world.until('it', () => heard.messages.length === 1)
    expect(await bobs.history()).toEqual([])
    world.stop()
  })
})
