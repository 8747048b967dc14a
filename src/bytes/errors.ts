import { type ErrorCode, type ErrorKind, errorKinds } from './error-codes.ts'

export type { ErrorCode, ErrorKind } from './error-codes.ts'

/** Details of an {@link MlsError}. `rule` is a number of `spec-notes/rules.md`, e.g. `V123` or `R04`. */
export interface ErrorDetails {
  readonly rule?: string
  readonly cause?: unknown
}

/**
 * The one error class of the package. `code` is stable and says what is wrong, `kind` says whose fault it is, `rule` names
 * the violated rule of `spec-notes/rules.md` where there is one. Messages hold no secret, plaintext, identity or key.
 */
export class MlsError extends Error {
  override readonly name = 'MlsError'
  readonly code: ErrorCode
  readonly kind: ErrorKind
  readonly rule: string | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(
      details.rule ? `${message} [${code}, ${details.rule}]` : `${message} [${code}]`,
      details.cause === undefined ? undefined : { cause: details.cause },
    )
    this.code = code
    this.kind = errorKinds[code]
    this.rule = details.rule
  }
}

/** Throws an {@link MlsError} unless `condition` holds. */
export function check(
  condition: boolean,
  code: ErrorCode,
  rule: string | undefined,
  message: string,
): asserts condition {
  if (!condition) throw new MlsError(code, message, rule === undefined ? {} : { rule })
}

/** The error for a state that our own code must never reach. */
export function bug(message: string): MlsError {
  return new MlsError('internal/unreachable', message)
}

/** The element of `list` at `index`; a missing one is our bug, never the peer's. */
export function at<T>(list: ArrayLike<T>, index: number): T {
  const item = list[index]
  if (item === undefined) throw bug('index outside a list')
  return item
}
