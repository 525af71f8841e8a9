import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Effex from "../support/Effex.ts"
import { membersOf } from "../support/TestServer.ts"

const start = Effect.gen(function* () {
  const { env } = yield* Effex.makeSandbox({ POLL_INTERVAL: "1 second", POLL_SPACING: "0 millis" })
  const server = yield* Effex.serve(env)
  yield* server.written(/44 refreshed/)
  const { port } = new URL(server.url)
  /** As someone without the settings of a server asks, who knows its port. */
  const rates = (...args: ReadonlyArray<string>) => Effex.run(["rates", ...args], { PORT: port })
  return { env, port, rates, server }
})

const RATE = String.raw`\d+(\.\d+)?`

describe("effex rates", () => {
  it.live(
    "prints the known rates of a server, for people and for programs",
    () =>
      Effect.gen(function* () {
        const { rates, server } = yield* start
        const all = yield* rates()
        assert.strictEqual(yield* all.ended, 0, all.output())
        assert.lengthOf(all.output().trimEnd().split("\n"), 45)
        assert.match(all.output(), new RegExp(`^USD:NGN +${RATE} +\\ds +sandbox$`, "m"))
        const some = yield* rates("usd:ngn", "GBP:KES", "--url", `${server.url}/`, "--json")
        assert.strictEqual(yield* some.ended, 0, some.output())
        const known = membersOf(some.output())["rates"]
        assert.isTrue(Array.isArray(known) && known.length === 2 && known[0].to === "NGN")
      }).pipe(Effect.scoped),
    60_000
  )

  it.live(
    "tells every change in a line, goes on when the server was away, and stops with code 0",
    () =>
      Effect.gen(function* () {
        const { env, port, rates, server } = yield* start
        const watching = yield* rates("--watch", "USD:NGN")
        const json = yield* rates("--watch", "--json", "USD:NGN")
        yield* watching.written(new RegExp(`^[-\\dT:.]+Z USD:NGN ${RATE} - sandbox$`, "m"))
        yield* watching.written(new RegExp(`^[-\\dT:.]+Z USD:NGN ${RATE} [▲▼] [+-]${RATE} sandbox$`, "m"))
        const [line = ""] = yield* json.written(/^.*\n/)
        assert.deepInclude(membersOf(line), { from: "USD", to: "NGN", provider: "sandbox" })
        server.process.kill("SIGKILL")
        yield* watching.written(/^effex rates: reconnecting$/m)
        const before = watching.output().length
        yield* Effex.serve({ ...env, PORT: port })
        yield* Effect.repeat(Effect.delay(Effect.sync(watching.output), "50 millis"), {
          until: (output) => / [▲▼] [+-]/.test(output.slice(before))
        })
        assert.match(watching.output().slice(before), /^effex rates: connected$/m)
        watching.process.kill("SIGINT")
        assert.strictEqual(yield* watching.ended, 0)
      }).pipe(Effect.scoped),
    60_000
  )

  it.live(
    "ends when nobody reads any more",
    () =>
      Effect.gen(function* () {
        const { rates } = yield* start
        const watching = yield* rates("--watch", "--json")
        yield* watching.written(/NGN/)
        watching.process.stdout?.destroy()
        assert.strictEqual(yield* Effect.timeout(watching.ended, "10 seconds"), 0, watching.output())
      }).pipe(Effect.scoped),
    60_000
  )

  it.live(
    "says in one message what it cannot show, and ends with code 1",
    () =>
      Effect.gen(function* () {
        const { rates } = yield* start
        const cases = [
          [["USD:EUR"], "USD:EUR is not supported"],
          [["--watch", "USD:EUR"], "USD:EUR is not supported"],
          [["USDNGN"], "a pair such as USD:NGN"],
          [["--url", "nonsense"], "an http or https address"],
          [
            ["--watch", "--url", "http://127.0.0.1:1"],
            "No effex answers at http://127.0.0.1:1: start one with `effex serve`, or name another with --url"
          ]
        ] as const
        for (const [args, message] of cases) {
          const refused = yield* rates(...args)
          assert.strictEqual(yield* refused.ended, 1, args.join(" "))
          assert.include(refused.output(), message)
          assert.notMatch(refused.output(), /^\s+at /m)
        }
      }).pipe(Effect.scoped),
    60_000
  )
})

describe("effex poll --watch", () => {
  it.live("tells the rates that it refreshes", () =>
    Effect.gen(function* () {
      const { env, sandbox } = yield* Effex.makeSandbox({ POLL_SPACING: "0 millis", RATE_SOURCES: "USD" })
      yield* sandbox.order({ fault: "contradiction", pairs: ["USD:KES"] })
      const poll = yield* Effex.run(["poll", "--watch", "--interval", "1"], env)
      yield* poll.written(new RegExp(`^[-\\dT:.]+Z USD:NGN ${RATE} - sandbox$`, "m"))
      yield* poll.written(new RegExp(`^[-\\dT:.]+Z USD:NGN ${RATE} [▲▼] [+-]${RATE} sandbox$`, "m"))
      yield* poll.written(/^effex poll: 10 of 11 pairs refreshed in .*, not USD:KES$/m)
      poll.process.kill("SIGINT")
      assert.strictEqual(yield* poll.ended, 0)
    }).pipe(Effect.scoped)
  )
})
