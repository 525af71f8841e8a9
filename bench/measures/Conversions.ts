import { Effect } from "effect"
import * as Comparison from "../load/Comparison.ts"
import { Plan } from "../Plan.ts"
import type { Report } from "../Report.ts"
import * as Servers from "../servers/Servers.ts"
import { ratioIn } from "../Statistics.ts"

/**
 * Measures conversions whose audit record is committed before the response. With an `Idempotency-Key` only effex is
 * measured, because the peers do not implement one.
 */
export const conversions = Effect.gen(function* () {
  const { connections } = yield* Plan
  const effex = yield* Servers.effex()
  const rounds = yield* Comparison.compare("conversions", "conversions", {
    effex,
    "effex, keyed": { ...effex, kind: "keyed conversions" },
    fastify: yield* Servers.peer("fastify")
  })
  const report: Report = {
    rows: [
      {
        workload: `conversion with committed audit, ${connections} connections`,
        measure: "requests/s relative to `fastify`",
        target: { atLeast: 2.5 },
        result: ratioIn(rounds, "effex", "fastify", Comparison.requestsPerSecond)
      },
      {
        workload: `conversion with an \`Idempotency-Key\`, ${connections} connections`,
        measure: "requests/s relative to `fastify` without one",
        result: ratioIn(rounds, "effex, keyed", "fastify", Comparison.requestsPerSecond)
      }
    ],
    figures: Comparison.figuresOf("conversion", rounds, ["effex", "effex, keyed", "fastify"])
  }
  return report
})
