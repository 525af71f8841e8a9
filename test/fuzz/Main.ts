import "effect/schema/SchemaJITCompiler/enable"
import { NodeHttpClient, NodeRuntime, NodeServices } from "@effect/platform-node"
import { Cause, Console, Duration, Effect, Option, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import * as RequestDraft from "./requests/RequestDraft.ts"
import * as Fuzzer from "./Fuzzer.ts"
import * as Report from "./Report.ts"
import * as Target from "./Target.ts"

/** The server violated its contract. */
class ContractViolated extends Schema.TaggedError<ContractViolated>()("ContractViolated", {
  kinds: Schema.Int
}) {
  override get message(): string {
    return `${this.kinds} kinds of violations`
  }
}

const positiveInt = (name: string, description: string, defaultValue: number) =>
  Flag.Int(name).pipe(
    Flag.withDescription(`${description}; ${defaultValue} by default`),
    Flag.filter(
      (count) => count >= 1,
      (count) => `${count} is below 1`
    ),
    Flag.withDefault(defaultValue)
  )

const command = Command.make(
  "fuzz",
  {
    requests: positiveInt("requests", "Number of requests", 100_000),
    seed: Flag.String("seed").pipe(
      Flag.withDescription(
        "Seed of the requests. The same seed generates the same requests, except for values from earlier responses; 1 by default"
      ),
      Flag.withDefault("1")
    ),
    connections: positiveInt("connections", "Number of concurrent connections", 16),
    url: Flag.String("url").pipe(
      Flag.withDescription(
        "Server to test; it keeps all data that the requests create. By default the fuzzer starts its own server"
      ),
      Flag.optional
    ),
    key: Flag.String("key").pipe(
      Flag.withDescription("API key of that server with every scope; by default requests have no key"),
      Flag.optional
    )
  },
  Effect.fn(function* ({ connections, key, requests, seed, url }) {
    const target = Option.isSome(url)
      ? Target.existing(url.value, Option.getOrUndefined(key))
      : yield* Target.start
    const printed = new Set<string>()
    const progress = Effect.fnUntraced(function* (report: Report.Report) {
      const found = Array.from(report.violations.values()).filter(({ kind }) => !printed.has(kind))
      for (const violation of found) {
        printed.add(violation.kind)
        yield* printViolation(violation, target, seed)
      }
      const kinds = report.violations.size
      yield* Console.log(`${report.requests} of ${requests} requests, ${kinds} kinds of violations`)
    })
    const [elapsed, report] = yield* Effect.timed(
      Fuzzer.run({ target, requests, seed, connections, progress })
    )
    yield* progress(report)
    yield* printSummary(report)
    yield* Console.log(`Finished in ${Math.round(Duration.toSeconds(elapsed))} s`)
    if (report.violations.size > 0) return yield* new ContractViolated({ kinds: report.violations.size })
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Send valid, invalid and hostile requests from a server's OpenAPI document, and check every response"
  ),
  Command.withExamples([
    { command: "npm run fuzz -- --requests 100000 --seed 42", description: "Start a server and fuzz it" },
    { command: "npm run fuzz -- --url http://127.0.0.1:8000", description: "Fuzz a running server" }
  ])
)

const printViolation = Effect.fnUntraced(function* (
  { detail, kind, sent }: Report.Violation,
  target: Target.Target,
  seed: string
) {
  const origin = sent === undefined ? "" : `\n  by request ${sent.number} of seed ${seed}`
  yield* Console.log(`\nVIOLATION ${kind}${origin}\n  ${detail}`)
  if (sent !== undefined) yield* Console.log(`  ${RequestDraft.reproduce(sent, Target.addressOf(target))}`)
})

const printSummary = Effect.fnUntraced(function* (report: Effect.Success<ReturnType<typeof Fuzzer.run>>) {
  for (const { kind, times } of report.violations.values()) yield* Console.log(`${times} times: ${kind}`)
  const { memory, requests, retries, slowest, unsuccessful } = report
  yield* Console.log(`\n${Report.tableOf(report)}\n`)
  yield* Console.log(
    `${requests} requests; the slowest response took ${Math.round(slowest.millis)} ms (${slowest.name})`
  )
  yield* Console.log(`Operations without a 2xx response: ${unsuccessful.length || "none"}`)
  for (const name of unsuccessful) yield* Console.log(`  ${name}`)
  const reasons = Array.from(retries, ([outcome, times]) => `${times} after ${outcome}`)
  yield* Console.log(`Retries: ${reasons.join(", ") || "none"}`)
  if (Option.isSome(memory))
    yield* Console.log(`Server memory: ${memory.value.before} MiB before, ${memory.value.after} MiB after`)
})

const isExpected = Schema.is(Schema.Union([ContractViolated, Target.TargetUnavailable]))

NodeRuntime.runMain(
  Command.run(command, { version: "1" }).pipe(
    Effect.tapCause((cause) => {
      const error = Cause.squash(cause)
      if (CliError.isCliError(error)) return Effect.void
      return Console.error(isExpected(error) ? error.message : Cause.pretty(cause))
    }),
    Effect.provide([NodeServices.layer, NodeHttpClient.layerUndici])
  ),
  { disableErrorReporting: true }
)
