import { expect } from 'vitest'
import { toHex } from '../../../src/bytes/text.ts'
import { identityNodes, type VerifiedManifest, verifyManifest } from '../../../src/identity.ts'
import { parseBytes } from '../../../src/xmpp/identity/wire.ts'
import type { XmppPort } from '../../../src/xmpp/index.ts'
import { defaultSuite } from '../../../src/xmpp/mls/open-device.ts'
import { fetchPep } from '../../../src/xmpp/pep/pep-fetch.ts'

/**
 * Reads the nodes as a stranger: from the current manifest every step leads to the first one, and nothing in the log is
 * beside the way. Returns the current one.
 */
export async function walkedLog(port: XmppPort, account: string, least = 1): Promise<VerifiedManifest> {
  const suite = await defaultSuite()
  const read = async (node: string) => {
    const found = await fetchPep(port, account, node, { max: 200 })
    return (found.kind === 'items' ? found.items : []).flatMap(({ payload }) => {
      const bytes = parseBytes('manifest', payload)
      return bytes === undefined ? [] : [verifyManifest(suite, bytes)]
    })
  }
  const [current] = await read(identityNodes.manifest)
  const log = new Map((await read(identityNodes.log)).map((one) => [toHex(one.hash), one]))
  const reached = new Set<string>()
  const open = [toHex(current!.hash)]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (reached.has(name)) continue
    reached.add(name)
    const manifest = log.get(name)
    expect(manifest, 'a gap in the chain').toBeDefined()
    if (manifest!.seq > 0n) open.push(toHex(manifest!.prevHash), ...manifest!.mergedParents.map(toHex))
  }
  expect(
    [...log.keys()].filter((name) => !reached.has(name)),
    'an update that was lost',
  ).toEqual([])
  expect(log.size).toBeGreaterThanOrEqual(least)
  return current!
}
