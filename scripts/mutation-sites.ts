/** Where the source checks a numbered rule, and how to take one check out of it. */

/** One check, with the source that lacks it. */
export interface MutationSite {
  /** The rules that the check reports. */
  readonly ids: readonly string[]
  readonly line: number
  /** `check` or `throw`: the condition never fails. `id`: nothing to disable, the id is replaced. */
  readonly kind: 'check' | 'throw' | 'id'
  readonly mutated: string
}

interface Span {
  readonly start: number
  readonly end: number
}

/** All sites of a file, each once. */
export function mutationSites(source: string): MutationSite[] {
  const code = blankComments(source)
  const calls = [...code.matchAll(/\bcheck\(/g)].map(({ index }) => callSpan(code, index + 'check('.length))
  const throws = [...code.matchAll(/\bthrow (?:new MlsError|reuse|invalid)\(/g)].map(({ index, 0: text }) => ({
    ...callSpan(code, index + text.length),
    keyword: index,
  }))
  const sites = new Map<string, MutationSite>()
  for (const { index, 0: literal } of code.matchAll(/'(?:V\d{3}|R\d{2})'/g)) {
    // a member of a union type is no check
    if (/\|\s*$/.test(code.slice(0, index)) || /^\s*\|(?!\|)/.test(code.slice(index + literal.length))) continue
    const id = literal.slice(1, -1)
    const line = source.slice(0, index).split('\n').length
    const add = (place: number, kind: MutationSite['kind'], mutated: string): void => {
      const known = sites.get(`${kind} ${place}`)
      sites.set(`${kind} ${place}`, { ids: [...(known?.ids ?? []), id], line: known?.line ?? line, kind, mutated })
    }
    const call = innermost(calls, index)
    if (call !== undefined) {
      const comma = topLevelComma(code, call)
      add(
        call.start,
        'check',
        `${source.slice(0, call.start)}true || (${source.slice(call.start, comma)})${source.slice(comma)}`,
      )
      continue
    }
    const thrown = innermost(throws, index)
    const condition = thrown === undefined ? undefined : conditionBefore(code, thrown.keyword)
    if (condition !== undefined) {
      const { start, end } = condition
      add(start, 'throw', `${source.slice(0, start)}false && (${source.slice(start, end)})${source.slice(end)}`)
      continue
    }
    add(index, 'id', `${source.slice(0, index)}'V000'${source.slice(index + literal.length)}`)
  }
  return [...sites.values()]
}

function innermost<S extends Span>(spans: readonly S[], index: number): S | undefined {
  return spans.filter(({ start, end }) => start <= index && index < end).at(-1)
}

/** From after an opening bracket to its closing one. */
function callSpan(code: string, start: number): Span {
  let depth = 1
  let i = start
  for (; i < code.length; i++) {
    if ('([{'.includes(code[i] as string)) depth++
    if (')]}'.includes(code[i] as string) && --depth === 0) break
  }
  return { start, end: i }
}

function topLevelComma(code: string, { start, end }: Span): number {
  let depth = 0
  for (let i = start; i < end; i++) {
    if ('([{'.includes(code[i] as string)) depth++
    if (')]}'.includes(code[i] as string)) depth--
    if (code[i] === ',' && depth === 0) return i
  }
  return end
}

/** The condition of an `if` whose statement begins at `place`. */
function conditionBefore(code: string, place: number): Span | undefined {
  let end = place - 1
  while (end > 0 && /[\s{]/.test(code[end] as string)) end--
  if (code[end] !== ')') return undefined
  let depth = 0
  let start = end
  for (; start >= 0; start--) {
    if (code[start] === ')') depth++
    if (code[start] === '(' && --depth === 0) break
  }
  return /\bif\s*$/.test(code.slice(0, start)) ? { start: start + 1, end } : undefined
}

/** The source with comments as blanks and brackets in strings as dots; every other character stays in its place. */
function blankComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'/g, (text) =>
    text.startsWith("'") ? text.replace(/[()[\]{},]/g, '.') : text.replace(/[^\n]/g, ' '),
  )
}
