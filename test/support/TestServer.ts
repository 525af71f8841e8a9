import { assert } from "@effect/vitest"
import { Context, Effect, Layer, Logger, Option, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import * as Http from "effect/http"
import { ApiKeyRepo } from "../../src/access/ApiKeyRepo.ts"
import { ApiKeys } from "../../src/access/ApiKeys.ts"
import { RateLimits } from "../../src/access/RateLimits.ts"
import { Database, StoreUnavailable } from "../../src/platform/postgres/Database.ts"
import type { RateIngest } from "../../src/rates/RateIngest.ts"
import * as HttpServer from "../../src/server/HttpServer.ts"
import * as TestConversions from "./TestConversions.ts"
import * as TestDatabase from "./TestDatabase.ts"

/** What a server answered. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The members of the text, where it is a JSON object; none where it is not. */
  readonly json: Readonly<Record<string, unknown>>
}

/** The whole server over real HTTP, with a database of its own; only the provider is made up. */
export class TestServer extends Context.Service<
  TestServer,
  {
    /** Such as `http://127.0.0.1:4711`, without a slash at the end. */
    readonly url: string
    readonly port: number
    readonly get: (path: string, init?: RequestInit) => Effect.Effect<Answer>
    /** `down` fails every call as a database that cannot be reached, `broken` as one that refuses the statement. */
    readonly setDatabase: (state: DatabaseState) => Effect.Effect<void>
    /** What was logged so far, each line as JSON. */
    readonly log: ReadonlyArray<string>
  }
>()("effex/test/TestServer") {
  /** A server with the settings of `env`, and without limits where it sets none, on a port of its own, which believes every rate where no other way is given. */
  static readonly layer = (
    env: Readonly<Record<string, string>> = {},
    intake?: typeof RateIngest.layer,
    http: typeof HttpServer.layer = HttpServer.layer
  ) =>
    Layer.effect(TestServer, make).pipe(
      Layer.provideMerge(http),
      Layer.provideMerge(TestConversions.layerNoDeps(intake)),
      Layer.provideMerge(keys),
      Layer.provideMerge(RateLimits.layerMemory),
      Layer.provideMerge(breakable),
      Layer.provideMerge(
        TestDatabase.layer({
          AUDIT_SIGNING_KEY: TestConversions.SIGNING_KEY,
          RATE_LIMIT_READS: "off",
          RATE_LIMIT_WRITES: "off",
          ...env,
          PORT: "0"
        })
      ),
      Layer.provideMerge(captured)
    )
}

const keys = ApiKeys.layer.pipe(Layer.provide([ApiKeyRepo.layer, SecureRandom.layerWebCrypto]))

class TestLog extends Context.Service<TestLog, ReadonlyArray<string>>()("effex/test/TestLog") {}

/** Keeps what is logged, instead of printing it. */
const captured = Layer.unwrap(
  Effect.sync(() => {
    const lines: Array<string> = []
    const logger = Logger.map(Logger.formatJson, (line) => {
      lines.push(line)
    })
    return Layer.merge(Logger.layer([logger]), Layer.succeed(TestLog, lines))
  })
)

type DatabaseState = "well" | "down" | "broken"

class DatabaseSwitch extends Context.Service<DatabaseSwitch, { state: DatabaseState }>()(
  "effex/test/DatabaseSwitch"
) {}

/** What a broken database says, none of which may be told to a caller. */
export const SECRETS = 'SELECT password FROM "vault" at db.internal.example:5432 in /srv/effex/RateRepo.ts'

const breakable = Layer.effectContext(
  Effect.gen(function* () {
    const database = yield* Database
    const control: DatabaseSwitch["Service"] = { state: "well" }
    const switched = <A, E, R>(statements: Effect.Effect<A, E, R>) =>
      Effect.suspend((): Effect.Effect<A, E | StoreUnavailable, R> => {
        if (control.state === "down") return Effect.fail(new StoreUnavailable({ cause: SECRETS }))
        if (control.state === "broken") return Effect.die(new Error(SECRETS))
        return statements
      })
    const within: Database["Service"]["within"] = (statements) => switched(database.within(statements))
    const attempt: Database["Service"]["attempt"] = (statements) => switched(database.attempt(statements))
    return Context.make(Database, { ...database, within, attempt }).pipe(Context.add(DatabaseSwitch, control))
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
        return { status: response.status, headers: response.headers, text, json: membersOf(text) }
      }),
    setDatabase: (state) =>
      Effect.sync(() => {
        control.state = state
      })
  })
})

/** The members of a JSON object; none where it is something else. */
export const membersOf = (text: string): Answer["json"] => Option.getOrElse(decodeObject(text), () => ({}))

const decodeObject = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
)

/** Asks the server under test. */
export const get = (path: string, init?: RequestInit) =>
  Effect.flatMap(TestServer, (server) => server.get(path, init))

/** Asserts that an answer tells a problem as is promised, and returns the members of it. */
export const assertProblem = (answer: Answer, status: number, code: string) => {
  assert.strictEqual(answer.status, status, answer.text)
  assert.strictEqual(answer.headers.get("content-type"), "application/problem+json")
  assert.strictEqual(answer.headers.get("cache-control"), "no-store")
  const { errors: _, ...members } = answer.json
  const expected = "type,title,status,detail,instance,code,retryable,trace_id"
  assert.strictEqual(Object.keys(members).join(), expected)
  assert.strictEqual(answer.json["code"], code)
  assert.strictEqual(answer.json["type"], `urn:effex:problem:${code}`)
  assert.strictEqual(answer.json["status"], status)
  assert.strictEqual(answer.json["retryable"], status === 503)
  assert.strictEqual(answer.headers.get("retry-after"), status === 503 ? "1" : null)
  assert.match(String(answer.json["trace_id"]), /^[0-9a-f]{32}$/)
  return answer.json
}
