/** The lines that a person types in `xmpp-mls chat`. */

/** What a line asks for. */
export type ChatCommand =
  | { readonly kind: 'say'; readonly body: string }
  | { readonly kind: 'invite'; readonly account: string }
  | { readonly kind: 'remove'; readonly account: string }
  | { readonly kind: 'who' }
  | { readonly kind: 'tree' }
  | { readonly kind: 'health' }
  | { readonly kind: 'verify'; readonly account: string | undefined; readonly how: string | undefined }
  | { readonly kind: 'saved' }
  | { readonly kind: 'reply'; readonly number: number; readonly body: string }
  | { readonly kind: 'react'; readonly number: number; readonly emojis: readonly string[] }
  | { readonly kind: 'correct'; readonly body: string }
  | { readonly kind: 'rejoin' }
  | { readonly kind: 'leave' }
  | { readonly kind: 'quit' }
  | { readonly kind: 'help' }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'wrong'; readonly usage: string }

/** All commands with what they do. */
export const chatHelp: readonly (readonly [usage: string, what: string])[] = [
  ['/invite ACCOUNT', 'adds all devices of somebody, also while they are offline'],
  ['/remove ACCOUNT', 'removes somebody; from then on he cannot read'],
  ['/who', 'who is here, with which devices'],
  ['/tree', 'the ratchet tree of the group'],
  ['/health', 'whether everything works, and what is wrong'],
  ['/verify [ACCOUNT]', 'shows your code for somebody to scan: one scan verifies both'],
  ['/verify [ACCOUNT] HOW', 'digits, emoji, or the text of the code that somebody shows'],
  ['/saved', 'your recovery code is written down'],
  ['/reply NUMBER TEXT', 'answers the message with this number'],
  ['/react NUMBER EMOJI...', 'reacts to it; no emoji takes the reaction back'],
  ['/correct TEXT', 'replaces your last message'],
  ['/rejoin', 'comes in again after something went wrong'],
  ['/leave', 'leaves the group and the room'],
  ['/quit', 'ends the program; you stay a member'],
  ['/help', 'this list'],
]

/** Reads a line. A text that begins with a slash is written with two. */
export function parseCommand(line: string): ChatCommand {
  const text = line.trim()
  if (text === '') return { kind: 'nothing' }
  if (!text.startsWith('/') || text.startsWith('//'))
    return { kind: 'say', body: text.startsWith('//') ? text.slice(1) : text }
  const [word = '', ...rest] = text.slice(1).split(/\s+/)
  const [first, ...more] = rest
  const wrong = (): ChatCommand => {
    const found = chatHelp.find(([usage]) => usage.split(' ')[0] === `/${word}`)
    return { kind: 'wrong', usage: found === undefined ? `no command /${word}; see /help` : `usage: ${found[0]}` }
  }
  switch (word) {
    case 'invite':
    case 'remove':
      return first === undefined || more.length > 0 ? wrong() : { kind: word, account: first }
    case 'reply':
      return isNumber(first) && more.length > 0
        ? { kind: 'reply', number: Number(first), body: more.join(' ') }
        : wrong()
    case 'react':
      return isNumber(first) ? { kind: 'react', number: Number(first), emojis: more } : wrong()
    case 'correct':
      return rest.length === 0 ? wrong() : { kind: 'correct', body: rest.join(' ') }
    case 'verify': {
      const named = first?.includes('@') === true
      const how = named ? more : rest
      return how.length > 1 ? wrong() : { kind: 'verify', account: named ? first : undefined, how: how[0] }
    }
    case 'saved':
    case 'who':
    case 'tree':
    case 'health':
    case 'rejoin':
    case 'leave':
    case 'quit':
    case 'help':
      return rest.length === 0 ? { kind: word } : wrong()
    default:
      return wrong()
  }
}

function isNumber(text: string | undefined): boolean {
  return text !== undefined && /^[1-9]\d{0,8}$/.test(text)
}
