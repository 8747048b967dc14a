import { toHex } from '../bytes/text.ts'
import type { CipherSuiteId } from '../crypto/suites.ts'
import { suiteParameters } from '../crypto/suites.ts'
import type { Storage } from '../ports/storage.ts'
import { defaultProvider } from '../providers/default.ts'
import { systemClock } from '../providers/system-clock.ts'
import { systemRng } from '../providers/system-rng.ts'
import { keySigner } from '../signed/signer.ts'
import { defaultSettings } from '../xmpp/mls/client-options.ts'
import { participantsOf } from '../xmpp/mls/engine/groups.ts'
import type { EngineContext, RoomState } from '../xmpp/mls/engine/state.ts'
import { policyOf, roomBindingOf } from '../xmpp/mls/extensions.ts'
import { deviceCredential, formAuthentication } from '../xmpp/mls/identity.ts'
import { ClientStore } from '../xmpp/mls/store.ts'
import { treeLines } from './group-lines.ts'
import { harmless } from './paint.ts'

/** What a storage of a client holds, as lines: the device, its KeyPackages, and each room with its group. */
export async function inspectStorage(storage: Storage, room?: string): Promise<string[]> {
  const store = new ClientStore(storage)
  const device = await store.device()
  if (device === undefined) return ['no device was made here yet']
  const parameters = suiteParameters(device.suite as CipherSuiteId)
  const suite = (await defaultProvider(parameters)).open(parameters, systemRng)
  const { account, deviceId } = device
  const context: Omit<EngineContext, 'room' | 'kind'> = {
    suite,
    identity: { credential: deviceCredential(account, deviceId), signer: keySigner(suite, device.signatureKey) },
    account,
    device: toHex(deviceId),
    clock: systemClock,
    authentication: formAuthentication,
    settings: defaultSettings,
    trust: () => 'unverified',
  }
  const packages = await store.keyPackages()
  const unused = packages.filter(({ stored }) => stored.used === undefined)
  const lines = [
    `${account}, device ${context.device}, ${parameters.name}`,
    `KeyPackages: ${unused.filter(({ stored }) => !stored.lastResort).length} one-time, ` +
      `${unused.filter(({ stored }) => stored.lastResort).length} last-resort, ` +
      `${packages.length - unused.length} used`,
  ]
  const rooms = await store.rooms()
  const wanted = room === undefined ? rooms : rooms.filter((one) => one === room)
  if (wanted.length === 0) lines.push(room === undefined ? 'no rooms' : 'nothing is stored of this room')
  for (const jid of wanted) {
    // `kind` decides how order is found, which nothing here asks for
    const engine: EngineContext = { ...context, room: jid, kind: 'muc' }
    const state = await store.room(engine)
    lines.push('', ...roomLines(jid, engine, state))
    state.group?.close()
  }
  for (const { room: jid, stored } of await store.welcomes())
    if (room === undefined || room === jid)
      lines.push('', `${harmless(jid)}: invited by ${harmless(stored.from)}, not entered yet`)
  return lines
}

function roomLines(jid: string, context: EngineContext, state: RoomState): string[] {
  const { group, phase } = state
  const lines = [`${harmless(jid)}: ${phase}`]
  if (group !== undefined) {
    const binding = roomBindingOf(group.extensions)
    lines.push(
      `  group ${toHex(group.id).slice(0, 32)}…, epoch ${group.epoch}, ${group.memberCount} devices`,
      `  epoch authenticator ${toHex(group.epochAuthenticator).slice(0, 32)}`,
      `  made by ${harmless(binding?.creator ?? 'somebody')}, external joins: ${policyOf(group.extensions).externalJoin}`,
      ...treeLines(participantsOf(context, group)).map((line) => `  ${line}`),
    )
  }
  const waiting = [
    ...(state.outbox.length > 0 ? [`${state.outbox.length} messages on their way`] : []),
    ...(state.intents.length > 0 ? [`${state.intents.length} changes wanted`] : []),
    ...(state.attempt === undefined ? [] : [`a commit of epoch ${state.attempt.epoch} on its way`]),
    ...(state.welcomes.length > 0 ? [`${state.welcomes.length} Welcomes to hand out`] : []),
  ]
  const missing = [...state.chains.values()].reduce((sum, chain) => sum + chain.missing.length, 0)
  const wrong = [
    ...(state.forked ? ['the group has split'] : []),
    ...(state.quarantine === undefined ? [] : ['another copy of this device has sent']),
    ...(state.truncated ? ['the archive no longer goes back to the cursor'] : []),
    ...(missing > 0 ? [`${missing} messages are missing`] : []),
  ]
  lines.push(`  cursor ${harmless(state.cursor ?? 'none')}`)
  if (waiting.length > 0) lines.push(`  waits: ${waiting.join(', ')}`)
  lines.push(wrong.length > 0 ? `  wrong: ${wrong.join(', ')}` : '  nothing is wrong')
  return lines
}
