import { Context, Effect, Layer } from "effect"
import { cpus, totalmem } from "node:os"
import * as Processes from "./Processes.ts"

/** Assigns the cores of the machine to the server, the load and the stores. */
export class Machine extends Context.Service<
  Machine,
  {
    /** Command prefix that pins a measured server to its core. */
    readonly onServerCore: ReadonlyArray<string>
    /** Command prefix that lets a server use all cores. */
    readonly onAllCores: ReadonlyArray<string>
    /** Describes the hardware and the pinning, one fact per line. */
    readonly description: ReadonlyArray<string>
  }
>()("effex/bench/Machine") {
  /**
   * The server has the first core. The load, PostgreSQL and Redis share the others: this process is moved there, and its
   * children inherit the affinity.
   */
  static readonly layer = Layer.effect(
    Machine,
    Effect.gen(function* () {
      const cores = cpus()
      const canPin = cores.length > 1 && (yield* Processes.has("taskset"))
      const otherCores = cores.length === 2 ? "1" : `1-${cores.length - 1}`
      if (canPin) yield* Processes.output(["taskset", "-a", "-c", "-p", otherCores, String(process.pid)])
      return Machine.of({
        onServerCore: canPin ? ["taskset", "-c", "0"] : [],
        onAllCores: canPin ? ["taskset", "-c", `0-${cores.length - 1}`] : [],
        description: [
          `${cores.length} cores, ${cores[0]?.model.trim() ?? "unknown"}; ${Math.round(totalmem() / 2 ** 30)} GB; Node ${process.versions.node} on ${process.platform}`,
          canPin
            ? `the server on core 0; the load, PostgreSQL and Redis on ${otherCores} (taskset)`
            : "no pinning: taskset is missing, or there is only one core"
        ]
      })
    })
  )
}
