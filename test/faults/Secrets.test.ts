import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import { randomBytes } from "node:crypto"
import { createServer as createHttpServer } from "node:http"
import { createServer, type Socket } from "node:net"
import * as Effex from "../support/Effex.ts"
import * as PlantedSecrets from "../support/PlantedSecrets.ts"
import * as TcpProxy from "../support/TcpProxy.ts"
import * as TestCollector from "../support/TestCollector.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import * as TestRedis from "../support/TestRedis.ts"

const TIMEOUT = 300_000

/** A provider that fails and echoes the whole request in its response, in several encodings. */
const startEchoProvider = Effect.acquireRelease(
  Effect.promise(async () => {
    let count = 0
    const server = createHttpServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const body = Buffer.concat(chunks).toString()
        const received = `${request.url}\n${Object.values(request.headers).join("\n")}\n${body}`
        const echoed = [
          received,
          decodeURIComponent(received.replaceAll("+", " ")),
          Buffer.from(received).toString("base64")
        ]
        const status = [500, 403, 200, 429][count++ % 4] ?? 500
        response.writeHead(status, {
          "content-type": "application/json",
          "x-echo": encodeURIComponent(received)
        })
        // Error messages quote only the beginning of a response, so the secret comes first.
        const message = (request.headers.authorization ?? body) || request.url
        response.end(
          JSON.stringify({ status: "error", message, description: message, error: message, echoed })
        )
      })
    })
    return { server, port: await listen(server) }
  }),
  ({ server }) =>
    Effect.sync(() => {
      server.closeAllConnections()
      server.close()
    })
).pipe(Effect.map(({ port }) => `http://127.0.0.1:${port}`))

/** A PostgreSQL server that requests the password in clear text and quotes it in its error. */
const startLeakyPostgres = Effect.acquireRelease(
  Effect.promise(async () => {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on("error", () => socket.destroy())
      socket.on("data", (data) => {
        if (data[0] !== "p".charCodeAt(0)) {
          socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]))
          return
        }
        const fields = `SFATAL\0VFATAL\0C28P01\0Mno such password: ${data.subarray(5, -1).toString()}\0\0`
        const head = Buffer.from([0x45, 0, 0, 0, 0])
        head.writeInt32BE(fields.length + 4, 1)
        socket.end(Buffer.concat([head, Buffer.from(fields)]))
      })
    })
    return { server, sockets, port: await listen(server) }
  }),
  ({ server, sockets }) =>
    Effect.sync(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
).pipe(Effect.map(({ port }) => port))

const listen = async (server: ReturnType<typeof createServer>) => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

/** Sends a request. Returns the status, headers and body of the response as text. */
const requestText = (url: string, init: RequestInit) =>
  Effect.promise(async () => {
    const control = new AbortController()
    const response = await fetch(url, { ...init, signal: control.signal })
    const headers = Array.from(response.headers, (header) => header.join(": ")).join("\n")
    const body = response.headers.get("content-type") === "text/event-stream" ? "" : await response.text()
    control.abort()
    return { status: response.status, text: `${response.status}\n${headers}\n${body}` }
  })

/** Generates a value for each secret setting. */
const generateSecrets = () => {
  const seed = randomBytes(32).toString("base64")
  return {
    FLUTTERWAVE_SECRET_KEY: PlantedSecrets.plain("FLWSECK"),
    FLUTTERWAVE_CLIENT_ID: PlantedSecrets.plain("client"),
    FLUTTERWAVE_CLIENT_SECRET: PlantedSecrets.plain("+/=%25secret"),
    FX_API_KEY: PlantedSecrets.plain("fixer"),
    OPENEXCHANGERATES_APP_ID: PlantedSecrets.plain("oxr"),
    AUDIT_SIGNING_KEY: seed,
    DATABASE_PASSWORD: PlantedSecrets.secret("database"),
    REDIS_PASSWORD: PlantedSecrets.secret("redis"),
    OTEL_KEY: PlantedSecrets.plain("otel"),
    API_KEY: `efx_live_${randomBytes(24).toString("hex")}`
  }
}

