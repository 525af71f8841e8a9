import { Context, Effect, Layer } from "effect"
import { cpus, totalmem } from "node:os"
import * as Processes from "./Processes.ts"

/** How the cores are shared out. */
export class Machine extends Context.Service<
  Machine,
  {
    /** Stands before the command of a server that is measured. */
    readonly onServerCore: ReadonlyArray<string>
    /** Stands before the command of a server that may use all that there is. */
    readonly onAllCores: ReadonlyArray<string>
    /** What it is, and what runs where, in lines. */
    readonly description: ReadonlyArray<string>
  }
>()("effex/bench/Machine") {
  /**
   * The first core is the server's. The others are the load's, and those of Postgres and Redis: this process is moved
   * there, and all that it starts stays there unless it is told otherwise.
   */
  static readonly layer = Layer.effect(
    Machine,
    Effect.gen(function* () {
      const all = cpus()
      const pins = all.length > 1 && (yield* Processes.has("taskset"))
      const others = all.length === 2 ? "1" : `1-${all.length - 1}`
      if (pins) yield* Processes.output(["taskset", "-a", "-c", "-p", others, String(process.pid)])
      return Machine.of({
        onServerCore: pins ? ["taskset", "-c", "0"] : [],
        onAllCores: pins ? ["taskset", "-c", `0-${all.length - 1}`] : [],
        description: [
          `${all.length} cores, ${all[0]?.model.trim() ?? "unknown"}; ${Math.round(totalmem() / 2 ** 30)} GB; Node ${process.versions.node} on ${process.platform}`,
          pins
            ? `the server on core 0; the load, Postgres and Redis on ${others} (taskset)`
            : "nothing is pinned to a core: there is no taskset, or only one core"
        ]
      })
    })
  )
}
