/** What the owner of an account does at a terminal: begin, let devices in, take them off, come back, begin anew. */
import { MlsError } from '../bytes/errors.ts'
import type { BackupFinding } from '../identity/backup.ts'
import type { IdentityClient } from '../xmpp/identity/client.ts'
import type { RemovalReason } from '../xmpp/identity/owner.ts'
import type { IdentityDevice, IdentityStatus, RootProfile } from '../xmpp/identity/types.ts'
import { recoveryLines, statusLines } from './identity-lines.ts'
import { harmless } from './paint.ts'
import { agrees, type Person } from './person.ts'

/** Makes an identity, shows the recovery code once, and has it confirmed by a group of it. */
export async function createIdentity(
  identity: IdentityClient,
  person: Person,
  options: { readonly profile: RootProfile; readonly hybrid: boolean },
): Promise<void> {
  const { recoveryCode } = await identity.create(options)
  await haveWritten(identity, person, recoveryCode)
  show(identity, person)
}

async function haveWritten(identity: IdentityClient, person: Person, recoveryCode: string): Promise<void> {
  for (const line of recoveryLines(recoveryCode, person.paint)) person.print(line)
  const groups = recoveryCode.split(/[ -]/)
  // the last group checks the others: who types it has at least come to the end
  for (let tries = 0; tries < 3; tries++) {
    const typed = await person.ask('When it is written down, type its last group:')
    if (typed.toUpperCase() === groups.at(-1)) {
      await identity.codeSaved()
      return
    }
    if (typed === '') break
    person.print(person.paint.bad('  ! That is not the last group.'))
  }
  person.print(person.paint.note('  ! You will be reminded until you say that it is written down.'))
}

/**
 * Sees to it that a device that is about to talk has an identity: makes the first one of an account, and says how to come
 * to the one that is there. Returns whether this device belongs to one.
 */
export async function haveIdentity(
  identity: IdentityClient,
  { print, paint }: Pick<Person, 'print' | 'paint'>,
): Promise<boolean> {
  const { deviceState, rootState, deviceSentence, rootSentence } = identity.status
  if (deviceState === 'FRESH') {
    try {
      const { recoveryCode } = await identity.create()
      for (const line of recoveryLines(recoveryCode, paint)) print(line)
      print(paint.note('  ! Type /saved when you have written it down.'))
      return true
    } catch (error) {
      if (!(error instanceof MlsError) || error.code !== 'identity/state') throw error
      print(paint.note(`  ! Your account has an identity on another device. Link this one: ${linkHint(identity)}`))
      return false
    }
  }
  if (deviceState !== 'ACTIVE') print(paint.note(`  ! ${deviceSentence}`))
  if (rootState === 'CREATED') print(paint.note(`  ! ${rootSentence} (/saved, when you have.)`))
  return deviceState !== 'RETIRED' && deviceState !== 'REVOKED'
}

const linkHint = ({ account }: IdentityClient): string => `xmpp-mls identity link ${harmless(account)}`

/** Prints the own identity. */
export function show(identity: IdentityClient, { print, paint }: Pick<Person, 'print' | 'paint'>): void {
  for (const line of statusLines(identity.status, paint)) print(line)
}

/** The device that somebody means by the first digits of its id, or by its name. @throws Error with a sentence */
export function deviceNamed({ devices }: Pick<IdentityStatus, 'devices'>, text: string): IdentityDevice {
  const found = devices.filter(({ device, name }) => device.startsWith(text.toLowerCase()) || name === text)
  const [first] = found
  if (first === undefined) throw new Error(`no device of yours begins with ${text}: see \`identity show\``)
  if (found.length > 1) throw new Error(`${found.length} devices begin with ${text}: give more digits`)
  return first
}

/** Takes a device off the list, everywhere. */
export async function removeDevice(
  identity: IdentityClient,
  person: Person,
  options: { readonly device: string; readonly reason: RemovalReason },
): Promise<void> {
  const { print, paint } = person
  const { status } = identity
  const { device, flags } = deviceNamed(status, options.device)
  if (device === status.device && !(await agrees(person, 'That is this device. Take it off all the same?'))) return
  const held = flags.includes('steward') && options.reason !== 'retired' && status.rootState === 'SEALED'
  const code = held ? await person.ask('It could let in others: your recovery code, to lock it out (or nothing):') : ''
  const left = await identity.removeDevice(device, {
    reason: options.reason,
    ...(code === '' ? {} : { recoveryCode: code }),
  })
  print(
    paint.good(`  ✓ Device ${device.slice(0, 8)} is off your list, and your other devices take it out of all rooms.`),
  )
  if (left)
    print(
      paint.bad(
        '  ! It still has the key that lets in others: run `identity rotate` or `identity recover` with your code.',
      ),
    )
}

