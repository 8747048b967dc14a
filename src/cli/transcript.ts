import type {
  MembershipChange,
  MessageContent,
  Participant,
  RoomHealth,
  RoomIssue,
  RoomMessage,
  Trust,
  Unreadable,
  UnreadableReason,
} from '../xmpp/mls/types.ts'
import { trustMark } from './identity-lines.ts'
import { harmless, type Paint } from './paint.ts'

/** What a person is told when a message cannot be read. */
const reasons: Readonly<Record<UnreadableReason, string>> = {
  'before-join': 'it was sent before this device came in',
  'too-old': 'it is from an epoch whose keys are gone',
  'missing-epoch': 'the archive lacks the step that it follows',
  fork: 'it belongs to another history of the group',
  tampered: 'it is not what its sender encrypted',
  replayed: 'somebody sent an old message again',
  malformed: 'it is not in the form of this protocol',
  'wrong-room': 'it was written for another room',
  'not-author': 'it changes a message of somebody else',
  'too-large': 'it is too large',
  unavailable: 'its content cannot be fetched',
  removed: 'it was sent after this device was removed',
}

const states: Readonly<Record<RoomHealth['state'], string>> = {
  active: 'everything works',
  waiting: 'in the room, not in the group: somebody must invite this account',
  joining: 'coming in',
  'catching-up': 'reading what happened meanwhile',
  offline: 'no connection',
  desynchronised: 'this device cannot follow any more: /rejoin mends it',
  removed: 'this device was removed from the group',
  expelled: 'the room has put this account out',
  closed: 'left',
}

/** Who says something; `trust` is shown beside the name. */
type Speaker = Pick<Participant, 'account' | 'own'> & { readonly trust?: Trust }

/** What is remembered of a message: who said it, and whether it can be corrected. */
type ShownMessage = Pick<RoomMessage, 'id' | 'body'> & { readonly sender: Speaker }

/** Turns events of a room into lines; remembers which number each message got. */
export class Transcript {
  readonly #paint: Paint
  readonly #numbers = new Map<string, number>()
  readonly #messages: ShownMessage[] = []

  readonly #markOwn: boolean

  constructor(paint: Paint, options: { readonly markOwn?: boolean } = {}) {
    this.#paint = paint
    this.#markOwn = options.markOwn ?? true
  }

  /** The message with this number. */
  message(number: number): ShownMessage | undefined {
    return this.#messages[number - 1]
  }

  /** The last message of this device that carried text. */
  get lastOwn(): ShownMessage | undefined {
    return this.#messages.findLast(({ sender, body }) => sender.own && body !== undefined)
  }

  /** A message as one line; messages with a text get a number to refer to. */
  line(message: RoomMessage): string {
    const late = message.late ? this.#paint.note(' (found in the archive)') : ''
    const unbound = message.binding === 'unbound' ? this.#paint.dim(' (unbound)') : ''
    return `${this.#line(message, message.content)}${late}${unbound}`
  }

  /** A message of this device, once the room has it, as one line. */
  sent(id: string, account: string, content: MessageContent): string {
    const body = 'body' in content ? content.body : undefined
    return this.#line({ id, body, sender: { account, own: true } }, content)
  }

