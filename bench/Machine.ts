import { Context, Effect, Layer, type Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
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
    /** Lets a process, and those that it starts, use all cores until the scope ends. */
    readonly withAllCores: (
      pid: number
    ) => Effect.Effect<void, Processes.ProcessFailed, ChildProcessSpawner.ChildProcessSpawner | Scope.Scope>
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
      const allCores = `0-${cores.length - 1}`
      const pin = (pid: number, to: string) =>
        Effect.asVoid(Processes.output(["taskset", "-a", "-c", "-p", to, String(pid)]))
      if (canPin) yield* pin(process.pid, otherCores)
      return Machine.of({
        onServerCore: canPin ? ["taskset", "-c", "0"] : [],
        onAllCores: canPin ? ["taskset", "-c", allCores] : [],
        withAllCores: (pid) =>
          canPin
            ? Effect.acquireRelease(pin(pid, allCores), () => Effect.ignore(pin(pid, otherCores)))
            : Effect.void,
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
