import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { WebSocketServer } from "ws"
import { connect } from "../../../src/client/promise/Connect.ts"
import { EffexError } from "../../../src/client/promise/EffexError.ts"
import * as RateStream from "../../../src/client/promise/streams/RateStream.ts"
import type { StreamMessage } from "../../../src/client/promise/streams/StreamMessages.ts"
import type { Rate } from "../../../src/client/promise/Values.ts"
import * as ScriptedServer from "../../support/ScriptedServer.ts"

type Transport = "sse" | "websocket"

/** An event of a stream, under its SSE name. */
type StreamEvent = readonly [
  name: "snapshot" | "rate" | "gap" | "poll" | "heartbeat",
  sequence: number,
  ...rates: ReadonlyArray<object>
]

const rate = (text: string, to = "NGN") => ({
  from: "USD",
  to,
  rate: text,
  rate_id: `${to}-${text}`,
  provider: "test",
  fetched_at: "2026-11-21T03:27:17.086Z",
  stale: false
})

const messageOf = ([name, sequence, ...rates]: StreamEvent) => ({
  epoch: "e",
  sequence,
  ...(name === "snapshot" ? { rates } : rates[0])
})

const WEB_SOCKET_TYPES = {
  snapshot: "all_rates",
  rate: "rate_update",
  gap: "gap",
  poll: "all_rates_update",
  heartbeat: "heartbeat"
}

/** Events of one connection, and whether it then stays open. */
interface Script {
  readonly events: ReadonlyArray<StreamEvent>
  readonly staysOpen?: boolean
}

const toSse = (event: StreamEvent) =>
  `id: e-${event[1]}\r\nevent: ${event[0]}\r\ndata: ${JSON.stringify(messageOf(event))}\r\n\r\n`

/** Listens for streams of both transports. Connection n gets script n. Records the positions that clients resume from. */
const listen = Effect.fnUntraced(function* (...scripts: ReadonlyArray<Script>) {
  const positions: Array<string | null> = []
  const { promise: subscribed, resolve: onSubscribe } = Promise.withResolvers<unknown>()
  const nextScript = (path: string) => {
    positions.push(new URL(path, "http://localhost").searchParams.get("since"))
    return scripts[positions.length - 1]
  }
  const { server, url } = yield* ScriptedServer.listen((response, { path }) => {
    const script = nextScript(path)
    if (script === undefined) {
      response.destroy()
      return
    }
    response.writeHead(200, { "content-type": "text/event-stream" }).write("retry: 1000\n\n: heartbeat\n\n")
    const text = script.events.map(toSse).join("")
    // Split within an event and within a line break.
    response.write(text.slice(0, -3))
    response.write(text.slice(-3))
    if (script.staysOpen !== true) response.end()
  })
  const webSockets = new WebSocketServer({ server })
  webSockets.on("connection", (socket, { url = "" }) => {
    const script = nextScript(url)
    if (script === undefined) {
      socket.terminate()
      return
    }
    socket.once("message", (data) => onSubscribe(JSON.parse(String(data))))
    for (const event of script.events) {
      socket.send(JSON.stringify({ type: WEB_SOCKET_TYPES[event[0]], ...messageOf(event) }))
    }
    if (script.staysOpen !== true) socket.close(1001)
  })
  return { positions, subscribed, url }
})

/** Returns the first items of a stream and leaves it. */
const take = <A>(items: AsyncIterable<A>, count: number) =>
  Effect.promise(async () => {
    const taken: Array<A> = []
    for await (const item of items) if (taken.push(item) === count) break
    return taken
  })

const errorOf = (items: AsyncIterable<unknown>) =>
  Effect.promise(async () => {
    const error = await items[Symbol.asyncIterator]()
      .next()
      .then(
        () => undefined,
        (thrown: unknown) => thrown
      )
    assert.instanceOf(error, EffexError)
    return error
  })

const makeController = () => new AbortController()

const digits = ({ rate }: Rate) => rate

