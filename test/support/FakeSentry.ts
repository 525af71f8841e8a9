import { Effect, Schema } from "effect"
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"

/** An event as it was received. */
export interface ReceivedEvent {
  readonly headers: IncomingHttpHeaders
  readonly path: string
  /** The whole envelope. */
  readonly text: string
  readonly event: SentryEvent
}

const Frame = Schema.Struct({ function: Schema.String, filename: Schema.String, in_app: Schema.Boolean })

export const SentryEvent = Schema.Struct({
  event_id: Schema.String,
  timestamp: Schema.Finite,
  level: Schema.String,
  release: Schema.String,
  environment: Schema.String,
  server_name: Schema.optionalKey(Schema.String),
  fingerprint: Schema.Array(Schema.String),
  tags: Schema.Struct({ trace_id: Schema.optionalKey(Schema.String) }),
  extra: Schema.optionalKey(Schema.Struct({ not_reported_since: Schema.Int })),
  logentry: Schema.optionalKey(Schema.Struct({ formatted: Schema.String })),
  exception: Schema.optionalKey(
    Schema.Struct({
      values: Schema.Array(
        Schema.Struct({
          type: Schema.String,
          value: Schema.String,
          stacktrace: Schema.Struct({ frames: Schema.Array(Frame) })
        })
      )
    })
  )
})
export type SentryEvent = typeof SentryEvent.Type

const decodeEvent = Schema.decodeUnknownSync(Schema.fromJsonString(SentryEvent))

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
}

/** A receiver of Sentry envelopes. */
export interface FakeSentry {
  readonly dsn: string
  readonly received: ReadonlyArray<ReceivedEvent>
  /** Waits until this many events were received. */
  readonly awaitEvents: (count: number) => Effect.Effect<void>
  /** Answers the next requests with these, and all others with 200. */
  readonly answer: (...answers: ReadonlyArray<Answer>) => void
  /** Keeps answers back until the returned function is called. */
  readonly hold: () => () => void
}

/** Public key of the DSN. */
export const PUBLIC_KEY = "0123456789abcdef0123456789abcdef"

/** Listens until the scope closes. */
export const listen = Effect.acquireRelease(
  Effect.promise(async () => {
    const received: Array<ReceivedEvent> = []
    const answers: Array<Answer> = []
    const held: Array<ServerResponse> = []
    let waiters: ReadonlyArray<() => void> = []
    let isHolding = false
    const respond = (response: ServerResponse) => {
      const { headers = {}, status } = answers.shift() ?? { status: 200 }
      response.writeHead(status, headers).end("{}")
    }
    const server = createServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const text = Buffer.concat(chunks).toString()
        const event = decodeEvent(text.split("\n")[2])
        received.push({ headers: request.headers, path: request.url ?? "", text, event })
        for (const check of waiters) check()
        if (isHolding) held.push(response)
        else respond(response)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const awaitEvents = (count: number) =>
      Effect.callback<void>((resume) => {
        const check = () => {
          if (received.length >= count) resume(Effect.void)
        }
        waiters = [...waiters, check]
        check()
      })
    return {
      dsn: `http://${PUBLIC_KEY}@127.0.0.1:${port}/prefix/42`,
      received,
      awaitEvents,
      answer: (...next: ReadonlyArray<Answer>) => void answers.push(...next),
      hold: () => {
        isHolding = true
        return () => {
          isHolding = false
          for (const response of held.splice(0)) respond(response)
        }
      },
      close: () => {
        server.closeAllConnections()
        server.close()
      }
    }
  }),
  ({ close }) => Effect.sync(close)
).pipe(Effect.map((sentry): FakeSentry => sentry))
