import { Session } from 'node:inspector'

/**
 * Every byte string that can be reached from `value`, as hexadecimal, private fields and Map entries included; sorted. The
 * debugger's view of the heap is used, since no JavaScript code can look into private fields. `skip` are not entered.
 */
export function byteStrings(value: object, ...skip: readonly object[]): string[] {
  const session = new Session()
  session.connect()
  const found: string[] = []
  const scope = globalThis as unknown as { graphSeen?: Set<object>; graphRoot?: object; graphVisit?: () => string }
  try {
    scope.graphSeen = new Set<object>(skip)
    scope.graphRoot = value
    scope.graphVisit = function visit(this: object): string {
      const seen = scope.graphSeen as Set<object>
      if (seen.has(this)) return 'seen'
      seen.add(this)
      return this instanceof Uint8Array ? `bytes ${Buffer.from(this).toString('hex')}` : 'open'
    }
    const { result } = post(session, 'Runtime.evaluate', { expression: 'graphRoot' })
    const visit = post(session, 'Runtime.evaluate', { expression: 'graphVisit.toString()' })
    if (visit.result?.type !== 'string') throw new Error('no debugger')
    const queue = [result?.objectId]
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      const answer = post(session, 'Runtime.callFunctionOn', {
        objectId: id,
        functionDeclaration: 'function () { return graphVisit.call(this) }',
      }).result?.value as string
      if (answer.startsWith('bytes ')) found.push(answer.slice(6))
      if (answer !== 'open') continue
      const properties = post(session, 'Runtime.getProperties', { objectId: id, ownProperties: true })
      for (const list of [properties.result, properties.privateProperties, properties.internalProperties])
        for (const property of Array.isArray(list) ? list : [])
          if (property.name !== '[[Prototype]]' && property.name !== '[[Scopes]]' && property.value?.objectId)
            queue.push(property.value.objectId)
    }
  } finally {
    delete scope.graphSeen
    delete scope.graphRoot
    delete scope.graphVisit
    session.disconnect()
  }
  return found.filter((hex) => hex !== '').sort()
}

interface Remote {
  readonly type?: string
  readonly value?: unknown
  readonly objectId?: string
}
interface Property {
  readonly name: string
  readonly value?: Remote
}
interface Answer {
  readonly result?: Remote & Property[]
  readonly privateProperties?: Property[]
  readonly internalProperties?: Property[]
}

function post(session: Session, method: string, parameters: object): Answer {
  let answer: Answer | undefined
  session.post(method, parameters, (error, result) => {
    if (error) throw error
    answer = result as Answer
  })
  if (answer === undefined) throw new Error('the debugger answers later')
  return answer
}
