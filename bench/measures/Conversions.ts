import { Effect } from "effect"
import * as Comparison from "../load/Comparison.ts"
import { Plan } from "../Plan.ts"
import type { Report } from "../Report.ts"
import * as Servers from "../servers/Servers.ts"
import { ratioIn } from "../Statistics.ts"

/** Conversions, each answered once its record is committed; none has an `Idempotency-Key`. */
export const conversions = Effect.gen(function* () {
  const { connections } = yield* Plan
  const rounds = yield* Comparison.compare("conversions", "conversions", {
    effex: yield* Servers.effex(),
    fastify: yield* Servers.peer("fastify")
  })
  const report: Report = {
    rows: [
      {
        work: `conversion with committed audit, ${connections} connections`,
        measure: "requests/s against `fastify`",
        target: { atLeast: 2.5 },
        result: ratioIn(rounds, "effex", "fastify", Comparison.requestsPerSecond)
      }
    ],
    figures: Comparison.figuresOf("conversion", rounds, ["effex", "fastify"])
  }
  return report
})
