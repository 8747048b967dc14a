type X509Library = typeof import('@peculiar/x509')

/** What the library's container asks of the global `Reflect` while it is loaded; the proposal behind it never became a standard. */
const metadata = {
  defineMetadata: () => undefined,
  getMetadata: () => undefined,
  getOwnMetadata: () => undefined,
}

/**
 * Loads @peculiar/x509 when the first X.509 service is made, so that nobody else pays for it.
 *
 * The library refuses to load without a polyfill of `Reflect.getMetadata`, which it calls for constructor arguments that
 * none of its classes has. Answers of "no metadata" are lent to the global for the time of loading and taken back, so that
 * a real polyfill of the application neither is replaced nor finds a half one in its place.
 */
export async function loadX509Library(): Promise<X509Library> {
  const lent = Object.entries(metadata).filter(([name]) => !(name in Reflect))
  for (const [name, value] of lent) Object.defineProperty(Reflect, name, { value, configurable: true, writable: true })
  try {
    return await import('@peculiar/x509')
  } finally {
    for (const [name, value] of lent) if (Reflect.get(Reflect, name) === value) Reflect.deleteProperty(Reflect, name)
  }
}