describe("Secrets of the settings", () => {
  it.live(
    "do not appear in logs, responses, metrics or traces when dependencies fail",
    () =>
      Effect.gen(function* () {
        assert.isTrue(TestRedis.isAvailable)
        const planted = generateSecrets()
        const collector = yield* TestCollector.listen
        const provider = yield* startEchoProvider
        const url = new URL((yield* TestDatabase.create).replace("postgres:///", "postgres://localhost/"))
        const folder = url.searchParams.get("host") ?? ""
        const database = yield* TcpProxy.open({ path: `${folder}/.s.PGSQL.5432` })
        const redis = yield* TcpProxy.open(
          (({ hostname, port }) => ({ host: hostname, port: Number(port) }))(new URL(TestRedis.env.REDIS_URL))
        )
        const password = encodeURIComponent(planted.DATABASE_PASSWORD)
        const { pathname } = url
        const DATABASE_URL = `postgres://effex:${password}@127.0.0.1:${database.port}${pathname}`
        const server = yield* Effex.serve({
          ...planted,
          ...TestCollector.envOf(collector),
          NODE_ENV: "production",
          LOG_LEVEL: "trace",
          DATABASE_URL,
          REDIS_URL: `redis://:${encodeURIComponent(planted.REDIS_PASSWORD)}@127.0.0.1:${redis.port}/9`,
          OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${planted.OTEL_KEY}`,
          PROVIDERS: "flutterwave,flutterwave-v4,fixer,openexchangerates,frankfurter",
          FLUTTERWAVE_BASE_URL: provider,
          FLUTTERWAVE_V4_BASE_URL: provider,
          FLUTTERWAVE_TOKEN_URL: `${provider}/token`,
          FIXER_BASE_URL: provider,
          OPENEXCHANGERATES_BASE_URL: provider,
          FRANKFURTER_BASE_URL: provider,
          RATE_SOURCES: "USD",
          RATE_DESTINATIONS: "NGN,KES",
          POLL_SPACING: "0 millis"
        })
        const responses: Array<string> = []
        const statuses = new Set<number>()
        const request = Effect.fnUntraced(function* (path: string, init: RequestInit = {}) {
          const { status, text } = yield* requestText(server.url + path, init)
          statuses.add(status)
          // Problems quote the path of the request.
          responses.push(text.replaceAll(/"instance":"[^"]*"/g, ""))
        })
        const headers = { authorization: `Bearer ${planted.API_KEY}` }
        const requestAll = Effect.gen(function* () {
          yield* request("/api/v1/rates?from=USD&to=NGN")
          yield* request("/api/v1/rates?from=USD&to=KES", { headers })
          yield* request(`/api/v1/rates?from=USD&to=NGN&api_key=${planted.API_KEY}`)
          yield* request("/api/v1/rates?from=USD", { headers: { "x-request-id": planted.API_KEY } })
          yield* request("/api/rates/?source_currency=USD&destination_currency=NGN")
          yield* request("/api/v1/convert", { method: "POST", headers, body: "{" })
          yield* request("/api/v1/audit/conversions", {
            headers: { authorization: `Basic ${planted.API_KEY}` }
          })
          yield* request(`/api/v1/quotes/01980000-0000-7000-8000-000000000000`, { headers })
          yield* request("/api/v1/polls", { headers })
          yield* request("/health/ready")
          yield* request("/metrics")
          yield* request("/openapi.json")
          yield* request(`/nothing/${planted.API_KEY}`)
        })

        yield* server.written(/Polled 2 pairs: 0 refreshed/)
        yield* requestAll
        // Causes an unexpected error: a table is missing.
        yield* Effect.scoped(
          Effect.gen(function* () {
            const sql = yield* PgClient.makeClient({
              url: Redacted.make(DATABASE_URL)
            })
            yield* sql`DROP TABLE latest_rate CASCADE`
            yield* sql`DROP TABLE api_key CASCADE`
          })
        ).pipe(Effect.provide(Reactivity.layer))
        yield* request("/api/v1/rates/all")
        yield* requestAll
        redis.reset()
        yield* requestAll
        database.reset()
        yield* requestAll
        assert.includeMembers(Array.from(statuses), [200, 400, 401, 404, 500, 503])
        yield* TestCollector.awaitText(() => collector.textOf("traces"), /"name":"exception"/)
        yield* TestCollector.awaitText(() => collector.textOf("logs"), /Unexpected failure/)

        server.process.kill("SIGTERM")
        yield* server.ended
        const [first] = collector.exports
        assert.strictEqual(first?.headers.authorization, `Bearer ${planted.OTEL_KEY}`)
        assert.match(server.output(), /<redacted>/)
        for (const response of responses) PlantedSecrets.assertAbsent(planted, "A response", response)
        PlantedSecrets.assertAbsent(planted, "The log", server.output())
        for (const { body, path } of collector.exports) PlantedSecrets.assertAbsent(planted, path, body)
      }),
    TIMEOUT
  )

  it.live(
    "do not appear in the output of a failed start",
    () =>
      Effect.gen(function* () {
        const planted = generateSecrets()
        const port = yield* startLeakyPostgres
        const password = encodeURIComponent(planted.DATABASE_PASSWORD)
        const attempts: Record<string, Readonly<Record<string, string>>> = {
          "wrong settings": {
            DATABASE_URL: `mysql://effex:${planted.DATABASE_PASSWORD}@127.0.0.1/effex`,
            REDIS_URL: `${planted.REDIS_PASSWORD}@127.0.0.1`,
            FX_API_KEY: `${planted.FX_API_KEY} x`,
            FLUTTERWAVE_SECRET_KEY: `${planted.FLUTTERWAVE_SECRET_KEY} x`,
            FLUTTERWAVE_CLIENT_SECRET: `${planted.FLUTTERWAVE_CLIENT_SECRET} x`,
            OPENEXCHANGERATES_APP_ID: `${planted.OPENEXCHANGERATES_APP_ID} x`,
            AUDIT_SIGNING_KEY: `${planted.AUDIT_SIGNING_KEY}AAAA`
          },
          "wrong headers of a collector": {
            OTEL_EXPORTER_OTLP_ENDPOINT: `http://x:${planted.OTEL_KEY}@127.0.0.1:x`,
            OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%zz${planted.OTEL_KEY}`
          },
          "a database that quotes the password": {
            DATABASE_URL: `postgres://effex:${password}@127.0.0.1:${port}/effex`
          },
          "the same database, logs for a terminal": {
            DATABASE_URL: `postgres://effex:${password}@127.0.0.1:${port}/effex`,
            LOG_FORMAT: "pretty"
          }
        }
        for (const [description, env] of Object.entries(attempts)) {
          const running = yield* Effex.run(["serve"], { LOG_LEVEL: "trace", PORT: "0", ...env })
          assert.strictEqual(yield* running.ended, 1, running.output())
          assert.match(running.output(), /<redacted>/, description)
          PlantedSecrets.assertAbsent(planted, description, running.output())
        }
      }),
    TIMEOUT
  )
})
