import { Context, Effect, Layer } from "effect"
import * as Processes from "../Processes.ts"
import * as Autocannon from "./Autocannon.ts"
import { InvalidRound } from "./InvalidRound.ts"
import type { LoadOptions, LoadResult } from "./LoadResult.ts"
import * as Wrk from "./Wrk.ts"

/** Load generator: `wrk` if it is on the `PATH`, else autocannon. */
export class Load extends Context.Service<
  Load,
  {
    readonly name: string
    /** Applies load for some seconds. Fails if any request fails. */
    readonly run: (options: LoadOptions) => Effect.Effect<LoadResult, InvalidRound | Processes.ProcessFailed>
  }
>()("effex/bench/load/Load") {
  static readonly layer = Layer.effect(
    Load,
    Effect.gen(function* () {
      const tool = (yield* Processes.has("wrk")) ? yield* Wrk.make : Autocannon.tool
      return Load.of({
        name: tool.name,
        run: (options) =>
          Effect.flatMap(tool.run(options), ({ failures, ...result }) =>
            failures > 0
              ? Effect.fail(new InvalidRound({ url: options.url, failures }))
              : Effect.succeed(result)
          )
      })
    })
  )
}
