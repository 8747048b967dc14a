/** Identities as lines on a terminal: a word, a device, and one plain sentence for each state. */
import { toHex } from '../bytes/text.ts'
import type { ContactState } from '../identity/contact-state.ts'
import { sendSentences } from '../identity/sentences.ts'
import type { StoredFinding } from '../xmpp/identity/store.ts'
import type { IdentityContact, IdentityDevice, IdentityStatus } from '../xmpp/identity/types.ts'
import type { Trust } from '../xmpp/mls/types.ts'
import { harmless, type Paint, padTo } from './paint.ts'

/** The mark beside who speaks. Nothing is shown of what nobody has compared: that is how most conversations are. */
export function trustMark(trust: Trust, paint: Paint): string {
  const marks = { verified: paint.good(' ✓'), unverified: '', changed: paint.bad(' ✗') }
  return marks[trust]
}

/** The mark of a contact's state. */
function stateMark(state: ContactState, paint: Paint): string {
  switch (state) {
    case 'VERIFIED':
      return paint.good('✓')
    case 'LINK_VERIFIED':
      return paint.good('✓')
    case 'TOFU':
    case 'UNKNOWN':
      return paint.dim('·')
    case 'STALE':
      return paint.note('?')
    case 'ROLLBACK':
    case 'EQUIVOCATION':
    case 'CHANGED':
    case 'COMPROMISED':
      return paint.bad('✗')
  }
}

/** The recovery code, to be copied by hand: three rows of three groups. */
export function recoveryLines(code: string, paint: Paint): string[] {
  const groups = code.split(/[ -]/)
  const rows = [0, 3, 6].map((first) => groups.slice(first, first + 3).join('   '))
  return [
    paint.bold('  Your recovery code. Write it down now; it is shown this once and kept nowhere:'),
    '',
    ...rows.map((row) => `        ${paint.bold(row)}`),
    '',
    paint.dim('  It brings you back when all devices are gone, and takes your identity back from a thief.'),
  ]
}

/** The own identity. */
export function statusLines(status: IdentityStatus, paint: Paint): string[] {
  const { account, device, deviceSentence, rootSentence, devices, generation, seq, rootHash, published } = status
  const lines = [
    paint.bold(account),
    `  ${status.deviceState === 'ACTIVE' ? paint.good('✓') : paint.note('·')} ${deviceSentence}`,
    `  ${status.rootState === 'NONE' || status.rootState === 'CREATED' ? paint.note('!') : paint.good('✓')} ${rootSentence}`,
  ]
  if (rootHash !== undefined) {
    lines.push(paint.dim(`  identity ${toHex(rootHash).slice(0, 32)}…, generation ${generation}, list ${seq}`))
    if (status.renewalDue && status.signsUntil !== undefined)
      lines.push(
        paint.note(
          `  ! Your devices can sign until ${day(status.signsUntil)}: run \`identity renew\` with your recovery code.`,
        ),
      )
    if (!published) lines.push(paint.note('  ! The server does not show the newest list yet.'))
    lines.push('  devices:', ...devices.map((one) => deviceLine(one, device, paint)))
  }
  return lines
}

/** One device of a manifest. `own`: the id of this one. */
function deviceLine({ device, flags, addedAt, notAfter, name }: IdentityDevice, own: string, paint: Paint): string {
  const here = device === own ? paint.good('this device') : name === undefined ? '' : harmless(name)
  const may = flags.includes('steward') ? 'can let in others' : ''
  const what = [here, may, ...flags.filter((flag) => flag !== 'steward')].filter((word) => word !== '').join(', ')
  const since = `since ${day(addedAt)}, renews itself before ${day(notAfter)}`
  return `    ${device.slice(0, 8)}  ${padTo(what, 34)} ${paint.dim(since)}`
}

/** Another account. */
export function contactLines(contact: IdentityContact, paint: Paint): string[] {
  const { account, state, sentence, sending, devices, rootHash, findings } = contact
  const count = devices.length === 1 ? '1 device' : `${devices.length} devices`
  const lines = [`${stateMark(state, paint)} ${padTo(harmless(account), 30)} ${paint.dim(count)}`, `    ${sentence}`]
  if (sending !== 'send') lines.push(`    ${paint.bad(sendSentences[sending])}`)
  if (rootHash !== undefined) lines.push(paint.dim(`    identity ${toHex(rootHash).slice(0, 32)}…`))
  lines.push(...findings.slice(-5).map((one) => findingLine(one, paint)))
  return lines
}

/** Something that was found about a contact. */
export function findingLine({ at, sentence, loudness, evidence }: StoredFinding, paint: Paint): string {
  const mark = { note: paint.dim, warning: paint.note, alarm: paint.bad }[loudness]
  const proof = evidence === undefined ? '' : paint.dim(' (there is proof: identity evidence export)')
  return `    ${paint.dim(time(new Date(at)))} ${mark(sentence)}${proof}`
}

const day = (date: Date): string => date.toISOString().slice(0, 10)
const time = (date: Date): string => date.toISOString().slice(0, 16).replace('T', ' ')
