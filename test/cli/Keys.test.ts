import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Effex from "../support/Effex.ts"
import * as EffexCommand from "../support/EffexCommand.ts"

const start = Effect.gen(function* () {
  const { env } = yield* Effex.makeSandbox({ LOG_LEVEL: "error", POLL_SPACING: "0 millis" })
  const effex = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
    const running = yield* Effex.run(["keys", ...args], env)
    let printed = ""
    running.process.stdout?.on("data", (chunk: Buffer) => (printed += chunk.toString()))
    const code = yield* running.ended
    return { code, printed, output: running.output().trimEnd(), json: membersOf(running.output()) }
  })
  return { env, effex }
})

const decodeList = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Array(Schema.Record(Schema.String, Schema.Unknown)))
)

describe("effex keys", () => {
  it.live("makes a key, prints it once and alone, lists it without it, and revokes it", () =>
    Effect.gen(function* () {
      const { effex } = yield* start
      const made = yield* effex("create", "--name", "shop", "--scope", "convert", "--expires", "90 days")
      assert.strictEqual(made.code, 0, made.output)
      assert.match(made.printed, /^efx_live_[0-9A-Za-z]{36}\n$/)
      const [id = ""] = /key_[0-9A-Za-z]{12}/.exec(made.output) ?? []
      assert.match(made.output, /cannot be displayed again/)

      const { json } = yield* effex(
        "create",
        "--name",
        "both",
        "--scope",
        "convert",
        "--scope",
        "admin",
        "--json"
      )
      assert.deepInclude(json, { name: "both", scopes: ["convert", "admin"], mode: "live", expires_at: null })
      assert.match(String(json["key"]), /^efx_live_/)

      const shown = yield* effex("list")
      assert.match(shown.output, /^id +name +ends with +scopes/)
      assert.match(
        shown.output,
        new RegExp(`^${id} +shop +${made.printed.trim().slice(-4)} +convert +live`, "m")
      )
      assert.notInclude(shown.output, "efx_live_")

      const revoked = yield* effex("revoke", id)
      assert.strictEqual(revoked.code, 0, revoked.output)
      assert.include(revoked.output, "permanently revoked")
      const listed = decodeList((yield* effex("list", "--json")).output)
      assert.deepStrictEqual(
        listed.map(({ name, revoked_at }) => [name, revoked_at !== null]),
        [
          ["shop", true],
          ["both", false]
        ]
      )
      const ninety =
        Date.parse(String(listed[0]?.["expires_at"])) - Date.parse(String(listed[0]?.["created_at"]))
      assert.strictEqual(ninety, 90 * 86_400_000)
    }).pipe(Effect.scoped)
  )

  it.live("says what is wrong with what it is asked", () =>
    Effect.gen(function* () {
      const { effex } = yield* start
      const wrong = [
        [["create", "--name", "shop", "--scope", "all"], "rates:read"],
        [["create", "--name", "", "--scope", "convert"], "1 to 100 characters"],
        [
          ["create", "--name", "shop", "--scope", "convert", "--expires", "0 days"],
          "from 1 second to 36500 days"
        ],
        [["revoke", "nonsense"], 'No API key has the id "nonsense"']
      ] as const
      for (const [args, told] of wrong) {
        const { code, output } = yield* effex(...args)
        assert.strictEqual(code, 1, output)
        assert.include(output, told)
      }
    }).pipe(Effect.scoped)
  )

  it.live("opens a running server to whoever holds one, until it is revoked", () =>
    Effect.gen(function* () {
      const { effex, env } = yield* start
      const { url } = yield* Effex.serve({ ...env, LOG_LEVEL: "info" })
      const { json } = yield* effex("create", "--name", "auditor", "--scope", "audit:read", "--json")
      const ask = (authorization?: string) =>
        Effect.promise(async () => {
          const headers = authorization === undefined ? {} : { authorization }
          return (await fetch(`${url}/api/v1/audit/heads`, { headers })).status
        })
      const authorization = `Bearer ${String(json["key"])}`
      assert.strictEqual(yield* ask(), 401)
      assert.strictEqual(yield* ask(authorization), 200)
      yield* effex("revoke", String(json["id"]))
      yield* Effect.repeat(Effect.delay(ask(authorization), "200 millis"), {
        until: (status) => status === 401
      }).pipe(Effect.timeout("15 seconds"))
    }).pipe(Effect.scoped)
  )
}, 240_000)
