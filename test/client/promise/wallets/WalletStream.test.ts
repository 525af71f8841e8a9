import { assert, describe, it, layer } from "@effect/vitest"
import { BigDecimal, Effect, Fiber, Layer, Option, Stream } from "effect"
import { UserAdministration } from "../../../../src/accounts/UserAdministration.ts"
import type { ConnectionOptions } from "../../../../src/client/Connection.ts"
import { EffexClient } from "../../../../src/client/EffexClient.ts"
import type { Exact } from "../../../../src/client/Exact.ts"
import { connect } from "../../../../src/client/promise/Connect.ts"
import { SessionEnded } from "../../../../src/client/promise/EffexError.ts"
import type { StreamState } from "../../../../src/client/promise/streams/EventStream.ts"
import type { WalletEvent } from "../../../../src/client/promise/wallets/WalletValues.ts"
import { UserId } from "../../../../src/domain/accounts/User.ts"
import * as Callers from "../../../support/Callers.ts"
import * as ScriptedServer from "../../../support/ScriptedServer.ts"
import * as TcpProxy from "../../../support/TcpProxy.ts"
import { TestServer } from "../../../support/TestServer.ts"
import { eventually } from "../../../support/Waiters.ts"
import { errorOf } from "../ClientErrors.ts"

const PASSWORD = "a long enough passphrase"
const transports = ["sse", "websocket"] as const

/** Collects the events of a stream until it ends. */
const collect = (stream: AsyncIterable<WalletEvent>) => {
  const events: Array<WalletEvent> = []
  const ended = (async () => {
    for await (const event of stream) events.push(event)
  })()
  return { events, ended }
}

/** Amounts of the transactions, and the latest balance. */
const shownBy = (events: ReadonlyArray<WalletEvent>) => ({
  changes: events.flatMap((event) => (event.type === "transaction" ? [event.transaction.change] : [])),
  balance: events
    .flatMap((event) => {
      if (event.type === "snapshot") return event.balances
      return event.type === "balance" ? [event.balance] : []
    })
    .at(-1)?.balance
})

layer(TestServer.layer({ FUNDING: "sandbox" }), { excludeTestServices: true })("watchWallet", (it) => {
  for (const transport of transports) {
    describe(`over ${transport}`, () => {
      it.effect("yields every transaction once, also those during a lost connection", () =>
        Effect.gen(function* () {
          const { port, url } = yield* TestServer
          const proxy = yield* TcpProxy.open({ host: "127.0.0.1", port })
          const states: Array<StreamState> = []
          const storage = new Map<string, string>()
          const session = {
            getItem: (key: string) => storage.get(key.replace(/:\d+$/, "")),
            setItem: (key: string, value: string) => storage.set(key.replace(/:\d+$/, ""), value),
            removeItem: (key: string) => storage.delete(key.replace(/:\d+$/, ""))
          }
          const direct = connect(url, { session })
          const proxied = connect(`http://127.0.0.1:${proxy.port}`, { session, transport })
          yield* Effect.promise(() =>
            direct.accounts.register({ username: `resume-${transport}`, password: PASSWORD })
          )
          const stream = proxied.watchWallet({ onState: (state) => states.push(state) })
          const { ended, events } = collect(stream)
          yield* eventually("snapshot", () => events.find(({ type }) => type === "snapshot"))
          yield* Effect.promise(() => direct.funding.deposit({ amount: "10.00" }))
          yield* eventually("first deposit", () => shownBy(events).balance === "10.00" || undefined)
          proxy.reset()
          yield* eventually("stale", () => states.includes("stale") || undefined)
          yield* Effect.promise(async () => {
            await direct.funding.deposit({ amount: "20.00" })
            await direct.funding.withdraw({ amount: "5.00" })
          })
          proxy.heal()
          yield* eventually("last change", () => shownBy(events).changes.length === 3 || undefined)
          yield* eventually("last balance", () => shownBy(events).balance === "25.00" || undefined)
          assert.deepStrictEqual(shownBy(events).changes, ["10.00", "20.00", "-5.00"])
          assert.deepStrictEqual(
            events.filter(({ type }) => type === "gap"),
            []
          )
          assert.instanceOf(stream.lastContact, Date)
          const since = events.find(({ type }) => type === "transaction")?.position
          const resumed = collect(direct.watchWallet({ since }))
          yield* eventually("resumed", () => shownBy(resumed.events).changes.length === 2 || undefined)
          yield* Effect.promise(async () => {
            await direct.close()
            await proxied.close()
            await ended
            await resumed.ended
          })
          assert.deepStrictEqual(states.slice(0, 3), ["live", "stale", "live"])
          assert.strictEqual(stream.state, "closed")
        }).pipe(Effect.scoped)
      )

      it.effect("ends with SessionEnded when an administrator locks the account", () =>
        Effect.gen(function* () {
          const { url } = yield* TestServer
          const ends: Array<string> = []
          const effex = connect(url, { transport, onSessionEnd: ({ detail }) => ends.push(detail) })
          const { id } = yield* Effect.promise(() =>
            effex.accounts.register({ username: `locked-${transport}`, password: PASSWORD })
          )
          const { ended, events } = collect(effex.watchWallet())
          yield* eventually("snapshot", () => events[0])
          const { lock } = yield* UserAdministration
          yield* lock({ user: UserId.make(id), principal: "cli:test", reason: "Reported as stolen" })
          yield* Effect.promise(async () => {
            const error = await errorOf(ended)
            assert.instanceOf(error, SessionEnded)
            assert.match(error.detail, /locked/)
            assert.lengthOf(ends, 1)
            assert.instanceOf(await errorOf(effex.wallet()), SessionEnded)
          })
        })
      )

      it.effect("fails at once if nobody is signed in", () =>
        Effect.gen(function* () {
          const { url } = yield* TestServer
          const { ended } = collect(connect(url, { transport }).watchWallet())
          assert.instanceOf(yield* Effect.promise(() => errorOf(ended)), SessionEnded)
        })
      )
    })
  }
})

