// One process of `npm run sim -- --seeds A-B`: runs what it is given, one after the other.
import { type SimOptions, simulate } from './sim-run.ts'

process.on('message', (options: SimOptions) => {
  simulate(options).then(
    (report) => process.send?.(report),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})

// whoever started this is gone
process.on('disconnect', () => process.exit())
