import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Schema } from "effect"
import * as Effex from "../../support/Effex.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"
import * as SkewedClock from "../../support/SkewedClock.ts"

const start = Effect.gen(function* () {
  const { env } = yield* Effex.makeSandbox({ LOG_LEVEL: "error", POLL_SPACING: "0 millis" })
  const keys = (...args: ReadonlyArray<string>) => EffexCommand.exec(["keys", ...args], env)
  return { env, keys }
})

const decodeList = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Array(Schema.Record(Schema.String, Schema.Unknown)))
)

describe("effex keys", () => {
  it.live(
    "creates a key, prints it once on standard output, lists it without the secret, and revokes it",
    () =>
      Effect.gen(function* () {
        const { env, keys } = yield* start
        const args = ["keys", "create", "--name", "shop", "--scope", "convert", "--expires", "90 days"]
        const created = yield* Effex.run(args, env)
        assert.strictEqual(yield* created.ended, 0, created.output())
        assert.match(created.stdout(), /^efx_live_[0-9A-Za-z]{36}\n$/)
        const [id = ""] = /key_[0-9A-Za-z]{12}/.exec(created.output()) ?? []
        assert.match(created.output(), /cannot be displayed again/)

        const { json } = yield* keys(
          "create",
          "--name",
          "both",
          "--scope",
          "convert",
          "--scope",
          "admin",
          "--json"
        )
        assert.deepInclude(json, {
          name: "both",
          scopes: ["convert", "admin"],
          mode: "live",
          expires_at: null
        })
        assert.match(String(json["key"]), /^efx_live_/)

        const shown = yield* keys("list")
        assert.match(shown.output, /^id +name +ends with +scopes/)
        assert.match(
          shown.output,
          new RegExp(`^${id} +shop +${created.stdout().trim().slice(-4)} +convert +live`, "m")
        )
        assert.notInclude(shown.output, "efx_live_")

        const revoked = yield* keys("revoke", id)
        assert.strictEqual(revoked.code, 0, revoked.output)
        assert.include(revoked.output, "permanently revoked")
        const listed = decodeList((yield* keys("list", "--json")).output)
        assert.deepStrictEqual(
          listed.map(({ name, revoked_at }) => [name, revoked_at !== null]),
          [
            ["shop", true],
            ["both", false]
          ]
        )
        const lifetimeMillis =
          Date.parse(String(listed[0]?.["expires_at"])) - Date.parse(String(listed[0]?.["created_at"]))
        assert.strictEqual(lifetimeMillis, 90 * 86_400_000)
      }).pipe(Effect.scoped)
  )

  it.live("rejects invalid arguments with exit code 1", () =>
    Effect.gen(function* () {
      const { keys } = yield* start
      const cases = [
        [["create", "--name", "shop", "--scope", "all"], "rates:read"],
        [["create", "--name", "", "--scope", "convert"], "1 to 100 printable characters"],
        [["create", "--name", "shop\u202e", "--scope", "convert"], "1 to 100 printable characters"],
        [
          ["create", "--name", "shop", "--scope", "convert", "--expires", "0 days"],
          "from 1 second to 36500 days"
        ],
        [["revoke", "nonsense"], 'No API key has the id "nonsense"']
      ] as const
      for (const [args, message] of cases) {
        const { code, output } = yield* keys(...args)
        assert.strictEqual(code, 1, output)
        assert.include(output, message)
      }
    }).pipe(Effect.scoped)
  )

  it.live("authenticates requests to a running server until the key is revoked", () =>
    Effect.gen(function* () {
      const { env, keys } = yield* start
      const { clock, setForward } = yield* SkewedClock.make
      const { url } = yield* EffexCommand.serve({ ...env, LOG_LEVEL: "info" }).pipe(
        Effect.provideService(Clock.Clock, clock)
      )
      const { json } = yield* keys("create", "--name", "auditor", "--scope", "audit:read", "--json")
      const statusOf = (authorization?: string) =>
        Effect.promise(async () => {
          const headers = authorization === undefined ? {} : { authorization }
          return (await fetch(`${url}/api/v1/audit/heads`, { headers })).status
        })
      const authorization = `Bearer ${String(json["key"])}`
      assert.strictEqual(yield* statusOf(), 401)
      assert.strictEqual(yield* statusOf(authorization), 200)
      yield* keys("revoke", String(json["id"]))
      // A node may cache a key for 10 seconds.
      yield* setForward("10 seconds")
      // On a busy machine, the first request does not wait for the database and is still accepted.
      yield* statusOf(authorization).pipe(
        Effect.repeat({ until: (status) => status === 401 }),
        Effect.timeout("60 seconds")
      )
    }).pipe(Effect.scoped)
  )
})
