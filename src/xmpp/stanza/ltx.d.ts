/** The parts of ltx 3.1 that this folder uses; the package ships no types. */
declare module 'ltx/src/parsers/ltx.js' {
  export default class SaxLtx {
    on(event: 'startElement', listener: (name: string, attrs: Record<string, string>) => void): this
    on(event: 'endElement', listener: (name: string, selfClosing: boolean) => void): this
    on(event: 'text', listener: (text: string) => void): this
    write(data: string): void
    end(data?: string): void
  }
}

declare module 'ltx' {
  export class Element {
    constructor(name: string, attrs?: Record<string, string>)
    name: string
    attrs: Record<string, unknown>
    children: (Element | string | number | null)[]
    append(...nodes: (Element | string)[]): void
    toString(): string
  }
  export function escapeXML(text: string): string
  export function escapeXMLText(text: string): string
}
