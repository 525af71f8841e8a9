import { assert } from "@effect/vitest"
import { Effect, Layer, Metric } from "effect"
import { SecureRandom } from "effect/crypto"
import * as Http from "effect/http"
import * as App from "../../src/App.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as HttpServer from "../../src/server/HttpServer.ts"
import * as SessionConnections from "./SessionConnections.ts"
import { ScriptedExchange } from "./ScriptedExchange.ts"
import * as TestAccounts from "./TestAccounts.ts"
import * as TestConversions from "./TestConversions.ts"
import * as TestDatabase from "./TestDatabase.ts"
import * as TestSettings from "./TestSettings.ts"

/** Starts the whole server on a free port. Returns its URL. */
const start = (databaseUrl: string, env: Readonly<Record<string, string>>) => {
  const server = HttpServer.layer.pipe(
    Layer.provideMerge(App.orders),
    Layer.provideMerge(ScriptedExchange.layer),
    Layer.provideMerge(App.users),
    Layer.provide(TestAccounts.cheapHashes),
    Layer.provideMerge(TestConversions.features),
    Layer.provideMerge(App.assets),
    Layer.provideMerge(Database.layer),
    Layer.provideMerge(
      TestSettings.layer({
        AUDIT_SIGNING_KEY: TestConversions.SIGNING_KEY,
        JWT_SIGNING_KEY: TestConversions.SIGNING_KEY,
        ...env,
        DATABASE_URL: databaseUrl,
        PORT: "0"
      })
    ),
    Layer.provideMerge(SecureRandom.layerWebCrypto),
    Layer.provideMerge(Layer.sync(Metric.MetricRegistry, () => new Map()))
  )
  return Effect.map(Layer.build(Layer.fresh(server)), (context) =>
    Http.HttpServer.formatAddress(
      Effect.runSync(Effect.provideContext(Http.HttpServer.HttpServer, context)).address
    )
  )
}

const post = (url: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
  Effect.promise(() =>
    fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body)
    })
  )

const statusOf = (url: string, authorization: string) =>
  Effect.promise(async () => (await fetch(url, { headers: { authorization } })).status)

/**
 * Starts two servers on one database, signs in on the first, connects to the second, and signs out on the first. Asserts
 * that the second ends the connections and rejects the access token within 10 seconds.
 */
export const signOutElsewhere = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const databaseUrl = yield* TestDatabase.create
  const [first, second] = [yield* start(databaseUrl, env), yield* start(databaseUrl, env)]
  const registered = yield* post(`${first}/api/v1/accounts/auth/register`, {
    username: "amara",
    password: "a long enough passphrase"
  })
  assert.strictEqual(registered.status, 201)
  const { access, refresh } = yield* Effect.promise(() => registered.json())
  const authorization = `Bearer ${access}`
  assert.strictEqual(yield* statusOf(`${second}/api/v1/accounts/me`, authorization), 200)
  const connections = yield* SessionConnections.open(second, authorization)
  const signedOut = yield* post(`${first}/api/v1/accounts/auth/logout`, { refresh })
  assert.strictEqual(signedOut.status, 204)
  yield* SessionConnections.awaitEnd(connections)
  for (const url of [first, second]) {
    assert.strictEqual(yield* statusOf(`${url}/api/v1/accounts/me`, authorization), 401)
    assert.strictEqual(yield* statusOf(`${url}/api/v1/rates?from=USD&to=NGN`, authorization), 401)
  }
})
