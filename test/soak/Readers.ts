import { NodeWS } from "@effect/platform-node"
import { Effect, Queue, Random, Stream } from "effect"
import type { Node } from "./Nodes.ts"
import { Report } from "./Report.ts"
import { Harness } from "./Harness.ts"
import { makeReader, type Reader } from "./StreamModel.ts"

/** Longest lifetime of a connection. */
const MAX_CONNECTION_MILLIS = 20_000
const RECONNECT_PAUSE = "300 millis"

/** SSE event names of the WebSocket message types. */
const WEB_SOCKET_KINDS: Readonly<Record<string, string>> = {
  all_rates: "snapshot",
  rate_update: "rate",
  all_rates_update: "poll",
  gap: "gap"
}

/** Starts WebSocket and SSE readers that disconnect and reconnect to random nodes for the lifetime of the scope. */
export const start = Effect.fnUntraced(function* (seed: number, count: number) {
  const { nodes } = yield* Harness
  const report = yield* Report
  const readers = yield* Effect.forEach(
    Array.from({ length: count }, (_, i) => i),
    Effect.fnUntraced(function* (i) {
      const isSocket = i % 2 === 0
      const name = `${isSocket ? "WebSocket" : "SSE"} reader ${i + 1}`
      const reader = yield* makeReader(name)
      const open = isSocket ? overWebSocket(i % 4 === 2) : overEvents
      const connect = Effect.gen(function* () {
        const node = yield* Random.choice(nodes)
        const lifetime = yield* Random.nextIntBetween(500, MAX_CONNECTION_MILLIS)
        yield* readFrom(node, reader, open).pipe(Effect.timeoutOption(lifetime))
        yield* Effect.sleep(RECONNECT_PAUSE)
      }).pipe(Effect.orDie)
      yield* connect.pipe(Effect.forever, Random.withSeed(`${seed} ${name}`), Effect.forkScoped)
      return reader
    })
  )
  const reportFigures = () => {
    const sum = (of: (reader: Reader) => number) => readers.reduce((all, reader) => all + of(reader), 0)
    report.figure("stream events", String(sum(({ events }) => events())))
    report.figure("stream gaps", String(sum(({ gaps }) => gaps())))
  }
  return { reportFigures }
})

interface Event {
  readonly kind: string
  readonly text: string
}

/** Opens a connection to a node, and resumes from a position if there is one. */
type Open = (url: string, since: string | undefined) => Stream.Stream<Event>

const readFrom = Effect.fnUntraced(function* (node: Node, reader: Reader, open: Open) {
  const url = node.current()?.url
  if (url === undefined) return
  yield* Stream.runForEach(open(url, reader.resume()), ({ kind, text }) => reader.event(kind, text))
})

/** A slow reader is paused most of the time. */
const overWebSocket =
  (isSlow: boolean): Open =>
  (url, since) =>
    Stream.callback<Event>((queue) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const query = since === undefined ? "" : `?since=${since}`
          const socket = new NodeWS.WebSocket(`${url.replace(/^http/, "ws")}/ws/rates/${query}`)
          socket.on("message", (data: Buffer) => {
            const text = data.toString()
            const kind = WEB_SOCKET_KINDS[/^{"type":"(\w+)"/.exec(text)?.[1] ?? ""] ?? "other"
            Queue.offerUnsafe(queue, { kind, text })
          })
          socket.on("error", () => Queue.endUnsafe(queue))
          socket.on("close", () => Queue.endUnsafe(queue))
          const timer = isSlow ? setInterval(() => pauseReading(socket), PAUSE_MILLIS * 1.5) : undefined
          return { socket, timer }
        }),
        ({ socket, timer }) =>
          Effect.sync(() => {
            clearInterval(timer)
            socket.terminate()
          })
      )
    )

const PAUSE_MILLIS = 3000

const pauseReading = (socket: NodeWS.WebSocket) => {
  socket.pause()
  setTimeout(() => socket.resume(), PAUSE_MILLIS)
}

const overEvents: Open = (url, since) =>
  Stream.callback<Event>((queue) =>
    Effect.gen(function* () {
      const controller = yield* Effect.acquireRelease(
        Effect.sync(() => new AbortController()),
        (controller) => Effect.sync(() => controller.abort())
      )
      const headers = since === undefined ? {} : { "last-event-id": since }
      const offer = (block: string) => {
        const kind = /^event: (.*)$/m.exec(block)?.[1]
        const text = /^data: (.*)$/m.exec(block)?.[1]
        if (kind !== undefined && text !== undefined) Queue.offerUnsafe(queue, { kind, text })
      }
      yield* Effect.ignore(
        Effect.tryPromise(() => readBlocks(`${url}/api/v1/rates/stream`, headers, controller.signal, offer))
      )
      Queue.endUnsafe(queue)
    })
  )

/** Calls `offer` with each block of an event stream until the connection ends. */
const readBlocks = async (
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  offer: (block: string) => void
) => {
  const response = await fetch(url, { headers, signal })
  const decoder = new TextDecoder()
  let rest = ""
  for await (const chunk of response.body ?? []) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split("\n\n")
    rest = blocks.pop() ?? ""
    blocks.forEach(offer)
  }
}
