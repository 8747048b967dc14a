/** A room in a browser tab: strophe.js over WebSocket, state in IndexedDB. The address line says who and where. */
import { Strophe } from 'strophe.js'
import { openIndexedDbStorage } from 'xmpp-mls/storage/indexeddb'
import { MlsClient, type MlsRoom } from 'xmpp-mls/xmpp'
import { stropheJs } from 'xmpp-mls/xmpp/adapters/strophe'

const asked = new URLSearchParams(location.search)
const ask = (name: string): string => asked.get(name) ?? prompt(name) ?? ''
const [service, account, password, roomJid] = ['service', 'account', 'password', 'room'].map(ask) as [
  string,
  string,
  string,
  string,
]

const log = document.querySelector('#log') as HTMLUListElement
function show(text: string, kind = ''): void {
  const line = document.createElement('li')
  line.className = kind
  // as text, never as markup: it comes from others
  line.textContent = text
  log.append(line)
}

/** Logs in; the port is told of every change of the connection. */
async function connect() {
  const connection = new Strophe.Connection(service)
  const port = stropheJs(connection as never, Strophe as never, { fetch: (...args) => fetch(...args) })
  await new Promise<void>((resolve, reject) => {
    connection.connect(`${account}/web`, password, (status: number) => {
      port.connectionChanged(status)
      if (status === Strophe.Status.CONNECTED) resolve()
      if (status === Strophe.Status.AUTHFAIL || status === Strophe.Status.CONNFAIL) reject(new Error('no connection'))
      return true
    })
  })
  return port
}

/** Enters the room; where it is for members only, waits for the invitation. */
async function enter(client: MlsClient): Promise<MlsRoom> {
  try {
    return await client.room(roomJid)
  } catch {
    show(`waiting until somebody in the room types /invite ${account}`, 'note')
    await new Promise<void>((resolve) => {
      client.on('invitation', ({ room }) => {
        if (room === roomJid) resolve()
      })
    })
    return await client.room(roomJid)
  }
}

async function main(): Promise<void> {
  const xmpp = await connect()
  const storage = await openIndexedDbStorage({ name: `xmpp-mls ${account}`, randomBytes: random })
  const client = await MlsClient.open({ xmpp, storage })
  client.on('error', ({ error }) => show(error.message, 'note'))
  await xmpp.send({ name: 'presence', ns: 'jabber:client', attrs: {}, children: [] })
  const title = document.querySelector('#title') as HTMLElement
  title.textContent = `${account} in ${roomJid}`
  const room = await enter(client)
  room.on('message', ({ sender, body }) => show(`${sender.account}: ${body ?? '(something else)'}`))
  room.on('membership', ({ by, added, removed }) => {
    const names = (list: readonly { account: string }[]) => list.map((one) => one.account).join(', ')
    if (added.length > 0) show(`${by.account} added ${names(added)}`, 'note')
    if (removed.length > 0) show(`${by.account} removed ${names(removed)}`, 'note')
  })
  let active = false
  const look = ({ state }: { state: string }): void => {
    if (state === 'active' && !active) show('in the room', 'note')
    active = state === 'active'
  }
  room.on('health', look)
  look(room.health)
  const text = document.querySelector('#text') as HTMLInputElement
  document.querySelector('#say')?.addEventListener('submit', (event) => {
    event.preventDefault()
    const line = text.value.trim()
    text.value = ''
    perform(room, line).catch((error: unknown) => show(String(error), 'note'))
  })
}

async function perform(room: MlsRoom, line: string): Promise<void> {
  const [command, who = ''] = line.split(/\s+/)
  if (line === '') return
  if (command === '/invite') await room.invite(who)
  else if (command === '/remove') await room.remove(who)
  else {
    await room.send(line)
    show(`${account}: ${line}`)
  }
}

function random(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length))
}

main().catch((error: unknown) => show(String(error), 'note'))
