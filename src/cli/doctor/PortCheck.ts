import { Effect } from "effect"
import { createServer } from "node:net"
import { Settings } from "../../config/Settings.ts"
import { failed, ok } from "./CheckResult.ts"

/** Checks that a server can listen on HOST and PORT, or that effex already does. */
export const run = Effect.gen(function* () {
  const { host, port } = yield* Settings
  if (port === 0) return [ok("port", "any free port")]
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`
  switch (yield* tryToListen(host, port)) {
    case "":
      return [ok("port", `${address} is free`)]
    case "EADDRINUSE":
      return (yield* isEffex(toReachableHost(host), port))
        ? [ok("port", `effex is already listening on ${address}`)]
        : [
            failed(
              "port",
              `another program is listening on ${address}`,
              "Stop that program, or set another PORT"
            )
          ]
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return [
        failed(
          "port",
          `this machine has no address ${host}`,
          "Set HOST to an address of this machine, or to 0.0.0.0"
        )
      ]
    case "EACCES":
      return [
        failed(
          "port",
          `no permission to listen on ${address}`,
          "Set PORT above 1023, or grant the permission"
        )
      ]
    default:
      return [failed("port", `cannot listen on ${address}`, "Check HOST and PORT")]
  }
})

/** Returns the error code of an attempt to listen. Empty on success. */
const tryToListen = (host: string, port: number) =>
  Effect.callback<string>((resume) => {
    const server = createServer()
      .once("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code ?? error.name)))
      .once("listening", () => server.close(() => resume(Effect.succeed(""))))
      .listen(port, host)
  })

/** Replaces a wildcard address with the loopback address. */
const toReachableHost = (host: string) => {
  if (host === "0.0.0.0") return "127.0.0.1"
  if (host === "::") return "[::1]"
  return host.includes(":") ? `[${host}]` : host
}

const isEffex = (host: string, port: number) =>
  Effect.tryPromise(async (signal) => {
    const response = await fetch(`http://${host}:${port}/`, {
      headers: { accept: "application/json" },
      signal
    })
    return /"name": "effex"/.test(await response.text())
  }).pipe(
    Effect.timeout("2 seconds"),
    Effect.orElseSucceed(() => false)
  )
