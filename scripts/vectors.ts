/**
 * `npm run vectors`: the official test vectors against the engine, one line a file.
 *
 * ```
 * npm run vectors                          the official files, see vectors/README.md for where they are looked for
 * npm run vectors -- --dir DIR             any folder of files of the same formats
 * npm run vectors -- --generate DIR        writes vectors of our own
 * npm run vectors -- --family treekem      only these families (may be repeated)
 * npm run vectors -- --provider noble      with another provider; wasm by default, with noble for suites 4 to 7
 * ```
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exit, stdout } from 'node:process'
import { Command } from 'commander'
import { officialDigests } from '../vectors/digest.ts'
import { providers, type VectorEngine, vectorEngine } from '../vectors/engine.ts'
import { families, familyName } from '../vectors/families.ts'
import { generateCases, generatedFamilies } from '../vectors/generators.ts'
import { manifest, officialDirectory } from '../vectors/manifest.ts'
import { type CaseFailure, type FileReport, type Published, runFile } from '../vectors/run.ts'

/** A file to run. */
interface Job {
  readonly name: string
  readonly path: string
  readonly published: Published | undefined
}

/** Failures that are shown of each file. */
const shownFailures = 5

const command = new Command('vectors')
  .description('Checks MLS test vectors against the engine.')
  .option('--dir <folder>', 'run the files of a folder, named after their families')
  .option('--generate <folder>', 'write vectors of our own to a folder')
  .option('--family <name...>', 'only these families')
  .option('--provider <name>', `one of: ${[...providers.keys()].join(', ')}`, 'wasm')
  .parse()
const options = command.opts<{ dir?: string; generate?: string; family?: string[]; provider: string }>()

const open = providers.get(options.provider)
if (open === undefined) throw command.error(`no provider is called ${options.provider}`)
for (const name of options.family ?? [])
  if (familyName(name) === undefined) command.error(`no family is called ${name}`)
const wanted = options.family?.map(familyName)

const engine = vectorEngine(await open())
if (options.generate !== undefined) await generate(engine, options.generate)
// what was written is not checked here: `--dir` does that, or another implementation
else exit((await run(engine)) ? 0 : 1)

/** Writes a file for each family. */
async function generate(engine: VectorEngine, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  for (const name of generatedFamilies.filter(isWanted)) {
    const cases = await generateCases(name, engine)
    if (cases === undefined) continue
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(cases, null, 1)}\n`)
    stdout.write(`${name}.json ${cases.length} cases\n`)
  }
}

/** Runs what was asked for. @returns whether everything held */
async function run(engine: VectorEngine): Promise<boolean> {
  const { jobs, missing } = options.dir === undefined ? officialJobs() : folderJobs(options.dir)
  let [passed, failed] = [0, 0]
  for (const job of jobs) {
    const name = familyName(job.name)
    const family = name === undefined ? undefined : families.get(name)
    if (name === undefined || family === undefined) continue
    const report = await runFile(name, job.path, family, engine, job.published)
    print(report)
    passed += report.passed
    failed += report.failures.length
  }
  stdout.write(`${passed} passed, ${failed} failed${missing > 0 ? `, ${missing} files not found` : ''}\n`)
  return failed === 0 && missing === 0 && jobs.length > 0
}

function isWanted(file: string): boolean {
  return wanted === undefined || wanted.includes(familyName(file))
}

/** What was published under a name. */
function publishedFile(name: string, claimed: boolean): Published | undefined {
  const digests = officialDigests().get(name)
  return digests && { digests, claimed }
}

/** The files of the manifest; a line for each that is not there. */
function officialJobs(): { jobs: Job[]; missing: number } {
  const directory = officialDirectory()
  const files = manifest.files.filter(({ name }) => isWanted(name))
  const jobs = files
    .map(({ name }) => ({ name, path: join(directory ?? '', name), published: publishedFile(name, true) }))
    .filter(({ path }) => directory !== undefined && existsSync(path))
  for (const { name } of files)
    if (!jobs.some((job) => job.name === name)) stdout.write(`${name.replace(/\.json$/, '')} not found\n`)
  return { jobs, missing: files.length - jobs.length }
}

/** The files of a folder, or of `mlswg/` inside it. */
function folderJobs(folder: string): { jobs: Job[]; missing: number } {
  const inner = join(folder, 'mlswg')
  const directory = existsSync(inner) ? inner : folder
  if (!existsSync(directory)) command.error(`${folder} not found`)
  const names = readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .sort()
  const jobs = names.filter((name) => familyName(name) !== undefined && isWanted(name))
  for (const name of names) if (familyName(name) === undefined) stdout.write(`${name} passed over: no such family\n`)
  if (jobs.length === 0) stdout.write(`no files of test vectors in ${folder}\n`)
  return {
    jobs: jobs.map((name) => ({ name, path: join(directory, name), published: publishedFile(name, false) })),
    missing: 0,
  }
}

function print({ name, passed, failures, seconds }: FileReport): void {
  const cases = passed + failures.length
  stdout.write(`${name} ${passed}/${cases} ${seconds.toFixed(1)} s\n`)
  for (const failure of failures.slice(0, shownFailures)) stdout.write(`  ${describe(failure)}\n`)
  if (failures.length > shownFailures) stdout.write(`  and ${failures.length - shownFailures} more\n`)
}

function describe({ index, suite, error }: CaseFailure): string {
  const place = index === undefined ? 'the file' : `case ${index}${suite === undefined ? '' : ` (suite ${suite})`}`
  return `${place}: ${error.message}`
}
