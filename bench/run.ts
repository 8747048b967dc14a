/** `npm run bench -- NAME [arguments]`: prints a table and writes `bench/results/NAME.json`. */
import { readdirSync } from 'node:fs'

const own = new Set(['run', 'report'])
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3))
  .filter((name) => !own.has(name))
const [name, ...args] = process.argv.slice(2)
if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run bench -- NAME [arguments]\nbenches: ${names.join(', ')}`)
  process.exitCode = 2
} else {
  const bench = (await import(`./${name}.ts`)) as { run(args: readonly string[]): Promise<void> }
  await bench.run(args)
}
