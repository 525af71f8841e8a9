import { Effect } from "effect"
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"

/** One export request. */
export interface Export {
  /** Such as `/v1/traces`. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** OTLP as JSON. */
  readonly body: string
}

/** An OTLP collector that records all exports. */
export interface TestCollector {
  readonly url: string
  readonly exports: ReadonlyArray<Export>
  /** Returns all exports of a kind as one text. */
  readonly textOf: (kind: "traces" | "metrics" | "logs") => string
  /** Stops responding to exports. */
  readonly hang: () => void
}

/** Listens until the scope closes. */
export const listen = Effect.acquireRelease(
  Effect.promise(async () => {
    const exports: Array<Export> = []
    const pending = new Set<ServerResponse>()
    let isHanging = false
    const server = createServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        exports.push({
          path: request.url ?? "",
          headers: request.headers,
          body: Buffer.concat(chunks).toString()
        })
        if (isHanging) pending.add(response)
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
        isHanging = true
      },
      close: () => {
        server.closeAllConnections()
        server.close()
      }
    }
  }),
  ({ close }) => Effect.sync(close)
).pipe(Effect.map((collector): TestCollector => collector))

/** Environment that exports to the collector at short intervals. */
export const envOf = ({ url }: TestCollector) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_BSP_SCHEDULE_DELAY: "100",
  OTEL_BLRP_SCHEDULE_DELAY: "100",
  OTEL_METRIC_EXPORT_INTERVAL: "500"
})

/** Waits until a text matches a pattern. */
export const awaitText = (text: () => string, pattern: RegExp): Effect.Effect<void> =>
  Effect.suspend(() =>
    pattern.test(text())
      ? Effect.void
      : Effect.andThen(
          Effect.sleep("50 millis"),
          Effect.suspend(() => awaitText(text, pattern))
        )
  )
