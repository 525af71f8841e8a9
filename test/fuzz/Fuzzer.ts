import { Effect, Option, Result, Schedule, Schema } from "effect"
import { HttpClient } from "effect/http"
import * as Routes from "../../src/server/Routes.ts"
import type { Answer } from "./Answer.ts"
import * as Checks from "./Checks.ts"
import * as RandomChoice from "./RandomChoice.ts"
import * as Document from "./Document.ts"
import * as RequestDraft from "./RequestDraft.ts"
import * as ResponseIds from "./ResponseIds.ts"
import * as Malformed from "./Malformed.ts"
import * as Report from "./Report.ts"
import * as Requests from "./Requests.ts"
import * as WebSocketMessages from "./SocketMessages.ts"
import * as WebSocketFuzzer from "./WebSocketFuzzer.ts"
import { NoTarget, type Target } from "./Target.ts"
import * as RawRequests from "./RawRequests.ts"

/** How many of what is asked are no HTTP, and how many are conversations over a WebSocket. */
const MALFORMED = 0.04
const CONVERSATIONS = 0.01
/** How often the key is shown where there is one. */
const KEYED = 0.95
/**
 * A machine that stalls answers late, or that its database did, on every connection at once. That is asked again, and
 * counted: what is wrong with the server is wrong each time, or more often than a machine stalls.
 */
const MAX_REPEATS = 2
const mostRepeats = ({ connections, requests }: Options) => Math.max(2 * connections, requests / 1000)

/** MiB by which the server may grow while it is asked. */
const MAX_GROWTH = 512

/** What is asked of whom. */
export interface Options {
  readonly target: Target
  readonly requests: number
  readonly seed: string
  readonly connections: number
  /** Is told now and then how many requests were answered, and how many kinds of violations were found. */
  readonly progress: (requests: number, violations: number) => Effect.Effect<void>
}

/** Asks everything of the document of a server, right and wrong, and reports what it should not have answered. */
export const run = Effect.fn("Fuzzer.run")(function* (options: Options) {
  const { connections, progress, requests, seed, target } = options
  const { hostname: host, port } = new URL(target.url)
  const address = { host, port: Number(port) || 80 }
  const document = yield* Document.read(yield* ready(target.url), seed)
  const harvest = ResponseIds.make()
  const check = Checks.make(document)
  const draftNext = Requests.make(document, harvest)
  const talks = yield* talksOf(harvest, seed)
  const journal = Report.make()
  const before = yield* target.memory
  let next = 0

  const ask = Effect.fnUntraced(function* (wire: RawRequests.Connection, number: number) {
    const dice = yield* RandomChoice.make(`${seed}/${number}`)
    if (dice.chance(CONVERSATIONS)) {
      const talk = dice.pick(talks)
      journal.talked(talk.path, number, yield* WebSocketFuzzer.converse(address, talk, dice))
      return
    }
    const sent = dice.chance(MALFORMED)
      ? Malformed.make(dice, number, target.key)
      : RequestDraft.render(keyed(draftNext(dice), target.key, dice), number, `${host}:${address.port}`)
    const reached = document.find(sent.method, sent.target)?.name ?? rowOf(sent)
    let exchange = yield* wire.ask(sent)
    for (let repeats = 0; Checks.isBusy(exchange) && repeats < MAX_REPEATS; repeats++) {
      const others = check(sent, exchange).filter((fault) => !Checks.isOfBusy(fault))
      journal.again(reached, sent, exchange, others)
      exchange = yield* Effect.delay(wire.ask(sent), "1 second")
    }
    journal.asked(reached, sent, exchange, check(sent, exchange))
    if (sent.legible) for (const answer of exchange.answers) reap(harvest, answer)
  })

  const work = Effect.gen(function* () {
    const wire = yield* RawRequests.make(address)
    while (next < requests) yield* ask(wire, next++)
  }).pipe(Effect.scoped)

  yield* Effect.suspend(() => progress(journal.report.requests, journal.report.violations.size)).pipe(
    Effect.repeat(Schedule.spaced("5 seconds")),
    Effect.forkChild
  )
  yield* Effect.all(
    Array.from({ length: connections }, () => work),
    { concurrency: "unbounded", discard: true }
  )

  for (const line of yield* target.errors)
    journal.blame({ kind: `log: ${kindOfLine(line)}`, detail: line.slice(0, 2_000) })
  const alive = (yield* target.isRunning) && (yield* isLive(target.url))
  if (!alive) journal.blame({ kind: "the server does not run any more", detail: "" })
  const repeats = Array.from(journal.report.repeated.values()).reduce((sum, times) => sum + times, 0)
  if (repeats > mostRepeats(options))
    journal.blame({ kind: "late, or 503, too often", detail: JSON.stringify([...journal.report.repeated]) })
  const after = yield* target.memory
  const memory = Option.zipWith(before, after, (from, to) => ({ from, to }))
  if (Option.isSome(memory) && memory.value.to - memory.value.from > MAX_GROWTH)
    journal.blame({ kind: "the server holds more and more", detail: JSON.stringify(memory.value) })
  return { ...journal.report, address, memory }
})

const keyed = (
  draft: RequestDraft.RequestDraft,
  key: string | undefined,
  dice: RandomChoice.RandomChoice
) => {
  if (key !== undefined && dice.chance(KEYED)) draft.headers.push(["Authorization", `Bearer ${key}`])
  return draft
}

/** Where what reaches nothing is counted. */
const rowOf = ({ legible, method }: RequestDraft.Sent) => (legible ? `${method} elsewhere` : "malformed")

/** A line of the log without what is of this one failure. */
const kindOfLine = (line: string) => (/"message":(".*?"|\[.*?\])/.exec(line)?.[1] ?? line).slice(0, 200)

/** Keeps what an answer told. */
const reap = (harvest: ResponseIds.ResponseIds, { body, headers, status }: Answer) => {
  if (status >= 400) return
  const etag = headers.get("etag")
  if (etag !== undefined) harvest.keep("etag", etag)
  const text = body.toString()
  const [, position] = /^id: ?(.+)$/m.exec(text) ?? []
  if (position !== undefined) harvest.keep("position", position)
  const json = body.length < 100_000 ? decodeJson(text) : Option.none()
  if (Option.isSome(json)) harvest.reap(json.value)
}

const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

const talksOf = Effect.fnUntraced(function* (harvest: ResponseIds.ResponseIds, seed: string) {
  const talks: ReadonlyArray<WebSocketFuzzer.Talk> = [
    {
      path: Routes.paths.socket,
      messages: WebSocketMessages.toRates(harvest),
      ping: '{"type":"ping"}',
      pong: /^\{"type":"pong"\}$/
    },
    {
      path: Routes.paths.rpc,
      messages: yield* WebSocketMessages.toRpc(harvest, seed),
      ping: '{"_tag":"Ping"}',
      pong: /"_tag":"Pong"/
    }
  ]
  return talks
})

/** The document, once the server has rates. */
const ready = Effect.fnUntraced(
  function* (url: string) {
    yield* HttpClient.get(`${url}/health/ready`).pipe(
      Effect.filterOrFail(({ status }) => status === 200),
      Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 600 })
    )
    return yield* Effect.flatMap(HttpClient.get(url + Routes.paths.openapi), ({ json }) => json)
  },
  (effect, url) => Effect.mapError(effect, () => new NoTarget({ detail: `No rates at ${url}` }))
)

const isLive = (url: string) =>
  HttpClient.get(`${url}/health/live`).pipe(
    Effect.result,
    Effect.map((answer) => Result.isSuccess(answer) && answer.success.status === 200)
  )
