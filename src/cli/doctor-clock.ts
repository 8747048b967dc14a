import { MlsError } from '../bytes/errors.ts'
import { readArchive } from '../xmpp/archive.ts'
import { freshId, type XmppContext, type XmppPort } from '../xmpp/port.ts'
import { childText, element, elementsOf } from '../xmpp/stanza/element.ts'
import { bareJid, domainOf } from '../xmpp/stanza/jid.ts'
import { iq, message } from '../xmpp/stanza/stanza.ts'
import { buildHint } from '../xmpp/xep/xep-0334.ts'

// XEP-0202: Entity Time
const entityTime = 'urn:xmpp:time'

/**
 * What time it is for the server, in milliseconds since the Unix epoch: as it says itself (XEP-0202), else as its archive
 * stamps a message without content that the account leaves to itself. `undefined` when neither tells.
 * @param probe whether such a message may be left
 */
export async function serverTime(context: XmppContext, probe: boolean): Promise<number | undefined> {
  return (await told(context.port)) ?? (probe ? await stamped(context) : undefined)
}

async function told(port: XmppPort): Promise<number | undefined> {
  try {
    const answer = await port.request(iq('get', { to: domainOf(port.jid) }, element('time', entityTime)))
    const time = elementsOf(answer)[0]
    return instant(time === undefined ? undefined : childText(time, 'utc', entityTime))
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}

async function stamped(context: XmppContext): Promise<number | undefined> {
  const { port, random, timers } = context
  const own = bareJid(port.jid)
  const id = freshId(random)
  try {
    await port.send(message({ to: own, type: 'chat', id }, buildHint('store')))
    // an archive may be written a moment later
    for (let i = 0; i < 5; i++) {
      const { results } = await readArchive(context, own, { max: 5, before: '' })
      const found = results.find((result) => result.message.attrs['id'] === id)
      if (found !== undefined) return instant(found.delay?.stamp)
      await new Promise<void>((resolve) => timers.after(200, resolve))
    }
    return undefined
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}

function instant(text: string | undefined): number | undefined {
  const value = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(value) ? undefined : value
}
