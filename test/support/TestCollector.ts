import { Effect } from "effect"
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"

/** What was exported at once. */
export interface Export {
  /** Such as `/v1/traces`. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** OTLP in JSON. */
  readonly body: string
}

/** A collector of traces, metrics and logs, which keeps them, and may stop answering. */
export interface TestCollector {
  readonly url: string
  readonly exports: ReadonlyArray<Export>
  /** Everything that was exported of a kind, as one text. */
  readonly textOf: (kind: "traces" | "metrics" | "logs") => string
  /** From now on takes everything and answers nothing. */
  readonly hang: () => void
}

/** Listens for as long as the scope is open. */
export const listen = Effect.acquireRelease(
  Effect.promise(async () => {
    const exports: Array<Export> = []
    const waiting = new Set<ServerResponse>()
    let hangs = false
    const server = createServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        exports.push({
          path: request.url ?? "",
          headers: request.headers,
          body: Buffer.concat(chunks).toString()
        })
        if (hangs) waiting.add(response)
        else response.writeHead(200, { "content-type": "application/json" }).end("{}")
      })
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    return {
      url: `http://127.0.0.1:${port}`,
      exports,
      textOf: (kind: string) =>
        exports
          .filter(({ path }) => path === `/v1/${kind}`)
          .map(({ body }) => body)
          .join("\n"),
      hang: () => {
        hangs = true
      },
      close: () => {
        server.closeAllConnections()
        server.close()
      }
    }
  }),
  ({ close }) => Effect.sync(close)
).pipe(Effect.map((collector): TestCollector => collector))

/** An environment that leads there, and exports soon. */
export const envOf = ({ url }: TestCollector) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_BSP_SCHEDULE_DELAY: "100",
  OTEL_BLRP_SCHEDULE_DELAY: "100",
  OTEL_METRIC_EXPORT_INTERVAL: "500"
})

/** Waits until a text matches. */
export const awaitText = (text: () => string, pattern: RegExp): Effect.Effect<void> =>
  Effect.suspend(() =>
    pattern.test(text())
      ? Effect.void
      : Effect.andThen(
          Effect.sleep("50 millis"),
          Effect.suspend(() => awaitText(text, pattern))
        )
  )
