import { MlsError } from '../bytes/errors.ts'
import { type XmppJsClient, xmppJs } from '../xmpp/adapters/xmpp-js.ts'
import type { XmppPort } from '../xmpp/port.ts'

/** How to log in. */
export interface LoginOptions {
  /** `xmpp://host:port`, `xmpps://…`, `ws://…`, `wss://…`, or a domain to find by DNS. */
  readonly service: string
  readonly domain: string
  readonly username: string
  readonly password: string
  readonly resource?: string
  /** The SASL mechanism to use; by default the strongest that both know. */
  readonly mechanism?: string
  /** Whether to connect again after a loss; on by default. */
  readonly reconnect?: boolean
}

/** A connection of @xmpp/client. */
export interface Connection {
  readonly port: XmppPort
  close(): Promise<void>
}

interface JsClient extends XmppJsClient {
  readonly reconnect: { stop(): void }
  start(): Promise<unknown>
  stop(): Promise<unknown>
}

// The package is an optional peer and ships no types.
const library = '@xmpp/client'
const sockets = 'ws'

async function loadLibrary(): Promise<{ client: (options: object) => JsClient }> {
  try {
    return (await import(library)) as { client: (options: object) => JsClient }
  } catch (cause) {
    throw new MlsError('xmpp/unsupported', 'the package @xmpp/client is not there: npm install @xmpp/client', { cause })
  }
}

/** Older versions of Node have no WebSocket of their own. */
async function provideWebSocket(service: string): Promise<void> {
  if (!/^wss?:/.test(service) || 'WebSocket' in globalThis) return
  try {
    const { WebSocket } = (await import(sockets)) as { WebSocket: unknown }
    Object.defineProperty(globalThis, 'WebSocket', { value: WebSocket, configurable: true, writable: true })
  } catch (cause) {
    throw new MlsError('xmpp/unsupported', 'this Node has no WebSocket: npm install ws, or use xmpp://', { cause })
  }
}

/**
 * Logs in with @xmpp/client, which is loaded only now: over TCP or WebSocket, by the form of `service`.
 * @throws `xmpp/unsupported` when a package is missing; `xmpp/offline` when the server refuses or is not there
 */
export async function loadXmppJs(options: LoginOptions): Promise<Connection> {
  const { service, domain, username, password, resource, mechanism, reconnect = true } = options
  await provideWebSocket(service)
  const { client } = await loadLibrary()
  const credentials =
    mechanism === undefined
      ? { username, password }
      : {
          credentials: async (authenticate: (credentials: object, mechanism: string) => Promise<void>) =>
            await authenticate({ username, password }, mechanism),
        }
  const created = client({ service, domain, ...(resource === undefined ? {} : { resource }), ...credentials })
  if (!reconnect) created.reconnect.stop()
  const port = xmppJs(created, { fetch })
  let refused: unknown
  created.on('error', (error: unknown) => {
    refused = error
  })
  const stop = async (): Promise<void> => {
    created.reconnect.stop()
    await created.stop().catch(() => undefined)
  }
  try {
    await created.start()
  } catch (cause) {
    await stop()
    throw new MlsError('xmpp/offline', 'cannot log in', { cause: refused ?? cause })
  }
  return { port, close: stop }
}
