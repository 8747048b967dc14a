import { MlsError } from '../bytes/errors.ts'

/**
 * The life of an open store: open, then closed, fenced or failed for good. Drivers ask before each call and report what
 * went wrong; typed errors pass, anything else becomes one through the driver's own translation.
 */
export class Handle {
  #end: MlsError | undefined
  readonly #translate: (cause: unknown) => MlsError

  /** `translate` makes a typed error of what the library below throws. */
  constructor(translate: (cause: unknown) => MlsError) {
    this.#translate = translate
  }

  /** Whether nothing has ended the handle. */
  get usable(): boolean {
    return this.#end === undefined
  }

  /**
   * Passes while the handle is usable.
   * @throws `storage/closed`, or `storage/fenced` or `storage/io` when one of them came before
   */
  check(): void {
    if (this.#end !== undefined) throw new MlsError(this.#end.code, this.#end.message.replace(/ \[.*\]$/, ''))
  }

  /** Ends the handle; the first end counts. */
  end(error: MlsError): void {
    this.#end ??= error
  }

  /** Ends the handle because its user closed it. */
  close(): void {
    this.end(new MlsError('storage/closed', 'the store is closed'))
  }

  /** The typed error for what a read threw. Reading again may succeed, so that it ends nothing. */
  readError(cause: unknown): MlsError {
    return cause instanceof MlsError ? cause : this.#translate(cause)
  }

  /** The typed error for what a batch threw. A failed medium or a lost fence ends the handle: its user must open again. */
  writeError(cause: unknown): MlsError {
    const error = this.readError(cause)
    if (error.code === 'storage/fenced' || error.code === 'storage/io' || error.code === 'storage/damaged')
      this.end(error)
    return error
  }
}