describe.each<Transport>(["sse", "websocket"])("connect: streams over %s", (transport) => {
  it.live("resume at their position, yield each rate once, and report their state", () =>
    Effect.gen(function* () {
      const { positions, url } = yield* listen(
        {
          events: [
            ["snapshot", 5, rate("1500"), rate("130", "KES")],
            ["rate", 6, rate("1501")]
          ]
        },
        {
          events: [
            ["rate", 7, rate("1502")],
            ["gap", 9]
          ]
        },
        {
          events: [
            ["gap", 9],
            ["snapshot", 9, rate("1502"), rate("131", "KES")]
          ],
          staysOpen: true
        }
      )
      const states: Array<string> = []
      const stream = connect(url, { transport }).watch(undefined, { onState: (state) => states.push(state) })
      assert.strictEqual(stream.state, "connecting")
      assert.deepStrictEqual((yield* take(stream, 5)).map(digits), ["1500", "130", "1501", "1502", "131"])
      assert.deepStrictEqual(positions, [null, "e-6", "e-7"])
      assert.deepStrictEqual(states, ["live", "stale", "live", "stale", "live", "closed"])
      assert.strictEqual(stream.state, "closed")
      assert.instanceOf(stream.lastContact, Date)
      assert.deepStrictEqual(yield* take(stream, 1), [])
    }).pipe(Effect.scoped)
  )

  it.live("yield events with positions, without polls and heartbeats", () =>
    Effect.gen(function* () {
      const { positions, url } = yield* listen({
        events: [
          ["poll", 5],
          ["heartbeat", 5],
          ["gap", 6],
          ["snapshot", 6, rate("1500")],
          ["rate", 7, rate("1501")]
        ],
        staysOpen: true
      })
      const events = yield* take(connect(url, { transport }).watchEvents({ since: "e-4" }), 3)
      assert.deepStrictEqual(
        events.map(({ position, type }) => `${type} ${position}`),
        ["gap e-6", "snapshot e-6", "rate e-7"]
      )
      assert.deepStrictEqual(positions, ["e-4"])
    }).pipe(Effect.scoped)
  )

  it.live("yield only their pairs", () =>
    Effect.gen(function* () {
      const { subscribed, url } = yield* listen({
        events: [
          ["snapshot", 1, rate("1500"), rate("130", "KES")],
          ["rate", 2, rate("1501")],
          ["rate", 3, rate("131", "KES")]
        ],
        staysOpen: true
      })
      const rates = yield* take(connect(url, { transport }).watch(["usd:kes"]), 2)
      assert.deepStrictEqual(rates.map(digits), ["130", "131"])
      if (transport === "websocket") {
        assert.deepStrictEqual(yield* Effect.promise(() => subscribed), {
          type: "subscribe",
          pairs: ["USD:KES"]
        })
      }
    }).pipe(Effect.scoped)
  )

  it.live("are stale while the server is cut off from the changes, as its heartbeats say", () =>
    Effect.gen(function* () {
      const { url } = yield* listen({
        events: [
          ["snapshot", 1, rate("1500")],
          ["heartbeat", 1, { last_contact: null, last_contact_age_seconds: null }],
          ["heartbeat", 1, { last_contact: "2026-11-21T03:27:17.086Z", last_contact_age_seconds: 95.2 }],
          ["heartbeat", 1, { last_contact: "2026-11-21T03:28:52.086Z", last_contact_age_seconds: 0.7 }],
          ["rate", 2, rate("1501")]
        ],
        staysOpen: true
      })
      const states: Array<string> = []
      const onState = (state: string) => states.push(state)
      yield* take(connect(url, { transport }).watch(["USD:NGN"], { onState }), 2)
      assert.deepStrictEqual(states, ["live", "stale", "live", "closed"])
    }).pipe(Effect.scoped)
  )

  it.live("fail if the first connection takes longer than connectTimeout", () =>
    Effect.gen(function* () {
      const { url } = yield* listen()
      const stream = connect(url, { transport, connectTimeout: "700 millis" }).watch()
      const error = yield* errorOf(stream)
      assert.deepInclude(error, { code: "unreachable", status: 0, retryable: true })
      assert.include(error.message, url)
      assert.strictEqual(stream.state, "closed")
    }).pipe(Effect.scoped)
  )

  it.live("end with close, with their signal, and with the client", () =>
    Effect.gen(function* () {
      const script = { events: [["snapshot", 1, rate("1500")]], staysOpen: true } as const
      const { url } = yield* listen(script, script, script)
      const effex = connect(url, { transport })
      const waiting = Effect.fnUntraced(function* (end: () => void, signal?: AbortSignal) {
        const stream = effex.watch(["USD:NGN"], { signal })
        const items = stream[Symbol.asyncIterator]()
        return yield* Effect.promise(async () => {
          await items.next()
          const next = items.next().then(
            ({ done }) => done,
            (error: unknown) => error
          )
          end()
          return { outcome: await next, state: stream.state }
        })
      })
      const stream = effex.watch(["USD:NGN"])
      const items = stream[Symbol.asyncIterator]()
      yield* Effect.promise(() => items.next())
      const next = items.next()
      stream.close()
      assert.isTrue((yield* Effect.promise(() => next)).done)
      const controller = makeController()
      const { outcome } = yield* waiting(() => controller.abort(), controller.signal)
      assert.deepInclude(outcome, { code: "aborted" })
      assert.deepStrictEqual(yield* waiting(() => void effex.close()), { outcome: true, state: "closed" })
      assert.deepStrictEqual(yield* take(effex.watch(), 1), [])
    }).pipe(Effect.scoped)
  )
})

