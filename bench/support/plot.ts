/** Line plots as SVG, with logarithmic axes. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A line; points are pairs of x and y, both above 0. */
export interface Series {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

/** A plot. */
export interface Plot {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly series: readonly Series[]
  /** Under the plot: the machine and the command. */
  readonly note: string
}

const [width, height, left, right, top, bottom] = [720, 420, 76, 150, 44, 76]
const colours = ['#2563eb', '#dc2626', '#059669', '#d97706', '#7c3aed', '#475569']

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** Powers of ten around the values. */
function decades(values: readonly number[]): readonly [low: number, high: number] {
  const low = Math.floor(Math.log10(Math.min(...values)))
  return [low, Math.max(Math.ceil(Math.log10(Math.max(...values))), low + 1)]
}

const label = (value: number): string =>
  value >= 1 ? value.toLocaleString('en') : String(Number(value.toPrecision(1)))

/** The plot as SVG text. */
export function renderPlot({ title, x, y, series, note }: Plot): string {
  const points = series.flatMap((one) => one.points)
  const [xLow, xHigh] = decades(points.map(([value]) => value))
  const [yLow, yHigh] = decades(points.map(([, value]) => value))
  const across = (value: number): number =>
    left + ((Math.log10(value) - xLow) / (xHigh - xLow)) * (width - left - right)
  const up = (value: number): number =>
    height - bottom - ((Math.log10(value) - yLow) / (yHigh - yLow)) * (height - top - bottom)
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${left}" y="24" font-size="15" font-weight="bold">${escaped(title)}</text>`,
  ]
  const text = (at: readonly [number, number], anchor: string, content: string, more = ''): void => {
    parts.push(
      `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" text-anchor="${anchor}"${more}>${escaped(content)}</text>`,
    )
  }
  const line = (x1: number, y1: number, x2: number, y2: number): void => {
    const ends = [x1, y1, x2, y2].map((value) => value.toFixed(1))
    parts.push(`<path d="M${ends[0]} ${ends[1]}L${ends[2]} ${ends[3]}" stroke="#d4d4d8"/>`)
  }
  for (let decade = xLow; decade <= xHigh; decade++) {
    const at = across(10 ** decade)
    line(at, top, at, height - bottom)
    text([at, height - bottom + 18], 'middle', label(10 ** decade))
  }
  for (let decade = yLow; decade <= yHigh; decade++) {
    const at = up(10 ** decade)
    line(left, at, width - right, at)
    text([left - 8, at + 4], 'end', label(10 ** decade))
  }
  text([(left + width - right) / 2, height - bottom + 40], 'middle', x)
  text([18, (top + height - bottom) / 2], 'middle', y, ` transform="rotate(-90 18 ${(top + height - bottom) / 2})"`)
  text([left, height - 10], 'start', note, ' font-size="10" fill="#52525b"')
  for (const [i, { name, points: own }] of series.entries()) {
    const colour = colours[i % colours.length]
    const at = own.map(([px, py]) => [across(px), up(py)] as const)
    const path = at.map(([px, py], k) => `${k === 0 ? 'M' : 'L'}${px.toFixed(1)} ${py.toFixed(1)}`).join('')
    parts.push(`<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`)
    for (const [px, py] of at)
      parts.push(`<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="3" fill="${colour}"/>`)
    const last = at.at(-1)
    if (last !== undefined) text([width - right + 10, top + 14 + 18 * i], 'start', name, ` fill="${colour}"`)
  }
  return `${parts.join('\n')}\n</svg>\n`
}

/** Writes `bench/results/NAME.svg`. */
export function writePlot(name: string, plot: Plot): void {
  const folder = join(import.meta.dirname, '..', 'results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${name}.svg`), renderPlot(plot))
}
