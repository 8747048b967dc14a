/** Twenty devices, fifty contacts: what it costs, in signatures, questions and messages. */
import { expect, test } from 'vitest'
import { identityNamespace, identityNodes } from '../../../src/identity.ts'
import { MaliciousServer } from '../../../src/testing/xmpp/index.ts'
import { linked, type Phone, Town } from './town.ts'

test('20 devices, 50 contacts: 20 certificates, no question, no pairwise trust message', async () => {
  const town = new Town('scale')
  const server = new MaliciousServer(town.service)
  const first = await town.phone('alice@a.test/0')
  await first.identity.create()
  const contacts: Phone[] = []
  for (let i = 0; i < 50; i++) {
    const one = await town.phone(`contact${i}@a.test/phone`)
    contacts.push(one)
    await one.identity.followLink(first.identity.inviteLink())
  }
  // what goes from one person to another from here on
  const messages: string[] = []
  const stop = town.service.intercept((stanza, to) => {
    const from = stanza.attrs['from']?.split('/')[0]
    if (stanza.name === 'message' && from !== undefined && !to.startsWith(from)) messages.push(stanza.name)
    return stanza
  })
  const before = new Set(contacts.flatMap(({ findings }) => findings))
  for (let i = 1; i < 20; i++) await linked(town, first, `alice@a.test/${i}`)
  for (const { identity } of contacts) await identity.refresh('alice@a.test')
  stop()
  const certificates = new Map(
    server.seen
      .filter(({ account, node }) => account === 'alice@a.test' && node === identityNodes.certificates)
      .map(({ item }) => [item.id, item.payload?.children.length ?? 0]),
  )
  const issued = [...certificates.values()].reduce((sum, count) => sum + count, 0)
  const found = contacts.flatMap(({ findings }) => findings).filter((one) => !before.has(one))
  const asked = found.filter(({ loudness }) => loudness === 'warning' || loudness === 'alarm')
  const states = await Promise.all(contacts.map(async ({ identity }) => identity.contact('alice@a.test')))
  const figures = {
    devices: first.identity.status.devices.length,
    contacts: states.filter(({ state, devices }) => state === 'LINK_VERIFIED' && devices.length === 20).length,
    certificates: issued,
    questions: asked.length,
    trustMessages: messages.length,
  }
  console.log(`${identityNamespace}: ${JSON.stringify(figures)}`)
  expect(figures).toEqual({ devices: 20, contacts: 50, certificates: 20, questions: 0, trustMessages: 0 })
  town.stop()
}, 60_000)
