import { XmppService } from '../../../src/testing/xmpp/xmpp-service.ts'
import type { Backend } from './backend.ts'

/** The service in this process as a backend. */
export function inProcess(server: 'prosody' | 'ejabberd', kind: 'muc' | 'mix'): () => Promise<Backend> {
  return async () => {
    const domain = 'a.localhost'
    const service = new XmppService({ seed: `conformance ${server} ${kind}`, sites: { [domain]: server } })
    const stop = service.clock.autoRun(2)
    return {
      name: `in-process ${server} ${kind}`,
      kind,
      jid: (user) => `${user}@${domain}`,
      room: (name) => `${name}@${kind === 'muc' ? 'conference' : 'mix'}.${domain}`,
      uploadService: `upload.${domain}`,
      connect: async (user, resource) => {
        const session = service.connect(`${user}@${domain}${resource === undefined ? '' : `/${resource}`}`)
        return {
          context: { port: session, timers: service.clock, random: service.random },
          close: async () => session.disconnect(),
        }
      },
      restart: async () => service.restart(domain),
      wait: async (ms) => await new Promise<void>((resolve) => service.clock.after(ms, resolve)),
      close: async () => stop(),
    }
  }
}
