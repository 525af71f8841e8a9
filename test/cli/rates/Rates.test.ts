import { assert, describe, it, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as Effex from "../../support/Effex.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"
import { parseJsonObject } from "../../support/TestServer.ts"

const sandbox = Effex.makeSandbox({ POLL_INTERVAL: "1 second", POLL_SPACING: "0 millis" })

/** A server that polls every second. */
class PollingServer extends Context.Service<
  PollingServer,
  {
    readonly url: string
    /** The environment of a client that knows only the port. */
    readonly client: { readonly PORT: string }
  }
>()("effex/test/PollingServer") {
  static readonly layer = Layer.effect(
    PollingServer,
    Effect.gen(function* () {
      const { env } = yield* sandbox
      const server = yield* EffexCommand.serve(env)
      yield* server.written(/44 refreshed/)
      return { url: server.url, client: { PORT: new URL(server.url).port } }
    })
  )
}

const RATE = String.raw`\d+(\.\d+)?`
const FIRST_LINE = new RegExp(`^[-\\dT:.]+Z USD:NGN ${RATE} - sandbox$`, "m")
const CHANGE_LINE = new RegExp(`^[-\\dT:.]+Z USD:NGN ${RATE} [▲▼] [+-]${RATE} sandbox$`, "m")

layer(PollingServer.layer, { excludeTestServices: true })("effex rates", (it) => {
  it.effect("prints the rates of a server as a table and as JSON", () =>
    Effect.gen(function* () {
      const { client, url } = yield* PollingServer
      const table = yield* EffexCommand.exec(["rates"], client)
      assert.strictEqual(table.code, 0, table.output)
      assert.lengthOf(table.output.trimEnd().split("\n"), 45)
      assert.match(table.output, new RegExp(`^USD:NGN +${RATE} +\\ds +sandbox$`, "m"))
      const args = ["rates", "usd:ngn", "GBP:KES", "--url", `${url}/`, "--json"]
      const { code, json, output } = yield* EffexCommand.exec(args, client)
      assert.strictEqual(code, 0, output)
      const rates = json["rates"]
      assert.isTrue(Array.isArray(rates) && rates.length === 2 && rates[0].to === "NGN")
    })
  )

  it.effect("exits with 0 when its output is closed", () =>
    Effect.gen(function* () {
      const { client } = yield* PollingServer
      const watching = yield* Effex.run(["rates", "--watch", "--json"], client)
      yield* watching.written(/NGN/)
      watching.process.stdout?.destroy()
      assert.strictEqual(yield* watching.ended, 0, watching.output())
    })
  )

  it.effect("rejects invalid arguments with one message and exit code 1", () =>
    Effect.gen(function* () {
      const { client } = yield* PollingServer
      const cases = [
        [["USD:JPY"], "USD:JPY is not supported"],
        [["--watch", "USD:JPY"], "USD:JPY is not supported"],
        [["USDNGN"], "allowed: a pair such as USD NGN or USD:NGN"],
        [["--url", "nonsense"], "allowed: an http or https URL"],
        [
          ["--watch", "--url", "http://127.0.0.1:1"],
          "No effex server is reachable at http://127.0.0.1:1; start one with `effex serve` or pass another URL with --url"
        ]
      ] as const
      for (const [args, message] of cases) {
        const { code, output } = yield* EffexCommand.exec(["rates", ...args], client)
        assert.strictEqual(code, 1, args.join(" "))
        assert.include(output, message)
        assert.notMatch(output, /^\s+at /m)
      }
    })
  )
})

describe("effex rates --watch", () => {
  it.live(
    "prints one line per change, reconnects after the server was killed, and exits with 0 on SIGINT",
    () =>
      Effect.gen(function* () {
        const { env } = yield* sandbox
        const server = yield* Effex.serve(env)
        const { port } = new URL(server.url)
        const watching = yield* Effex.run(["rates", "--watch", "USD:NGN"], { PORT: port })
        const json = yield* EffexCommand.run(["rates", "--watch", "--json", "USD:NGN"], { PORT: port })
        yield* watching.written(FIRST_LINE)
        yield* watching.written(CHANGE_LINE)
        const [line = ""] = yield* json.written(/^.*\n/)
        assert.deepInclude(parseJsonObject(line), { from: "USD", to: "NGN", provider: "sandbox" })
        server.process.kill("SIGKILL")
        const [{ length }] = yield* watching.written(/^[^]*effex rates: reconnecting$/m)
        yield* EffexCommand.serve({ ...env, PORT: port })
        yield* watching.written(new RegExp(`^[^]{${length}}[^]* [▲▼] [+-]`))
        assert.match(watching.output().slice(length), /^effex rates: connected$/m)
        watching.process.kill("SIGINT")
        assert.strictEqual(yield* watching.ended, 0)
      }).pipe(Effect.scoped)
  )
})

describe("effex poll --watch", () => {
  it.live("prints the rates that it refreshes", () =>
    Effect.gen(function* () {
      const { env, sandbox } = yield* Effex.makeSandbox({ POLL_SPACING: "0 millis", RATE_SOURCES: "USD" })
      yield* sandbox.injectFault({ fault: "contradiction", pairs: ["USD:KES"] })
      const poll = yield* EffexCommand.run(["poll", "--watch", "--interval", "1"], env)
      yield* poll.written(FIRST_LINE)
      yield* poll.written(CHANGE_LINE)
      yield* poll.written(/^effex poll: 10 of 11 pairs refreshed in .*, failed: USD:KES$/m)
      assert.strictEqual(yield* poll.stop, 0)
    }).pipe(Effect.scoped)
  )
})