/** The key with which the own devices sign gets a new certificate. */
export async function renewSigning(identity: IdentityClient, person: Person): Promise<void> {
  await identity.renew(await recoveryCode(person))
  person.print(person.paint.good('  ✓ Your devices can sign for another 400 days.'))
  show(identity, person)
}

/** The root that was announced takes over. */
export async function rotateRoot(identity: IdentityClient, person: Person): Promise<void> {
  const code = await recoveryCode(person)
  // who types it has it
  if (identity.status.rootState === 'CREATED') await identity.codeSaved()
  await identity.rotate(code)
  person.print(person.paint.good('  ✓ Your identity is renewed; your contacts stay verified and need not do anything.'))
  show(identity, person)
}

/** Takes the account back: all devices but this one and those that are named go. */
export async function recoverAccount(
  identity: IdentityClient,
  person: Person,
  options: { readonly keep: readonly string[] },
): Promise<void> {
  const { print, paint } = person
  const keep = options.keep.map((text) => deviceNamed(identity.status, text).device)
  const before = identity.status.devices
  await identity.recover(await recoveryCode(person), { keep })
  const listed = new Set(identity.status.devices.map(({ device }) => device))
  print(paint.good('  ✓ The account is yours again. Who had compared your identity need not do it again.'))
  for (const { device } of before) if (!listed.has(device)) print(paint.note(`    device ${device.slice(0, 8)} is out`))
  show(identity, person)
}

/** Begins a new identity that nothing connects with the old one. */
export async function resetAccount(
  identity: IdentityClient,
  person: Person,
  options: { readonly keep: readonly string[] },
): Promise<void> {
  const { print, paint } = person
  print(
    paint.bad(
      '  ! All contacts will be warned, and must compare your new identity. With a recovery code: `identity recover`.',
    ),
  )
  if (!(await agrees(person, 'Is the recovery code lost for good?'))) throw new Error('nothing was changed')
  const keep = options.keep.map((text) => deviceNamed(identity.status, text).device)
  const created = await identity.reset({ keep })
  await haveWritten(identity, person, created.recoveryCode)
  show(identity, person)
}

/** What opens a backup, as somebody types it. */
async function opener(person: Person, passphrase: boolean) {
  return passphrase
    ? { passphrase: await person.ask('The passphrase of the backup:') }
    : { recoveryCode: await recoveryCode(person) }
}

async function recoveryCode(person: Person): Promise<string> {
  const code = await person.ask('Your recovery code (nine groups; capitals or not):')
  if (code === '') throw new Error('given up: nothing was changed')
  return code
}

/** Seals a backup and leaves it on the server. */
export async function makeBackup(identity: IdentityClient, person: Person, passphrase: boolean): Promise<void> {
  await identity.backup(await opener(person, passphrase))
  person.print(person.paint.good('  ✓ The backup is on the server, sealed. It holds no key of any room.'))
}

const backupSentences: Readonly<Record<BackupFinding, string>> = {
  rollback:
    'The server has an older backup than your last one: devices that you have removed since may be listed again.',
  manifest_rollback: 'The server shows an older list of devices than the backup knows.',
  equivocation: 'The server shows another list of devices than the backup knows under the same number.',
}

/** Comes back on a new device. `replaces`: ids of devices that are gone, whole or their beginnings. */
export async function restoreBackup(
  identity: IdentityClient,
  person: Person,
  options: { readonly passphrase: boolean; readonly replaces: readonly string[] },
): Promise<void> {
  const { print, paint } = person
  const { findings, rooms, contacts } = await identity.restore(await opener(person, options.passphrase), {
    replaces: options.replaces,
  })
  print(paint.good(`  ✓ You are back, with ${contacts} contacts and ${rooms.length} rooms to enter again:`))
  for (const room of rooms) print(`    ${harmless(room)}`)
  for (const finding of findings) print(paint.bad(`  ! ${backupSentences[finding]}`))
  show(identity, person)
}
