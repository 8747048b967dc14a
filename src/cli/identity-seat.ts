/** What commands about identities work on: state, connection and identity of an account, with somebody at the terminal. */
import type { Storage } from '../ports/storage.ts'
import { IdentityClient } from '../xmpp/identity/client.ts'
import { MlsClient } from '../xmpp/mls/client.ts'
import { presence } from '../xmpp/stanza/stanza.ts'
import { tellProblems } from './identity-notices.ts'
import { type LoginFlags, login, openSealedState } from './login.ts'
import type { Paint } from './paint.ts'
import { type Person, personAt } from './person.ts'
import { stateFolder } from './state-folder.ts'
import { openTerminal } from './terminal.ts'

/** An identity with somebody in front of it. */
export interface Seat {
  readonly identity: IdentityClient
  readonly person: Person
  /** The rooms of the account, for what travels inside them. */
  readonly rooms: () => Promise<MlsClient>
}

/** Opens the state and no connection, works, closes. */
export async function alone(
  account: string,
  flags: LoginFlags,
  paint: Paint,
  work: (storage: Storage, person: Person) => Promise<unknown>,
): Promise<void> {
  const storage = await openSealedState(stateFolder(account, flags.state, process.env), flags)
  const terminal = openTerminal('> ')
  try {
    await work(storage, personAt(terminal, paint))
  } finally {
    terminal.close()
    await storage.close()
  }
}

/** Opens state, connection and identity, works, closes. */
export async function seated(
  account: string,
  flags: LoginFlags,
  paint: Paint,
  work: (seat: Seat) => Promise<unknown>,
): Promise<void> {
  const storage = await openSealedState(stateFolder(account, flags.state, process.env), flags)
  const ends: (() => unknown)[] = [() => storage.close()]
  try {
    const connection = await login(account, flags)
    ends.unshift(() => connection.close())
    const identity = await IdentityClient.open({ xmpp: connection.port, storage })
    ends.unshift(() => identity.close())
    const terminal = openTerminal('> ')
    ends.unshift(() => terminal.close())
    const person = personAt(terminal, paint)
    tellProblems(identity, person)
    await connection.port.send(presence({}))
    const rooms = async (): Promise<MlsClient> => {
      const client = await MlsClient.open({ xmpp: connection.port, storage, identity })
      ends.unshift(() => client.close())
      return client
    }
    await work({ identity, person, rooms })
  } finally {
    for (const end of ends) await end()
  }
}
