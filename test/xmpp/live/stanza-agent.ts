import type { RealServer } from '../../../scripts/servers.ts'
import { type StanzaAgent, stanzaJs } from '../../../src/xmpp/adapters/stanza.ts'
import type { XmppPort } from '../../../src/xmpp/port.ts'

/** Connects with stanza over WebSocket. */
export async function connectStanza(
  server: RealServer,
  user: string,
): Promise<{ readonly port: XmppPort; readonly stop: () => Promise<void> }> {
  const library = 'stanza'
  const { createClient } = (await import(library)) as { createClient: (options: object) => never }
  const agent = createClient({
    jid: `${user}@${server.domain}`,
    resource: 'stanza',
    password: 'secret',
    transports: { websocket: server.websocket, bosh: false },
    allowResumption: false,
  }) as StanzaAgent & { connect(): void; disconnect(): void; once(event: string, listener: () => void): void }
  const port = stanzaJs(agent, { fetch })
  await new Promise<void>((resolve, reject) => {
    agent.once('session:started', resolve)
    agent.once('auth:failed', () => reject(new Error('stanza: no login')))
    agent.connect()
  })
  return { port, stop: async () => agent.disconnect() }
}
