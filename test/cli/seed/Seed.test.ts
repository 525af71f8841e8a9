import { NodeServices } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import * as EffexCommand from "../../support/EffexCommand.ts"
import { connect } from "../../support/NodeEnvironment.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"

type Body = Readonly<Record<string, unknown>>

/** Sends a request as clients of the older API do. */
const send = (url: string, method: string, path: string, access?: unknown, body?: Body) =>
  Effect.promise(async () => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        ...(access === undefined ? {} : { authorization: `Bearer ${String(access)}` })
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const json: unknown = JSON.parse(await response.text())
    return { status: response.status, json }
  })

const asBody = (json: unknown): Body => (typeof json === "object" && json !== null ? { ...json } : {})

/** The rows of every table that users and rates fill. */
const countRows = (url: string) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.makeClient({ url: Redacted.make(url) })
    const counts: Record<string, unknown> = {}
    for (const table of [
      "app_user",
      "wallet",
      "funding_request",
      "ledger_transfer",
      "ledger_entry",
      "customer_order",
      "conversion_audit",
      "exchange_rate"
    ]) {
      const [row] = yield* sql`SELECT count(*) AS count FROM ${sql(table)}`
      counts[table] = row?.["count"]
    }
    return counts
  }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))

const importInForce = Effect.fnUntraced(function* (csv: string, env: Readonly<Record<string, string>>) {
  const fs = yield* FileSystem.FileSystem
  const file = yield* fs.makeTempFileScoped({ suffix: ".csv" })
  yield* fs.writeFileString(file, csv)
  const { code, output } = yield* EffexCommand.exec(["import", file, "--in-force"], env)
  assert.strictEqual(code, 0, output)
}, Effect.provide(NodeServices.layer))

describe("effex seed", () => {
  it.live("stores the same data once, and answers the examples of older clients with their numbers", () =>
    Effect.gen(function* () {
      const env = { DATABASE_URL: yield* TestDatabase.create, LOG_LEVEL: "warn" }
      const first = yield* EffexCommand.exec(["seed", "--json"], env)
      assert.strictEqual(first.code, 0, first.output)
      assert.strictEqual(first.json["created"], 3)
      assert.isAbove(Number(first.json["rates"]), 7000)
      const before = yield* countRows(env.DATABASE_URL)

      const second = yield* EffexCommand.exec(["seed", "--json"], env)
      assert.strictEqual(second.code, 0, second.output)
      assert.deepStrictEqual(second.json, { ...first.json, created: 0, rates: 0 })
      assert.deepStrictEqual(yield* countRows(env.DATABASE_URL), before)

      const { stop, url } = yield* EffexCommand.serve({ ...env, LOG_LEVEL: "info" })
      const login = yield* send(url, "POST", "/accounts/auth/login", undefined, {
        username: "admin",
        password: "new_password"
      })
      assert.strictEqual(login.status, 200)
      const { access } = asBody(login.json)
      const wallet = yield* send(url, "GET", "/accounts/wallet/", access)
      assert.deepInclude(asBody(wallet.json), { balance: "1000.00", currency: "USD" })
      const prices = yield* send(url, "GET", "/exchanges/crypto-currencies/")
      assert.isArray(prices.json)
      const aban = Array.from(prices.json as ReadonlyArray<Body>).find(({ name }) => name === "ABAN")
      assert.deepInclude(aban, { price: "20.00", currency: "USD", change_24h: "0" })
      const order = yield* send(url, "POST", "/orders/", access, { crypto: "ABAN", amount: "3" })
      assert.strictEqual(order.status, 201, JSON.stringify(order.json))
      // The price with ORDER_SPREAD.
      assert.deepInclude(asBody(order.json), {
        crypto: "ABAN",
        amount: "3",
        price: "20.10",
        total_price: "60.30"
      })
      yield* stop
    }).pipe(Effect.scoped)
  )

  it.live("continues after a run that created only the users, and repeats no movement without its key", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.create
      const env = { DATABASE_URL: url, LOG_LEVEL: "warn" }
      for (const args of [["admin", "--admin"], ["amara"], ["kofi"]]) {
        const user = yield* EffexCommand.exec(["users", "create", ...args], env, "a long enough passphrase")
        assert.strictEqual(user.code, 0, user.output)
      }
      const first = yield* EffexCommand.exec(["seed", "--json"], env)
      assert.strictEqual(first.code, 0, first.output)
      assert.strictEqual(first.json["created"], 0)
      assert.isAbove(Number(first.json["rates"]), 7000)
      const before = yield* countRows(url)
      assert.isAbove(Number(before["ledger_transfer"]), 18)

      const sql = yield* connect(url)
      yield* sql`ALTER TABLE app_user DISABLE TRIGGER USER`
      yield* sql`UPDATE app_user SET created_at = created_at - interval '91 days'`
      yield* sql`DELETE FROM ledger_outcome`
      const second = yield* EffexCommand.exec(["seed", "--json"], env)
      assert.strictEqual(second.code, 0, second.output)
      const { exchange_rate: _, ...movements } = before
      assert.deepInclude(yield* countRows(url), movements)
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )

  it.live("refuses settings of production and a database with rates of a real provider", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.create
      const env = { DATABASE_URL: url, LOG_LEVEL: "warn" }
      const refused = Effect.fnUntraced(function* (extra: Readonly<Record<string, string>>, found: string) {
        const { code, output } = yield* EffexCommand.exec(["seed"], { ...env, ...extra })
        assert.strictEqual(code, 1, output)
        assert.include(output, found)
      })
      yield* refused({ NODE_ENV: "production", ALLOW_EMBEDDED: "true" }, "these are settings of production")
      yield* refused({ FLUTTERWAVE_SECRET_KEY: "FLWSECK-1" }, "these are settings of production")
      yield* refused({ FUNDING: "manual" }, "are not all those of the sandbox")
      const csv = "from,to,rate,observed_at,provider\nUSD,NGN,1534.5,2026-01-05T00:00:00Z,flutterwave\n"
      yield* importInForce(csv, env)
      yield* refused({}, "the database has rates of the provider flutterwave")
      assert.deepInclude(yield* countRows(url), { app_user: 0n, wallet: 0n })
    }).pipe(Effect.scoped)
  )

  it.live("changes nothing where a user of the same name has another role", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.create
      const env = { DATABASE_URL: url, LOG_LEVEL: "warn" }
      const created = yield* EffexCommand.exec(["users", "create", "admin"], env, "a long enough passphrase")
      assert.strictEqual(created.code, 0, created.output)
      const { code, output } = yield* EffexCommand.exec(["seed"], env)
      assert.strictEqual(code, 1, output)
      assert.include(output, "The user admin exists and is not the sample user")
      assert.deepInclude(yield* countRows(url), { app_user: 1n, ledger_transfer: 0n })
    }).pipe(Effect.scoped)
  )

  it.live("is named by the log of a server without users", () =>
    Effect.gen(function* () {
      const env = { DATABASE_URL: yield* TestDatabase.create, LOG_LEVEL: "info" }
      const empty = yield* EffexCommand.serve(env)
      assert.include(empty.output(), "`npx effex seed` creates sample users")
      yield* empty.stop
      const created = yield* EffexCommand.exec(["users", "create", "ada"], env, "a long enough passphrase")
      assert.strictEqual(created.code, 0, created.output)
      const used = yield* EffexCommand.serve(env)
      assert.notInclude(used.output(), "effex seed")
      yield* used.stop
    }).pipe(Effect.scoped)
  )
})
