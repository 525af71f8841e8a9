import { Effect } from "effect"
import * as Comparison from "../load/Comparison.ts"
import { Plan } from "../Plan.ts"
import type { Report } from "../Report.ts"
import * as Servers from "../servers/Servers.ts"
import { ratioIn } from "../Statistics.ts"

/** Measures lookups of random pairs, all in memory. */
export const lookups = Effect.gen(function* () {
  const { connections, pairs } = yield* Plan
  const rounds = yield* Comparison.compare("lookups", "lookups", {
    effex: yield* Servers.effex(),
    fastify: yield* Servers.peer("fastify"),
    raw: yield* Servers.peer("raw")
  })
  const workload = `lookup, ${pairs.length} pairs at random, ${connections} connections`
  const report: Report = {
    rows: [
      {
        workload,
        measure: "requests/s relative to `fastify`",
        target: { atLeast: 1.2 },
        result: ratioIn(rounds, "effex", "fastify", Comparison.requestsPerSecond)
      },
      {
        workload,
        measure: "requests/s relative to `raw`",
        target: { atLeast: 0.75 },
        result: ratioIn(rounds, "effex", "raw", Comparison.requestsPerSecond)
      },
      {
        workload,
        measure: "p99 relative to `fastify`",
        target: { atMost: 0.8 },
        result: ratioIn(rounds, "effex", "fastify", Comparison.p99)
      }
    ],
    figures: Comparison.figuresOf("lookup", rounds, ["effex", "fastify", "raw"])
  }
  return report
})
