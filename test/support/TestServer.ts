import { assert } from "@effect/vitest"
import { Context, Duration, Effect, Layer, Logger, Metric, Option, Schema } from "effect"
import * as Http from "effect/http"
import { LoginLimitBounds } from "../../src/accounts/login/LoginLimits.ts"
import * as App from "../../src/App.ts"
import { DEFAULT_LOGIN_BOUNDS } from "../../src/domain/accounts/LoginBounds.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { DatabaseTimeout } from "../../src/platform/postgres/DatabaseTimeout.ts"
import { StoreUnavailable } from "../../src/platform/postgres/StoreUnavailable.ts"
import * as HttpServer from "../../src/server/HttpServer.ts"
import { ScriptedExchange } from "./ScriptedExchange.ts"
import * as TestAccounts from "./TestAccounts.ts"
import * as TestConversions from "./TestConversions.ts"
import * as TestDatabase from "./TestDatabase.ts"

/** An HTTP response. */
export interface ServerResponse {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The text as a JSON object. Empty if it is not one. */
  readonly json: Readonly<Record<string, unknown>>
}

/** The whole server over real HTTP with its own database. Only the provider and the exchange are replaced. */
export class TestServer extends Context.Service<
  TestServer,
  {
    /** Such as `http://127.0.0.1:4711`, without a trailing slash. */
    readonly url: string
    readonly port: number
    readonly get: (path: string, init?: RequestInit) => Effect.Effect<ServerResponse>
    /** `down` fails every call as an unreachable database does, `broken` as a rejected statement; `stalled` never answers. */
    readonly setDatabase: (state: DatabaseState) => Effect.Effect<void>
    /** Log lines so far, as JSON. */
    readonly log: ReadonlyArray<string>
  }
>()("effex/test/TestServer") {
  /**
   * A server on a free port with settings from `env`. By default it has no rate limits and no web app, and accepts every rate.
   * `isGuarded` turns the guard on; `http` replaces the HTTP server.
   */
  static readonly layer = (
    env: Readonly<Record<string, string>> = {},
    options: { readonly isGuarded?: boolean; readonly http?: typeof HttpServer.layer } = {}
  ) =>
    Layer.effect(TestServer, make).pipe(
      Layer.provideMerge(options.http ?? HttpServer.layer),
      Layer.provideMerge(App.orders),
      Layer.provideMerge(ScriptedExchange.layer),
      Layer.provideMerge(App.users),
      Layer.provide([raisedLoginBounds, TestAccounts.cheapHashes]),
      Layer.provideMerge(
        options.isGuarded === true ? TestConversions.guardedFeatures : TestConversions.features
      ),
      Layer.provideMerge(App.assets),
      Layer.provideMerge(switchableDatabase),
      Layer.provideMerge(
        TestDatabase.layer({
          AUDIT_SIGNING_KEY: TestConversions.SIGNING_KEY,
          JWT_SIGNING_KEY: TestConversions.SIGNING_KEY,
          RATE_LIMIT_READS: "off",
          RATE_LIMIT_WRITES: "off",
          WEB: "off",
          ...env,
          PORT: "0"
        })
      ),
      Layer.provideMerge(patientDatabase),
      Layer.provideMerge(capturedLog),
      Layer.provideMerge(ownMetrics)
    )
}

/** A server on the real clock, on a busy machine. */
const patientDatabase = Layer.succeed(DatabaseTimeout, Duration.seconds(60))

/** All users of a test register and sign in from one address. */
const raisedLoginBounds = Layer.succeed(LoginLimitBounds, {
  ...DEFAULT_LOGIN_BOUNDS,
  register: { ...DEFAULT_LOGIN_BOUNDS.register, limit: 10_000 },
  address: { ...DEFAULT_LOGIN_BOUNDS.address, limit: 10_000 }
})

class TestLog extends Context.Service<TestLog, ReadonlyArray<string>>()("effex/test/TestLog") {}

