import { Effect } from "effect"
import * as Comparison from "../load/Comparison.ts"
import { Plan } from "../Plan.ts"
import type { Report } from "../Report.ts"
import * as Servers from "../servers/Servers.ts"
import { ratioIn } from "../Statistics.ts"

/** Lookups of pairs at random, all of them known. */
export const lookups = Effect.gen(function* () {
  const { connections, pairs } = yield* Plan
  const rounds = yield* Comparison.compare("lookups", "lookups", {
    effex: yield* Servers.effex(),
    fastify: yield* Servers.peer("fastify"),
    raw: yield* Servers.peer("raw")
  })
  const work = `lookup, ${pairs.length} pairs at random, ${connections} connections`
  const report: Report = {
    rows: [
      {
        work,
        measure: "requests/s against `fastify`",
        target: { atLeast: 1.2 },
        result: ratioIn(rounds, "effex", "fastify", Comparison.requestsPerSecond)
      },
      {
        work,
        measure: "requests/s against `raw`",
        target: { atLeast: 0.75 },
        result: ratioIn(rounds, "effex", "raw", Comparison.requestsPerSecond)
      },
      {
        work,
        measure: "p99 against `fastify`",
        target: { atMost: 0.8 },
        result: ratioIn(rounds, "effex", "fastify", Comparison.p99)
      }
    ],
    figures: Comparison.figuresOf("lookup", rounds, ["effex", "fastify", "raw"])
  }
  return report
})
