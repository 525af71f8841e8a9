import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { createServer } from "node:net"
import * as ListenFailure from "../../../src/cli/server/ListenFailure.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"

/** A command that must fail with one message and without a stack trace. */
const failure = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>
) {
  const { code, output } = yield* EffexCommand.exec(args, { LOG_LEVEL: "error", ...env })
  assert.strictEqual(code, 1, output)
  assert.notMatch(output, /^\s+at |\[cause\]/m)
  return output.trim()
})

describe("effex that cannot start", () => {
  it.live("names every invalid setting in one message", () =>
    Effect.gen(function* () {
      const invalid = {
        HOST: "a b",
        PORT: "x",
        DATABASE_URL: "mysql://x",
        REDIS_URL: "x",
        POLL_INTERVAL: "5",
        STALE_AFTER: "x",
        LOG_LEVEL: "loud",
        OTEL_EXPORTER_OTLP_ENDPOINT: "zzz",
        OTEL_TRACES_SAMPLER: "bad"
      }
      const output = yield* failure(["serve"], invalid)
      for (const name of Object.keys(invalid)) assert.match(output, new RegExp(`^  ${name}: found `, "m"))
    })
  )

  it.live("names a database that does not exist, and what to do", () =>
    Effect.gen(function* () {
      const url = (yield* TestDatabase.create).replace(/test_\w+/, "no_such_database")
      const output = yield* failure(["migrate"], { DATABASE_URL: url })
      assert.match(
        output,
        /^The database is unavailable: PostgreSQL at .*no_such_database: the database does not exist .*; create it with createdb/
      )
      assert.strictEqual(output.split("\n").length, 1)
    }).pipe(Effect.scoped)
  )

  it.live("names a DATA_DIR that is a file or lies in one", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const file = yield* fs.makeTempFileScoped()
      for (const dataDir of [file, `${file}/data`]) {
        assert.strictEqual(
          yield* failure(["migrate"], { DATA_DIR: dataDir }),
          `The embedded PostgreSQL did not start: DATA_DIR, ${file}, is a file; set it to a directory. Set DATABASE_URL to use your own PostgreSQL.`
        )
      }
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.live("names a port that is in use", () =>
    Effect.gen(function* () {
      const server = yield* Effect.acquireRelease(
        Effect.promise(
          () =>
            new Promise<ReturnType<typeof createServer>>((resolve) => {
              const listening = createServer().listen(0, "127.0.0.1", () => resolve(listening))
            })
        ),
        (server) => Effect.promise(() => new Promise((resolve) => server.close(resolve)))
      )
      const address = server.address()
      const port = typeof address === "object" && address !== null ? String(address.port) : ""
      const url = yield* TestDatabase.create
      assert.include(
        yield* failure(["serve", "--port", port], { DATABASE_URL: url, POLL_INTERVAL: "off" }),
        `Port ${port} of 127.0.0.1 is in use by another program (EADDRINUSE); stop it, or use another port with --port or PORT`
      )
    }).pipe(Effect.scoped)
  )

  it("explains an address that is not of this machine, and a privileged port", () => {
    const error = (code: string, syscall = "listen") => ({ code, syscall, address: "10.1.2.3", port: 80 })
    assert.include(
      ListenFailure.describe(error("EADDRNOTAVAIL")),
      "10.1.2.3 is not an address of this machine"
    )
    assert.include(ListenFailure.describe(error("EACCES")), "may not listen on port 80; use a port from 1024")
    assert.include(ListenFailure.describe(error("ENOTFOUND", "getaddrinfo")), "HOST is not an address")
    assert.isUndefined(ListenFailure.describe(error("ECONNREFUSED", "connect")))
    assert.isUndefined(ListenFailure.describe(new Error("other")))
  })
})
