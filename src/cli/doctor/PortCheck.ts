import { Effect } from "effect"
import { createServer } from "node:net"
import { Settings } from "../../config/Settings.ts"
import { failed, ok } from "./Finding.ts"

/** Whether a server may listen on HOST and PORT, or does already. */
export const examine = Effect.gen(function* () {
  const { host, port } = yield* Settings
  if (port === 0) return [ok("port", "whichever is free")]
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`
  switch (yield* tryToListen(host, port)) {
    case "":
      return [ok("port", `${address} is free`)]
    case "EADDRINUSE":
      return (yield* isEffex(reachable(host), port))
        ? [ok("port", `effex listens on ${address} already`)]
        : [failed("port", `something else listens on ${address}`, "Stop that, or set PORT")]
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return [
        failed("port", `this machine has no address ${host}`, "Set HOST to one that it has, or to 0.0.0.0")
      ]
    case "EACCES":
      return [failed("port", `${address} may not be listened on`, "Set PORT to one above 1023, or allow it")]
    default:
      return [failed("port", `${address} cannot be listened on`, "Look at HOST and PORT")]
  }
})

/** The code of what went wrong; empty where nothing did. */
const tryToListen = (host: string, port: number) =>
  Effect.callback<string>((resume) => {
    const server = createServer()
      .once("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code ?? error.name)))
      .once("listening", () => server.close(() => resume(Effect.succeed(""))))
      .listen(port, host)
  })

/** Where to ask for what listens everywhere. */
const reachable = (host: string) => {
  if (host === "0.0.0.0") return "127.0.0.1"
  if (host === "::") return "[::1]"
  return host.includes(":") ? `[${host}]` : host
}

const isEffex = (host: string, port: number) =>
  Effect.tryPromise(async (signal) => {
    const response = await fetch(`http://${host}:${port}/openapi.json`, { signal })
    return /"title":"effex"/.test(await response.text())
  }).pipe(
    Effect.timeout("2 seconds"),
    Effect.orElseSucceed(() => false)
  )
