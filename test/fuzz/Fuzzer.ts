import { Effect, Option, Result, Schedule, Schema } from "effect"
import { HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"
import * as Routes from "../../src/server/Routes.ts"
import * as Callers from "./Callers.ts"
import * as Checks from "./Checks.ts"
import * as RandomChoice from "./RandomChoice.ts"
import * as Document from "./Document.ts"
import * as RequestDraft from "./requests/RequestDraft.ts"
import * as Resources from "./requests/Resources.ts"
import * as ResponseIds from "./requests/ResponseIds.ts"
import * as Malformed from "./requests/Malformed.ts"
import * as Report from "./Report.ts"
import * as Requests from "./requests/Requests.ts"
import * as WebSocketMessages from "./WebSocketMessages.ts"
import * as WebSocketFuzzer from "./WebSocketFuzzer.ts"
import * as Target from "./Target.ts"
import * as RawConnection from "./RawConnection.ts"

/** Shares of malformed requests and of WebSocket conversations. */
const MALFORMED_RATIO = 0.04
const WEBSOCKET_RATIO = 0.01
/** Share of requests with an address of their own, where the server trusts the header. */
const FORWARDED_RATIO = 0.8
/**
 * Retries per request after a timeout or a 503. When the machine stalls, all connections time out at once. A real defect
 * fails each time, or more often than the machine stalls.
 */
const MAX_RETRIES = 2
const maxTotalRetries = ({ connections, requests }: Options) => Math.max(2 * connections, requests / 1000)

/** Allowed growth of the server's memory during a run. */
const MAX_GROWTH_MIB = 512

/** Options of a run. */
export interface Options {
  readonly target: Target.Target
  readonly requests: number
  readonly seed: string
  readonly connections: number
  /** Called every 5 seconds with the result so far. */
  readonly progress: (report: Report.Report) => Effect.Effect<void>
}

/**
 * Sends valid, invalid and malformed requests to every documented operation, and reports responses that violate the
 * contract.
 */
export const run = Effect.fn("Fuzzer.run")(function* (options: Options) {
  const { connections, progress, requests, seed, target } = options
  const address = Target.addressOf(target)
  const document = yield* Document.read(yield* awaitDocument(target.url), seed)
  const responseIds = ResponseIds.make(yield* ownKeyIds(target))
  const check = Checks.make(document)
  const resources = Resources.make()
  const requestsOf = Requests.make(document, resources)
  const callers = yield* Callers.make(target, document, responseIds)
  const endpoints = yield* makeEndpoints(responseIds, callers, seed)
  const report = Report.make()
  const memoryBefore = yield* target.memory
  let next = 0

  const runOne = Effect.fnUntraced(function* (connection: RawConnection.Connection, number: number) {
    const random = yield* RandomChoice.make(`${seed}/${number}`)
    if (random.chance(WEBSOCKET_RATIO)) {
      const endpoint = random.pick(endpoints)
      report.addConversation(
        endpoint.path,
        number,
        yield* WebSocketFuzzer.converse(address, endpoint, random)
      )
      return
    }
    const picked = requestsOf.pick(random)
    const caller = callers.pick(random, picked?.security)
    const sent = random.chance(MALFORMED_RATIO)
      ? Malformed.make(random, number, target.key)
      : RequestDraft.render(
          sentBy(caller, requestsOf.draft(random, caller.responseIds, picked), random),
          number,
          `${address.host}:${address.port}`
        )
    const operation = document.find(sent.method, sent.target)
    const operationName = operation?.name ?? rowOf(sent)
    let exchange = yield* connection.send(sent)
    for (let retries = 0; Checks.isBusy(exchange) && retries < MAX_RETRIES; retries++) {
      const otherFindings = check(sent, exchange).filter((finding) => !Checks.isCausedByLoad(finding))
      report.addRetry(operationName, sent, exchange, otherFindings)
      exchange = yield* Effect.delay(connection.send(sent), "1 second")
    }
    report.addExchange(operationName, sent, exchange, check(sent, exchange))
    if (!sent.isWellFormed) return
    for (const response of exchange.responses) {
      resources.observe(sent, response)
      ResponseIds.collect(caller.responseIds, response, operation)
    }
    yield* caller.observe(exchange)
  })

  const work = Effect.gen(function* () {
    const connection = yield* RawConnection.make(address)
    while (next < requests) yield* runOne(connection, next++)
  }).pipe(Effect.scoped)

  yield* Effect.suspend(() => progress(report.result)).pipe(
    Effect.repeat(Schedule.spaced("5 seconds")),
    Effect.forkChild
  )
  yield* Effect.all(
    Array.from({ length: connections }, () => work),
    { concurrency: "unbounded", discard: true }
  )

  for (const line of yield* target.errors)
    report.addFinding({ kind: `log: ${kindOfLine(line)}`, detail: line.slice(0, 2_000) })
  const isAlive = (yield* target.isRunning) && (yield* isLive(target.url))
  if (!isAlive)
    report.addFinding({ kind: "the server is not running any more", detail: yield* target.lastOutput })
  const ledger = yield* readLedger(target)
  if (Option.isSome(ledger) && !(ledger.value.ok && ledger.value.balanced))
    report.addFinding({
      kind: "the ledger does not verify, or balance",
      detail: JSON.stringify(ledger.value)
    })
  const totalRetries = Array.from(report.result.retries.values()).reduce((sum, times) => sum + times, 0)
  if (totalRetries > maxTotalRetries(options))
    report.addFinding({
      kind: "too many timeouts and 503 responses",
      detail: JSON.stringify([...report.result.retries])
    })
  const memoryAfter = yield* target.memory
  const memory = Option.zipWith(memoryBefore, memoryAfter, (before, after) => ({ before, after }))
  if (Option.isSome(memory) && memory.value.after - memory.value.before > MAX_GROWTH_MIB)
    report.addFinding({ kind: "the memory of the server grows", detail: JSON.stringify(memory.value) })
  const unsuccessful = Report.unsuccessfulOf(
    report.result,
    document.operations.map(({ name }) => name)
  )
  return { ...report.result, memory, unsuccessful }
})

const sentBy = (
  { headers }: Callers.Caller,
  draft: RequestDraft.RequestDraft,
  random: RandomChoice.RandomChoice
) => {
  draft.headers.push(...headers)
  const address = [10, random.below(256), random.below(256), random.below(256)].join(".")
  if (random.chance(FORWARDED_RATIO)) draft.headers.push(["X-Forwarded-For", address])
  return draft
}

/** Row of the report for requests that reach no documented operation. */
const rowOf = ({ isWellFormed, method }: RequestDraft.RenderedRequest) =>
  isWellFormed ? `${method} undocumented` : "malformed"

/** Message of a log line, without details of the single failure. */
const kindOfLine = (line: string) => (/"message":(".*?"|\[.*?\])/.exec(line)?.[1] ?? line).slice(0, 200)

const makeEndpoints = Effect.fnUntraced(function* (
  responseIds: ResponseIds.ResponseIds,
  callers: Callers.Callers,
  seed: string
) {
  const endpoints: ReadonlyArray<WebSocketFuzzer.WebSocketEndpoint> = [
    {
      path: Routes.paths.socket,
      generateMessage: WebSocketMessages.forRates(responseIds),
      ping: '{"type":"ping"}',
      pong: /^\{"type":"pong"\}$/
    },
    {
      path: Routes.paths.userEventsSocket,
      generateMessage: WebSocketMessages.forUserEvents(callers),
      ping: '{"type":"ping"}',
      pong: /^\{"type":"pong"\}$/
    },
    {
      path: Routes.paths.rpc,
      generateMessage: yield* WebSocketMessages.forRpc(responseIds, callers, seed),
      ping: '{"_tag":"Ping"}',
      pong: /"_tag":"Pong"/
    }
  ]
  return endpoints
})

/** Waits until the server is ready. Returns its OpenAPI document. */
const awaitDocument = Effect.fnUntraced(
  function* (url: string) {
    yield* HttpClient.get(`${url}/health/ready`).pipe(
      Effect.filterOrFail(({ status }) => status === 200),
      Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 600 })
    )
    return yield* Effect.flatMap(HttpClient.get(url + Routes.paths.openapi), ({ json }) => json)
  },
  (effect, url) =>
    Effect.mapError(
      effect,
      () => new Target.TargetUnavailable({ detail: `The server at ${url} is not ready` })
    )
)

