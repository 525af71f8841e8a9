import { Effect } from "effect"
import * as Comparison from "../load/Comparison.ts"
import { Plan } from "../Plan.ts"
import type { Report } from "../Report.ts"
import * as Servers from "../servers/Servers.ts"
import { ratioOf } from "../Statistics.ts"

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
        unit: "",
        target: { atLeast: 1.2 },
        result: ratioOf(
          rounds,
          ({ effex }) => effex.requestsPerSecond,
          ({ fastify }) => fastify.requestsPerSecond
        )
      },
      {
        work,
        measure: "requests/s against `raw`",
        unit: "",
        target: { atLeast: 0.75 },
        result: ratioOf(
          rounds,
          ({ effex }) => effex.requestsPerSecond,
          ({ raw }) => raw.requestsPerSecond
        )
      },
      {
        work,
        measure: "p99 against `fastify`",
        unit: "",
        target: { atMost: 0.8 },
        result: ratioOf(
          rounds,
          ({ effex }) => effex.p99,
          ({ fastify }) => fastify.p99
        )
      }
    ],
    figures: Comparison.figuresOf("lookup", rounds)
  }
  return report
})
