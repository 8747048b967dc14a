import { MlsError } from '../bytes/errors.ts'
import { harmless } from './paint.ts'

/** What went wrong, in one line for a person: the sentence of the error, then what the layer below said. */
export function sentenceOf(error: unknown): string {
  const parts: string[] = []
  for (let at: unknown = error; at instanceof Error && parts.length < 3; at = at.cause) {
    const text = textOf(at)
    if (!parts.includes(text)) parts.push(text)
  }
  return parts.length === 0 ? 'something that is no error was thrown' : harmless(parts.join(': ')).slice(0, 400)
}

function textOf(error: Error): string {
  if (error instanceof MlsError) return error.message
  const { condition, code } = error as Error & { condition?: unknown; code?: unknown }
  if (typeof condition === 'string') return condition
  if (error.message !== '') return error.message
  return typeof code === 'string' ? code : error.name
}