describe("connect: streams", () => {
  it.live("give a slow loop the latest rates after a gap instead of an unbounded queue", () =>
    Effect.gen(function* () {
      const changes = Array.from({ length: 3000 }, (_, i): StreamEvent => ["rate", i + 2, rate(`${i + 1}`)])
      const events: ReadonlyArray<StreamEvent> = [
        ["snapshot", 1, rate("1500"), rate("130", "KES")],
        ...changes
      ]
      const stream = RateStream.make({
        url: "http://127.0.0.1",
        connectTimeoutMillis: 60_000,
        closed: makeController().signal,
        itemsOf: (message) => [message],
        // Sends everything before the loop runs again.
        connect: (_, { onMessage, onOpen }, signal) => {
          onOpen()
          for (const event of events) onMessage(event[0], messageOf(event))
          return new Promise((resolve) => signal.addEventListener("abort", () => resolve()))
        }
      })
      const messages = yield* Effect.promise(async () => {
        const messages: Array<StreamMessage> = []
        for await (const message of stream) {
          messages.push(message)
          if (message.position === "e-3001") break
        }
        return messages
      })
      assert.isAtMost(messages.length, 1000)
      const [gap, snapshot, change] = messages
      assert.strictEqual(gap?.type, "gap")
      assert.deepStrictEqual(
        snapshot?.type === "snapshot" && snapshot.rates.map(({ rate, to }) => `${to} ${rate}`).toSorted(),
        ["KES 130", `NGN ${Number(snapshot?.position.slice(2)) - 1}`]
      )
      assert.strictEqual(change?.position, `e-${Number(snapshot?.position.slice(2)) + 1}`)
      assert.deepInclude(messages.at(-1), { type: "rate", position: "e-3001" })
    })
  )

  it.live("fail with a problem that is not retryable, and retry others", () =>
    Effect.gen(function* () {
      const refused = yield* ScriptedServer.listen(ScriptedServer.problem(422, "unsupported-pair", false))
      const error = yield* errorOf(connect(refused.url, { transport: "sse" }).watch(["USD:EUR"]))
      assert.deepInclude(error, { code: "unsupported-pair", status: 422, detail: "about unsupported-pair" })
      assert.lengthOf(refused.requests, 1)
      const limited = yield* ScriptedServer.listen(
        ScriptedServer.problem(429, "rate-limited", true),
        (response) =>
          response
            .writeHead(200, { "content-type": "text/event-stream" })
            .write(toSse(["snapshot", 1, rate("1500")]))
      )
      assert.lengthOf(yield* take(connect(limited.url, { transport: "sse" }).watch(), 1), 1)
      assert.lengthOf(limited.requests, 2)
    }).pipe(Effect.scoped)
  )

  it.live("fail with a problem in a WebSocket message", () =>
    Effect.gen(function* () {
      const { server, url } = yield* ScriptedServer.listen(ScriptedServer.silence)
      new WebSocketServer({ server }).on("connection", (socket) =>
        socket.send(
          JSON.stringify({
            type: "error",
            code: "unsupported-pair",
            title: "no",
            detail: "USD:EUR is not supported",
            retryable: false
          })
        )
      )
      const error = yield* errorOf(connect(url, { transport: "websocket" }).watch(["USD:EUR"]))
      assert.deepInclude(error, { code: "unsupported-pair", status: 422, detail: "USD:EUR is not supported" })
    }).pipe(Effect.scoped)
  )

  it.live("report the state of a connection with the words of earlier versions", () =>
    Effect.gen(function* () {
      const { url } = yield* listen({ events: [] }, { events: [], staysOpen: true })
      assert.deepStrictEqual(yield* take(connect(url, { transport: "sse" }).watchConnection(), 4), [
        "connecting",
        "connected",
        "reconnecting",
        "connected"
      ])
    }).pipe(Effect.scoped)
  )
})