const effectTransports = {
  websocket: (options: ConnectionOptions) => EffexClient.layer(options),
  http: (options: ConnectionOptions) => EffexClient.layerHttp(options)
} as const

layer(TestServer.layer({ FUNDING: "sandbox" }), { excludeTestServices: true })(
  "EffexClient.watchWallet",
  (it) => {
    for (const transport of ["websocket", "http"] as const) {
      it.effect(`emits exact events over ${transport}, resumes, and ends with the session`, () =>
        Effect.gen(function* () {
          const { url } = yield* TestServer
          yield* Effect.gen(function* () {
            const effex = yield* EffexClient
            const failed = yield* Effect.flip(Stream.runHead(effex.watchWallet()))
            assert.strictEqual(failed._tag, "SessionEnded")
            const user = yield* effex.accounts.register({
              username: `effect-${transport}`,
              password: PASSWORD
            })
            const events: Array<Exact<WalletEvent>> = []
            const watching = yield* effex.watchWallet().pipe(
              Stream.runForEach((event) => Effect.sync(() => events.push(event))),
              Effect.flip,
              Effect.forkScoped
            )
            yield* eventually("snapshot", () => events.find(({ type }) => type === "snapshot"))
            yield* effex.funding.deposit({ amount: "0.10" })
            const found = yield* eventually("transaction", () =>
              events.find((event) => event.type === "transaction")
            )
            assert.isTrue(BigDecimal.equals(found.transaction.change, BigDecimal.make(1n, 1)))
            assert.instanceOf(found.transaction.createdAt, Date)
            yield* effex.funding.deposit({ amount: "0.20" })
            const next = yield* effex.watchWallet({ since: found.position }).pipe(
              Stream.filter((event) => event.type === "transaction"),
              Stream.runHead
            )
            assert.isTrue(
              Option.isSome(next) && BigDecimal.equals(next.value.transaction.change, BigDecimal.make(2n, 1))
            )
            const { lock } = yield* UserAdministration
            yield* lock({ user: UserId.make(user.id), principal: "cli:test", reason: "Reported as stolen" })
            assert.strictEqual((yield* Fiber.join(watching))._tag, "SessionEnded")
            assert.strictEqual((yield* Effect.flip(effex.wallet()))._tag, "SessionEnded")
          }).pipe(Effect.provide(Layer.fresh(effectTransports[transport]({ url }))), Effect.scoped)
        })
      )

      it.effect(`is open to an API key that acts for a user over ${transport}`, () =>
        Effect.gen(function* () {
          const { url } = yield* TestServer
          const owner = connect(url)
          const { id } = yield* Effect.promise(() =>
            owner.accounts.register({ username: `owner-${transport}`, password: PASSWORD })
          )
          const { authorization } = yield* Callers.withScopes("wallets")
          const apiKey = authorization.replace("Bearer ", "")
          const client = Layer.fresh(effectTransports[transport]({ url, apiKey, onBehalfOf: id }))
          yield* Effect.gen(function* () {
            const effex = yield* EffexClient
            yield* effex.funding.deposit({ amount: "3" })
            const event = yield* Stream.runHead(effex.watchWallet())
            assert.isTrue(Option.isSome(event) && event.value.type === "snapshot")
          }).pipe(Effect.provide(client))
        })
      )
    }
  }
)