const Keys = Schema.Struct({
  data: Schema.Array(Schema.Struct({ id: Schema.String, ends_with: Schema.String }))
})

const get = <A>({ key, url }: Target.Target, path: string, schema: Schema.Codec<A, unknown>) =>
  HttpClient.execute(
    HttpClientRequest.get(`${url}/api/v1/admin/${path}`).pipe(HttpClientRequest.bearerToken(key ?? ""))
  ).pipe(Effect.flatMap(HttpClientResponse.schemaBodyJson(schema)))

/** Ids of the key that sends most requests. No request may revoke it. */
const ownKeyIds = (target: Target.Target) =>
  get(target, "keys", Keys).pipe(
    Effect.map(
      ({ data }) =>
        new Set(data.flatMap(({ ends_with, id }) => (target.key?.endsWith(ends_with) === true ? [id] : [])))
    ),
    Effect.orElseSucceed(() => new Set<string>())
  )

const Verification = Schema.Struct({ ok: Schema.Boolean })
const TrialBalance = Schema.Struct({ balanced: Schema.Boolean })

/** Verifies the ledger. None without a key. */
const readLedger = Effect.fnUntraced(
  function* (target: Target.Target) {
    if (target.key === undefined) return Option.none()
    return Option.some({
      ...(yield* get(target, "ledger/verify", Verification)),
      ...(yield* get(target, "ledger/trial-balance", TrialBalance))
    })
  },
  Effect.orElseSucceed(() => Option.some({ ok: false, balanced: false }))
)

const isLive = (url: string) =>
  HttpClient.get(`${url}/health/live`).pipe(
    Effect.result,
    Effect.map((response) => Result.isSuccess(response) && response.success.status === 200)
  )