/** Separates the metrics of a server from those of other servers in the process. */
const ownMetrics = Layer.sync(Metric.MetricRegistry, () => new Map())

/** Records log lines instead of printing them. */
const capturedLog = Layer.unwrap(
  Effect.sync(() => {
    const lines: Array<string> = []
    const logger = Logger.map(Logger.formatJson, (line) => {
      lines.push(line)
    })
    return Layer.merge(Logger.layer([logger]), Layer.succeed(TestLog, lines))
  })
)

type DatabaseState = "up" | "down" | "broken" | "stalled"

class DatabaseSwitch extends Context.Service<DatabaseSwitch, { state: DatabaseState }>()(
  "effex/test/DatabaseSwitch"
) {}

/** Error message of a broken database, which must not be in a response. */
export const SECRETS = 'SELECT password FROM "vault" at db.internal.example:5432 in /srv/effex/RateRepo.ts'

const switchableDatabase = Layer.effectContext(
  Effect.gen(function* () {
    const database = yield* Database
    const control: DatabaseSwitch["Service"] = { state: "up" }
    const switched = <A, E, R>(statements: Effect.Effect<A, E, R>) =>
      Effect.suspend((): Effect.Effect<A, E | StoreUnavailable, R> => {
        if (control.state === "down") return Effect.fail(new StoreUnavailable({ cause: SECRETS }))
        if (control.state === "broken") return Effect.die(new Error(SECRETS))
        if (control.state === "stalled") return Effect.never
        return statements
      })
    const execute: Database["Service"]["execute"] = (statements) => switched(database.execute(statements))
    const tryExecute: Database["Service"]["tryExecute"] = (statements) =>
      switched(database.tryExecute(statements))
    const pipeline: Database["Service"]["pipeline"] = (statement) => switched(database.pipeline(statement))
    const read: Database["Service"]["read"] = (statements) => switched(database.read(statements))
    return Context.make(Database, { ...database, execute, tryExecute, pipeline, read }).pipe(
      Context.add(DatabaseSwitch, control)
    )
  })
)

const make = Effect.gen(function* () {
  const { address } = yield* Http.HttpServer.HttpServer
  const control = yield* DatabaseSwitch
  const url = Http.HttpServer.formatAddress(address)
  return TestServer.of({
    url,
    log: yield* TestLog,
    port: Number(new URL(url).port),
    get: (path, init) =>
      Effect.promise(async () => {
        const response = await fetch(url + path, init)
        const text = await response.text()
        return { status: response.status, headers: response.headers, text, json: parseJsonObject(text) }
      }),
    setDatabase: (state) =>
      Effect.sync(() => {
        control.state = state
      })
  })
})

/** Decodes a JSON object. Empty if the text is not one. */
export const parseJsonObject = (text: string): ServerResponse["json"] =>
  Option.getOrElse(decodeObject(text), () => ({}))

const decodeObject = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
)

/** Sends a GET request to the server. */
export const get = (path: string, init?: RequestInit) =>
  Effect.flatMap(TestServer, (server) => server.get(path, init))

/** Asserts that a response is a complete problem document, and returns it. */
export const assertProblem = (response: ServerResponse, status: number, code: string) => {
  assert.strictEqual(response.status, status, response.text)
  assert.strictEqual(response.headers.get("content-type"), "application/problem+json")
  assert.strictEqual(response.headers.get("cache-control"), "no-store")
  const { errors: _, ...members } = response.json
  const expected = "type,title,status,detail,instance,code,retryable,trace_id"
  assert.strictEqual(Object.keys(members).join(), expected)
  assert.strictEqual(response.json["code"], code)
  assert.strictEqual(response.json["type"], `urn:effex:problem:${code}`)
  assert.strictEqual(response.json["status"], status)
  assert.strictEqual(response.json["retryable"], status === 503)
  assert.strictEqual(response.headers.get("retry-after"), status === 503 ? "1" : null)
  assert.match(String(response.json["trace_id"]), /^[0-9a-f]{32}$/)
  return response.json
}
