import { assert, layer } from "@effect/vitest"
import { BigDecimal, Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { type LedgerPosting, TransferId } from "../../../src/domain/ledger/LedgerPosting.ts"
import * as Currency from "../../../src/domain/money/Currency.ts"
import { AssetCode } from "../../../src/domain/money/Asset.ts"
import { Ledger } from "../../../src/ledger/Ledger.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { StreamTimeouts } from "../../../src/server/stream/StreamConnections.ts"
import { houseAccount, walletAccount, Wallets } from "../../../src/wallets/Wallets.ts"
import type { NamedWallet } from "../../../src/wallets/WalletRepo.ts"
import * as RawSocket from "../../support/RawSocket.ts"
import { get, TestServer } from "../../support/TestServer.ts"
import * as UserEventClients from "../../support/UserEventClients.ts"
import { eventuallyFrom } from "../../support/Waiters.ts"
import * as WalletUsers from "../../support/WalletUsers.ts"

const CLIENTS = 4
/** More than the buffers of the operating system hold, with the longest note. */
const DEPOSITS = 20_000
const BATCH_SIZE = 500
const NOTE = "x".repeat(200)
const MAX_MEMORY_BYTES = 128 * 1024 * 1024

const stalledClients = (authorization: string): ReadonlyArray<string | Uint8Array> => {
  const header = `Authorization: ${authorization}\r\n`
  const watch = JSON.stringify({ _tag: "Request", id: "1", tag: "WatchWallet", payload: {}, headers: [] })
  return [
    `GET ${UserEventClients.SSE_PATH} HTTP/1.1\r\nHost: localhost\r\n${header}\r\n`,
    RawSocket.handshake(UserEventClients.SOCKET_PATH, { Authorization: authorization }),
    `POST /rpc/http HTTP/1.1\r\nHost: localhost\r\n${header}Content-Length: ${watch.length + 1}\r\n\r\n${watch}\n`,
    Buffer.concat([
      Buffer.from(RawSocket.handshake("/rpc", { Authorization: authorization })),
      RawSocket.frame(RawSocket.TEXT, watch),
      ...Array.from({ length: 20_000 }, () =>
        RawSocket.frame(RawSocket.TEXT, '{"_tag":"Ack","requestId":"1"}')
      )
    ])
  ]
}

/** Creates deposits of 0.01 USD. */
const deposits = Effect.fnUntraced(function* (wallet: NamedWallet, count: number) {
  const random = yield* SecureRandom.SecureRandom
  const code = AssetCode.make("USD")
  const [source, target] = yield* (yield* Wallets).accountIds([
    houseAccount("funding", code),
    walletAccount(wallet.id, code)
  ])
  if (source === undefined || target === undefined) return assert.fail("an account is missing")
  const amount = BigDecimal.fromStringUnsafe("0.01")
  return yield* Effect.forEach(Array.from({ length: count }), () =>
    Effect.map(random.uuidV7(), (id): LedgerPosting => ({
      id: TransferId.make(id),
      kind: "deposit",
      details: { note: NOTE },
      entries: [
        { account: source, amount: BigDecimal.negate(amount) },
        { account: target, amount }
      ],
      opens: [],
      ends: []
    }))
  )
})

const openStreams = Effect.map(get("/metrics"), ({ text }) =>
  Array.from(text.matchAll(/^effex_stream_connections\{\S+ (\d+)$/gm), ([, count]) => Number(count)).reduce(
    (sum, count) => sum + count,
    0
  )
)

const usedBytes = () => {
  const { external, heapUsed } = process.memoryUsage()
  return external + heapUsed
}

const shortTimeouts = Layer.succeed(StreamTimeouts, {
  stallSeconds: 3,
  pingInterval: "3 seconds",
  authentication: "1 second"
})

layer(TestServer.layer().pipe(Layer.provide(shortTimeouts)), { excludeTestServices: true })(
  "A client of the events of a user",
  (it) => {
    it.effect(
      "that does not read is disconnected, with bounded memory",
      () =>
        Effect.gen(function* () {
          const { log, port } = yield* TestServer
          const ledger = yield* Ledger
          // A position names every balance, so that many of them make the events long.
          const assets = Currency.all.slice(0, 150).map(({ code }) => [code, "1"])
          const amara = yield* WalletUsers.create("amara", Object.fromEntries(assets))
          for (const bytes of stalledClients(amara.authorization)) {
            const { socket } = yield* RawSocket.connect(port, bytes)
            socket.pause()
          }
          yield* eventuallyFrom(
            "open streams",
            Effect.map(openStreams, (count) => (count === CLIENTS ? true : undefined))
          )
          const before = usedBytes()
          let maxBytes = 0
          for (let posted = 0; posted < DEPOSITS && (yield* openStreams) > 0; posted += BATCH_SIZE) {
            yield* ledger.post(yield* deposits(amara.wallet, BATCH_SIZE))
            // Readers that fell behind by more would skip what fills their buffers.
            yield* Effect.sleep("100 millis")
            maxBytes = Math.max(maxBytes, usedBytes() - before)
          }
          yield* eventuallyFrom(
            "end of the stalled streams",
            Effect.map(openStreams, (count) => (count === 0 ? true : undefined))
          )
          assert.isBelow(maxBytes, MAX_MEMORY_BYTES)
          assert.deepStrictEqual(
            log.filter((line) => line.includes("Unexpected failure")),
            []
          )
        }),
      300_000
    )

    it.effect("that sends no access token is disconnected", () =>
      Effect.gen(function* () {
        const { closed, next } = yield* UserEventClients.webSocket()
        assert.deepInclude(yield* next, { type: "error", code: "unauthorized" })
        assert.strictEqual((yield* closed).code, 1008)
      })
    )

    it.effect("receives what happened while the database was unavailable, once", () =>
      Effect.gen(function* () {
        const { setDatabase } = yield* TestServer
        const ledger = yield* Ledger
        const { sql } = yield* Database
        const chidi = yield* WalletUsers.create("chidi", { USD: "5" })
        const { next } = yield* UserEventClients.sse({ authorization: chidi.authorization })
        assert.strictEqual((yield* next).event, "snapshot")
        const postings = yield* deposits(chidi.wallet, 2)
        yield* setDatabase("down")
        // The switch does not affect the client, which commits like another node.
        yield* sql.withTransaction(ledger.postWithin(postings))
        yield* Effect.sleep("1500 millis")
        yield* setDatabase("up")
        assert.deepInclude((yield* next).data, { type: "deposit", balance: "5.01" })
        assert.deepInclude((yield* next).data, { type: "deposit", balance: "5.02" })
        assert.deepInclude((yield* next).data, { balance: "5.02", held: "0.00" })
      })
    )
  }
)

layer(TestServer.layer({ STREAMS_PER_ADDRESS: "2" }), { excludeTestServices: true })(
  "The number of streams of an address",
  (it) => {
    it.effect("is limited for the events of users too, also before a client is authenticated", () =>
      Effect.gen(function* () {
        const dayo = yield* WalletUsers.create("dayo")
        const { authorization } = dayo
        const silent = yield* UserEventClients.webSocket()
        yield* silent.assertNoMessage
        const { next } = yield* UserEventClients.sse({ authorization })
        yield* next
        const third = yield* UserEventClients.sse({ authorization })
        assert.strictEqual(third.response.status, 429)
        const fourth = yield* UserEventClients.webSocket({ authorization })
        assert.strictEqual((yield* fourth.closed).code, 1013)
      })
    )
  }
)
