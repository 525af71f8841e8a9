import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createServer } from "node:net"
import * as ListenFailure from "../../../src/cli/server/ListenFailure.ts"
import * as FreePort from "../../../tools/demo/FreePort.ts"

const HOST = "127.0.0.1"

/** A program that listens on a port until the scope closes. */
const listen = Effect.acquireRelease(
  Effect.callback<ReturnType<typeof createServer>>((resume) => {
    const server = createServer().listen(0, HOST, () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
)

const portOf = (server: ReturnType<typeof createServer>) => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : assert.fail("no port")
}

describe("The port of the demo", () => {
  it.live("is refused while another program listens there, and taken afterwards", () =>
    Effect.gen(function* () {
      const port = yield* Effect.scoped(
        Effect.gen(function* () {
          const port = portOf(yield* listen)
          const { cause } = yield* Effect.flip(FreePort.require(HOST, port))
          assert.include(ListenFailure.describe(cause) ?? "", `Port ${port} of ${HOST} is in use`)
          return port
        })
      )
      yield* FreePort.require(HOST, port)
    })
  )
})