  #line(message: ShownMessage, content: MessageContent): string {
    let prefix = '    '
    if (content.kind === 'text' || content.kind === 'reply' || content.kind === 'xml') {
      const number = this.#messages.push(message)
      this.#numbers.set(message.id, number)
      prefix = `${String(number).padStart(3)} `
    }
    return `${this.#paint.dim(prefix)}${this.name(message.sender)}${this.#text(content)}`
  }

  #text(content: MessageContent): string {
    const { dim } = this.#paint
    switch (content.kind) {
      case 'text':
        return `: ${harmless(content.body)}`
      case 'reply':
        return ` ${dim(`answers ${this.#reference(content.to)}`)}: ${harmless(content.body)}`
      case 'reaction':
        return content.emojis.length === 0
          ? ` takes back the reaction to ${this.#reference(content.to)}`
          : ` ${content.emojis.map(harmless).join(' ')} ${dim(`to ${this.#reference(content.to)}`)}`
      case 'correction':
        return ` ${dim(`corrects ${this.#reference(content.to)}`)}: ${harmless(content.body)}`
      case 'retraction':
        return ` takes back ${this.#reference(content.to)}`
      case 'received':
      case 'displayed':
        return dim(` has ${content.kind === 'received' ? 'received' : 'seen'} ${this.#reference(content.to)}`)
      case 'xml':
        return dim(` sent ${content.elements.map(({ name }) => `<${name}/>`).join(' ')}`)
    }
  }

  #reference(id: string): string {
    const number = this.#numbers.get(id)
    return number === undefined ? 'an earlier message' : `#${number}`
  }

  /** The local part of an account, in its colour. */
  name({ account, own, trust }: Speaker): string {
    const short = harmless(account.split('@')[0] ?? account)
    const mark = own || trust === undefined ? '' : trustMark(trust, this.#paint)
    return `${this.#paint.name(account, own && this.#markOwn ? `${short} (you)` : short)}${mark}`
  }

  /** A change of the membership as one line. */
  change(change: MembershipChange): string {
    const { by, added, removed, external, policy } = change
    const parts: string[] = []
    if (external === 'rejoined')
      parts.push(`${this.name(by)} is back with a device that had lost its keys: the old leaf is gone`)
    else if (external === 'joined') parts.push(`${this.name(by)} joined with one more device`)
    else {
      if (added.length > 0) parts.push(`${this.name(by)} added ${this.#devices(added)}`)
      if (removed.length > 0) parts.push(`${this.name(by)} removed ${this.#devices(removed)}`)
    }
    if (policy !== undefined) parts.push(`${this.name(by)} lets in by themselves: ${policy.externalJoin}`)
    if (parts.length === 0) parts.push(`${this.name(by)} renewed the keys`)
    return this.#paint.note(`  * ${parts.join('; ')} (epoch ${change.epoch})`)
  }

  #devices(list: readonly Participant[]): string {
    const counts = new Map<string, number>()
    for (const { account } of list) counts.set(account, (counts.get(account) ?? 0) + 1)
    return [...counts]
      .map(([account, count]) => `${this.name({ account, own: false })}${count > 1 ? ` (${count} devices)` : ''}`)
      .join(', ')
  }

  /** A message that cannot be read as one line. */
  unreadable({ reason, sender }: Unreadable): string {
    const whose = sender === undefined ? 'a message' : `a message of ${this.name(sender)}`
    return this.#paint.bad(`  ! ${whose} cannot be read: ${reasons[reason]}`)
  }

  /** The state of a room as lines. */
  health({ state, issues, epoch, canSend }: RoomHealth): string[] {
    const mark = state === 'active' && issues.length === 0 ? this.#paint.good : this.#paint.note
    const sending = canSend ? '' : ', nothing is sent now'
    const at = epoch === undefined ? '' : ` (epoch ${epoch})`
    return [mark(`  = ${states[state]}${at}${sending}`), ...issues.map((issue) => this.issue(issue))]
  }

  /** Something that is wrong, as one line. */
  issue(issue: RoomIssue): string {
    return this.#paint.bad(`  ! ${this.#issue(issue)}`)
  }

  #issue(issue: RoomIssue): string {
    switch (issue.kind) {
      case 'outsider':
        return `${harmless(issue.account)} can read and is not in the room: nothing is sent until he is removed`
      case 'missing': {
        const { first, last, sender } = issue
        const which = first === last ? `message ${first}` : `messages ${first} to ${last}`
        return `${which} of ${this.name(sender)} did not come and are not in the archive`
      }
      case 'gap':
        return 'the archive has a gap: /rejoin goes on after it'
      case 'fork':
        return 'the group has split: /rejoin goes on with the history of the archive'
      case 'copied':
        return 'another copy of this device has sent: only reads until /rejoin goes on with fresh keys'
      case 'archive-truncated':
        return 'the archive no longer goes back to where this device was'
      case 'identity':
        return `${harmless(issue.account)}: ${issue.sentence}`
    }
  }
}
