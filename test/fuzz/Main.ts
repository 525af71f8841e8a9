import "effect/schema/SchemaJITCompiler/enable"
import { NodeHttpClient, NodeRuntime, NodeServices } from "@effect/platform-node"
import { Cause, Console, Duration, Effect, Option, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import * as RequestDraft from "./RequestDraft.ts"
import * as Fuzzer from "./Fuzzer.ts"
import * as Report from "./Report.ts"
import * as Target from "./Target.ts"

/** The server broke promises. */
class Violated extends Schema.TaggedError<Violated>()("Violated", { kinds: Schema.Int }) {
  override get message(): string {
    return `${this.kinds} kinds of violations`
  }
}

const whole = (name: string, meaning: string, fallback: number) =>
  Flag.Int(name).pipe(
    Flag.withDescription(`${meaning}; ${fallback} without it`),
    Flag.filter(
      (count) => count >= 1,
      (count) => `${count} is below 1`
    ),
    Flag.withDefault(fallback)
  )

const command = Command.make(
  "fuzz",
  {
    requests: whole("requests", "How many requests to send", 100_000),
    seed: Flag.String("seed").pipe(
      Flag.withDescription(
        "The same seed makes the same requests, but for what earlier answers told; 1 without it"
      ),
      Flag.withDefault("1")
    ),
    connections: whole("connections", "How many requests to send at once", 16),
    url: Flag.String("url").pipe(
      Flag.withDescription(
        "The server to ask, which will keep what it is asked to; one of its own without it"
      ),
      Flag.optional
    ),
    key: Flag.String("key").pipe(
      Flag.withDescription("A key of that server, with every scope; none is shown without it"),
      Flag.optional
    )
  },
  Effect.fn(function* ({ connections, key, requests, seed, url }) {
    const target = Option.isSome(url)
      ? Target.elsewhere(url.value, Option.getOrUndefined(key))
      : yield* Target.start
    const progress = (done: number, kinds: number) =>
      Console.log(`${done} of ${requests} requests, ${kinds} kinds of violations`)
    const [took, report] = yield* Effect.timed(Fuzzer.run({ target, requests, seed, connections, progress }))
    yield* print(report, seed)
    yield* Console.log(`It took ${Math.round(Duration.toSeconds(took))} s`)
    if (report.violations.size > 0) return yield* new Violated({ kinds: report.violations.size })
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Ask a server everything that its OpenAPI document offers, right, wrong and hostile"
  ),
  Command.withExamples([
    { command: "npm run fuzz -- --requests 100000 --seed 42", description: "A server of its own" },
    { command: "npm run fuzz -- --url http://127.0.0.1:8000", description: "One that runs already" }
  ])
)

const print = Effect.fnUntraced(function* (
  report: Effect.Success<ReturnType<typeof Fuzzer.run>>,
  seed: string
) {
  for (const { detail, kind, sent, times } of report.violations.values()) {
    const from = sent === undefined ? "" : `, first by request ${sent.number} of seed ${seed}`
    yield* Console.log(`\nVIOLATION ${kind}\n  ${times} times${from}\n  ${detail}`)
    if (sent !== undefined) yield* Console.log(`  ${RequestDraft.reproduce(sent, report.address)}`)
  }
  const { memory, repeated, requests, slowest } = report
  yield* Console.log(`\n${Report.tableOf(report)}\n`)
  yield* Console.log(
    `${requests} requests; the slowest answer took ${Math.round(slowest.millis)} ms (${slowest.name})`
  )
  const again = Array.from(repeated, ([outcome, times]) => `${times} times after ${outcome}`)
  yield* Console.log(`Asked again: ${again.join(", ") || "nothing"}`)
  if (Option.isSome(memory))
    yield* Console.log(`The server held ${memory.value.from} MiB before and ${memory.value.to} MiB after`)
})

const isTold = Schema.is(Schema.Union([Violated, Target.NoTarget]))

NodeRuntime.runMain(
  Command.run(command, { version: "1" }).pipe(
    Effect.tapCause((cause) => {
      const error = Cause.squash(cause)
      if (CliError.isCliError(error)) return Effect.void
      return Console.error(isTold(error) ? error.message : Cause.pretty(cause))
    }),
    Effect.provide([NodeServices.layer, NodeHttpClient.layerUndici])
  ),
  { disableErrorReporting: true }
)
