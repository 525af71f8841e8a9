import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import * as EffexCommand from "../support/EffexCommand.ts"
import * as FakeSentry from "../support/FakeSentry.ts"
import * as PlantedSecrets from "../support/PlantedSecrets.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

/** Makes every insert into a table fail with a message that is not for others. */
const breakTable = Effect.fnUntraced(
  function* (url: string, table: string, message: string) {
    const sql = yield* PgClient.makeClient({ url: Redacted.make(url) })
    yield* sql.unsafe(`
      CREATE FUNCTION break_${table}() RETURNS trigger LANGUAGE plpgsql AS $body$
      BEGIN RAISE EXCEPTION 'internal failure of ${table}: ${message}'; END $body$`)
    yield* sql.unsafe(
      `CREATE TRIGGER break_${table} BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION break_${table}()`
    )
  },
  Effect.scoped,
  Effect.provide(Reactivity.layer)
)

const post = (url: string, path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body)
    })
    const json: Readonly<Record<string, unknown>> = JSON.parse(await response.text())
    return { status: response.status, json }
  })

describe("Error reports of a server", () => {
  it.live("has a defect of a request and one of background work once, without planted secrets", () =>
    Effect.gen(function* () {
      const sentry = yield* FakeSentry.listen
      const url = yield* TestDatabase.create
      const planted = {
        FIXER_KEY: PlantedSecrets.plain("fixer"),
        METRICS_TOKEN: PlantedSecrets.plain("metrics"),
        email: "amara@example.org",
        address: "198.51.100.23",
        reference: "invoice-of-amara-okafor"
      }
      const { stop, url: server } = yield* EffexCommand.serve({
        DATABASE_URL: url,
        PROVIDERS: "sandbox",
        FX_API_KEY: planted.FIXER_KEY,
        METRICS_TOKEN: planted.METRICS_TOKEN,
        SENTRY_DSN: sentry.dsn,
        LOG_LEVEL: "info",
        POLL_INTERVAL: "1 second"
      })
      yield* breakTable(url, "quote", `${planted.FIXER_KEY} ${planted.email} ${planted.address}`)
      const quote = { amount: "500", from_currency: "USD", to_currency: "NGN", reference: planted.reference }
      const headers = { "user-agent": planted.reference, "x-request-id": planted.reference }
      const failed = yield* post(server, "/api/v1/quotes", quote, headers)
      assert.strictEqual(failed.status, 500, JSON.stringify(failed.json))
      yield* sentry.awaitEvents(1)
      const again = yield* post(server, "/api/v1/quotes", quote, headers)
      assert.strictEqual(again.status, 500)
      yield* breakTable(url, "poll_run", planted.METRICS_TOKEN)
      yield* sentry.awaitEvents(2)
      yield* stop

      const [ofRequest, ofPoll, ...others] = sentry.received
      assert.deepStrictEqual(
        others.map(({ text }) => text),
        []
      )
      assert.deepStrictEqual(ofRequest?.event.tags, { trace_id: String(failed.json["trace_id"]) })
      const values = ofRequest?.event.exception?.values ?? []
      assert.include(values[0]?.value, "internal failure of quote: <redacted> <email> <address>")
      const frames = values.flatMap(({ stacktrace }) => stacktrace.frames)
      assert.include(JSON.stringify(frames.filter(({ in_app }) => in_app)), "src/conversion/")
      assert.include(ofPoll?.text, "internal failure of poll_run: <redacted>")
      for (const { headers, text } of sentry.received) {
        PlantedSecrets.assertAbsent(planted, "an error report", text)
        PlantedSecrets.assertAbsent(planted, "the headers of an error report", JSON.stringify(headers))
        assert.notInclude(text, process.cwd())
      }
    }).pipe(Effect.scoped)
  )
})