/** A server that signs in, and whose stream of events answers by script. */
const serve = (...script: ReadonlyArray<ScriptedServer.Respond>) => {
  let streams = 0
  return ScriptedServer.listen((response, request) => {
    const { path } = request
    const tokens = { refresh: "r", token_type: "Bearer", expires_in: 600, session_id: "s-1", user: {} }
    if (path.endsWith("/auth/login"))
      return ScriptedServer.json(200, { ...tokens, access: "access-1" })(response, request)
    if (path.endsWith("/auth/refresh"))
      return ScriptedServer.json(200, { ...tokens, access: "access-2" })(response, request)
    return script[Math.min(streams++, script.length - 1)]?.(response, request)
  })
}

const signIn = async (url: string) => {
  const effex = connect(url, { transport: "sse" })
  await effex.accounts.login({ username: "amara", password: PASSWORD })
  return effex
}

const balance = (n: number) => ({ asset: "USD", balance: `${n}`, held: "0", available: `${n}` })
const sse = (position: string, name: string, data: object) =>
  `id: ${position}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`

describe("watchWallet, against a script", () => {
  it.live("renews an access token that the server refuses, once", () =>
    Effect.gen(function* () {
      const unauthorized = ScriptedServer.problem(401, "unauthorized", false)
      const { requests, url } = yield* serve(unauthorized)
      const effex = yield* Effect.promise(() => signIn(url))
      const { ended } = collect(effex.watchWallet())
      assert.deepInclude(yield* Effect.promise(() => errorOf(ended)), { code: "unauthorized" })
      const streams = requests.filter(({ path }) => path.endsWith("/events"))
      assert.deepStrictEqual(
        streams.map(({ headers }) => headers.authorization),
        ["Bearer access-1", "Bearer access-2"]
      )
    }).pipe(Effect.scoped)
  )

  it.live("gives a slow loop a gap and the latest balances instead of an unbounded queue", () =>
    Effect.gen(function* () {
      const { url } = yield* serve((response) => {
        response.writeHead(200, { "content-type": "text/event-stream" })
        response.write(sse("p-0", "snapshot", { balances: [balance(0)] }))
        for (let n = 1; n <= 3000; n++) response.write(sse(`p-${n}`, "balance", balance(n)))
        response.end()
      }, ScriptedServer.silence)
      const effex = yield* Effect.promise(() => signIn(url))
      const events: Array<WalletEvent> = []
      yield* Effect.promise(async () => {
        let onReceived = () => {}
        const received = new Promise<void>((resolve) => (onReceived = resolve))
        const stream = effex.watchWallet({ onState: (state) => state === "stale" && onReceived() })
        for await (const event of stream) {
          events.push(event)
          // The connection ends after the last event.
          if (events.length === 1) await received
          if (event.position === "p-3000") break
        }
      })
      assert.isAtMost(events.length, 1010)
      const index = events.findIndex(({ type }) => type === "gap")
      const [before, gap, snapshot, after] = events.slice(index - 1)
      assert.strictEqual(gap?.type === "gap" && gap.since, before?.position)
      const latest = snapshot?.type === "snapshot" ? Number(snapshot.balances[0]?.balance) : 0
      assert.isAbove(latest, 1000)
      assert.strictEqual(snapshot?.position, `p-${latest}`)
      assert.strictEqual(after?.position ?? "p-3001", `p-${latest + 1}`)
    }).pipe(Effect.scoped)
  )
})
