/**
 * Measures what users do in two databases that `Fill.ts` filled, in turns: `SMALL_URL` with `SMALL_USERS`, and `LARGE_URL` with
 * `LARGE_USERS`. Prints the medians in milliseconds, and their ratio. Fails if a large table was scanned sequentially.
 */
import { NodeRuntime } from "@effect/platform-node"
import {
  BigDecimal,
  Clock,
  Config,
  ConfigProvider,
  Console,
  DateTime,
  Duration,
  Effect,
  Layer,
  Option,
  Redacted
} from "effect"
import { SignIn } from "../../src/accounts/login/SignIn.ts"
import { Users } from "../../src/accounts/Users.ts"
import * as App from "../../src/App.ts"
import { AssetCatalog } from "../../src/assets/AssetCatalog.ts"
import { featuresApp } from "../../src/CommandLayers.ts"
import { Username } from "../../src/domain/accounts/User.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Statement } from "../../src/wallets/Statement.ts"
import { Transfers } from "../../src/wallets/Transfers.ts"
import { Wallets } from "../../src/wallets/Wallets.ts"
import { median } from "../Statistics.ts"
import { PASSWORD } from "./Password.ts"
import * as SequentialScans from "./SequentialScans.ts"

const ROUNDS = 5
const PER_ROUND = 60
const PAGE_SIZE = 50
/** Age of the first movements, in milliseconds. */
const MAX_AGE = Duration.toMillis("365 days")

/** The operations of a random user. Returns milliseconds by name. */
const measure = Effect.fnUntraced(function* (users: number) {
  const { find } = yield* AssetCatalog
  const { signIn } = yield* SignIn
  const { byUsername } = yield* Users
  const { page } = yield* Statement
  const { balancesAt } = yield* Ledger
  const { send } = yield* Transfers
  const wallets = yield* Wallets
  const now = yield* Clock.currentTimeMillis
  const asset = Option.getOrThrow(find("USD"))
  const nameOf = () => `user-${1 + Math.floor(Math.random() * users)}`
  const times: Record<string, Array<number>> = {
    login: [],
    user: [],
    wallet: [],
    "balances at a time": [],
    "balances at a time, again": [],
    "first page of a statement": [],
    "first page of a statement, again": [],
    "middle page of a statement": [],
    "middle page of a statement, again": [],
    transfer: []
  }
  const timed = Effect.fnUntraced(function* <A, E, R>(name: string, effect: Effect.Effect<A, E, R>) {
    const startedAt = performance.now()
    const result = yield* effect
    times[name]?.push(performance.now() - startedAt)
    return result
  })
  /** The second time, its blocks are in the shared buffers. */
  const twice = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>) =>
    Effect.andThen(timed(name, effect), timed(`${name}, again`, effect))
  for (let n = 0; n < PER_ROUND; n++) {
    const [name, other] = [nameOf(), nameOf()]
    if (name === other) continue
    const user = Option.getOrThrow(yield* timed("user", byUsername(Username.make(name))))
    const wallet = yield* wallets.ofUser(user.id)
    yield* timed("wallet", wallets.balancesOf(wallet.id))
    const middle = DateTime.makeUnsafe(now - MAX_AGE * Math.random())
    yield* twice("balances at a time", balancesAt(wallet.id, middle))
    yield* twice("first page of a statement", page(wallet.id, {}, undefined, PAGE_SIZE))
    yield* twice("middle page of a statement", page(wallet.id, { until: middle }, undefined, PAGE_SIZE))
    const money = { asset, amount: BigDecimal.make(1n, 0) }
    const owner = `user:${user.id}`
    yield* timed("transfer", send({ from: wallet, to: other, money, note: null, owner, key: undefined }))
    const proof = { username: name, password: Redacted.make(PASSWORD) }
    const device = { address: `198.51.100.${n}`, userAgent: "bench" }
    if (n % 6 === 0) yield* timed("login", signIn({ proof, code: undefined, device }))
  }
  return times
})

const services = (url: string) =>
  Layer.fresh(App.users.pipe(Layer.provideMerge(featuresApp))).pipe(
    Layer.provide(
      ConfigProvider.layer(
        ConfigProvider.fromEnv({ env: { DATABASE_URL: url, PROVIDERS: "sandbox", LOG_LEVEL: "error" } })
      )
    )
  )

type Times = Record<string, Array<number>>

const measureRounds = Effect.gen(function* () {
  const small = yield* Layer.build(services(yield* Config.String("SMALL_URL")))
  const large = yield* Layer.build(services(yield* Config.String("LARGE_URL")))
  const smallUsers = yield* Config.Int("SMALL_USERS")
  const largeUsers = yield* Config.Int("LARGE_USERS")
  const rounds: Array<Record<"small" | "large", Times>> = []
  for (let round = 0; round <= ROUNDS; round++) {
    const times = {
      small: yield* Effect.provide(measure(smallUsers), small),
      large: yield* Effect.provide(measure(largeUsers), large)
    }
    // The first round warms up both.
    if (round > 0) rounds.push(times)
  }
  return rounds
}).pipe(Effect.scoped)

const program = Effect.gen(function* () {
  const { result: rounds, scanned } = yield* SequentialScans.during(
    yield* Config.Redacted("LARGE_URL"),
    measureRounds
  )
  for (const name of Object.keys(rounds[0]?.small ?? {})) {
    const medianOf = (size: "small" | "large") => median(rounds.flatMap((round) => round[size][name] ?? []))
    const ratio = median(
      rounds.map(({ large, small }) => median(large[name] ?? []) / median(small[name] ?? []))
    )
    yield* Console.log(
      `${name}: ${medianOf("small").toFixed(2)} ms, ${medianOf("large").toFixed(2)} ms, ratio ${ratio.toFixed(2)}`
    )
  }
  if (scanned.length > 0) return yield* Effect.fail(`Sequential scans of ${scanned.join(", ")}`)
  yield* Console.log("No large table was scanned sequentially")
})

NodeRuntime.runMain(program)
