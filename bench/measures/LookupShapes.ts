import { Effect } from "effect"
import * as Comparison from "../load/Comparison.ts"
import { Plan } from "../Plan.ts"
import type { Report, Row } from "../Report.ts"
import * as ApiKey from "../servers/ApiKey.ts"
import * as Collector from "../servers/Collector.ts"
import * as Servers from "../servers/Servers.ts"
import { ratioIn } from "../Statistics.ts"

/** Fraction of the traces that is exported. */
const SAMPLING_RATIO = "0.01"

/** Measures lookups as production sends them, relative to plain ones: through a proxy, with an API key, and traced. */
export const lookupShapes = Effect.gen(function* () {
  const { connections } = yield* Plan
  const plain = yield* Servers.effex()
  const key = yield* ApiKey.create(plain.database)
  const proxied = yield* Servers.effex({ TRUSTED_PROXIES: "127.0.0.1" })
  const traced = yield* Servers.effex({
    OTEL_EXPORTER_OTLP_ENDPOINT: yield* Collector.listen,
    OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
    OTEL_TRACES_SAMPLER_ARG: SAMPLING_RATIO
  })
  const rounds = yield* Comparison.compare("lookup shapes", "lookups", {
    plain,
    proxied: { ...proxied, headers: { "x-forwarded-for": "203.0.113.7" } },
    keyed: { ...plain, headers: { authorization: `Bearer ${key}` } },
    traced
  })
  const row = (workload: string, name: keyof (typeof rounds)[number]): Row => ({
    workload: `${workload}, ${connections} connections`,
    measure: "requests/s relative to plain lookups",
    target: { atLeast: 0.8 },
    result: ratioIn(rounds, name, "plain", Comparison.requestsPerSecond)
  })
  const report: Report = {
    rows: [
      row("lookup through a trusted proxy", "proxied"),
      row("lookup with an API key", "keyed"),
      row(`lookup with ${Number(SAMPLING_RATIO) * 100} % of the traces sampled`, "traced")
    ],
    figures: Comparison.figuresOf("lookup shapes", rounds, ["plain", "proxied", "keyed", "traced"])
  }
  return report
})
