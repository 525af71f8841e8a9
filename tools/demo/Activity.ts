import { Effect, Random, Schema } from "effect"
import { type Client, connect, EffexError } from "../../src/client/promise/Entry.ts"

/** Users who are active, as in `effex seed`. */
export const USERS = ["amara", "kofi"] as const
type User = (typeof USERS)[number]

interface SignedIn {
  readonly name: User
  readonly client: Client
}

const NOTES = ["Lunch", "Taxi", "Concert", "Rent", "Groceries", "Thank you"]
const CONVERSIONS = [
  ["USD", "NGN"],
  ["USD", "KES"],
  ["USD", "EUR"],
  ["NGN", "USD"],
  ["USD", "GHS"]
] as const
const BUYS = ["ABAN", "BTC", "ETH", "SOL", "AAPL", "MSFT"]
const SALES: ReadonlyArray<readonly [asset: string, amount: string]> = [
  ["ABAN", "0.25"],
  ["BTC", "0.0002"],
  ["SOL", "0.03"]
]

const pick = <A>(items: readonly [A, ...Array<A>] | ReadonlyArray<A>) =>
  Effect.map(Random.nextIntBetween(0, items.length - 1), (index) => {
    const item = items[index]
    if (item === undefined) throw new Error("nothing to pick from")
    return item
  })

/** Whole units of a currency, as decimal text. */
const units = (from: number, to: number) =>
  Effect.map(Random.nextIntBetween(from, to), (amount) => `${amount}.00`)

/** The server refused a request. */
class Refused extends Schema.TaggedError<Refused>()("Refused", { detail: Schema.String }) {}

const call = <A>(request: () => Promise<A>) =>
  Effect.tryPromise({
    try: request,
    catch: (error) => new Refused({ detail: error instanceof EffexError ? error.message : String(error) })
  })

const transfer = Effect.fnUntraced(function* ({ client, name }: SignedIn) {
  const to = name === "amara" ? "kofi" : "amara"
  const amount = yield* units(1, 15)
  const note = yield* pick(NOTES)
  yield* call(() => client.transfers.send({ to, amount, asset: "USD", note }))
  return `sends ${amount} USD to ${to}: ${note}`
})

const convert = Effect.fnUntraced(function* ({ client }: SignedIn) {
  const [from, to] = yield* pick(CONVERSIONS)
  const amount = yield* from === "NGN" ? units(5_000, 20_000) : units(2, 12)
  yield* call(() => client.walletConversions.convert({ from, to, amount }))
  return `converts ${amount} ${from} to ${to}`
})

/** Some are below the threshold, and wait in a pool. */
const buy = Effect.fnUntraced(function* ({ client }: SignedIn) {
  const asset = yield* pick(BUYS)
  const notional = yield* units(3, 18)
  const { state } = yield* call(() => client.orders.place({ side: "buy", asset, notional }))
  return `buys ${asset} for ${notional} USD: ${state}`
})

const sell = Effect.fnUntraced(function* ({ client }: SignedIn) {
  const [asset, amount] = yield* pick(SALES)
  const { state } = yield* call(() => client.orders.place({ side: "sell", asset, amount }))
  return `sells ${amount} ${asset}: ${state}`
})

const deposit = Effect.fnUntraced(function* ({ client }: SignedIn) {
  const amount = yield* units(40, 120)
  yield* call(() => client.funding.deposit({ amount, asset: "USD" }))
  return `deposits ${amount} USD`
})

/** Deposits are rarer than what spends them, and as large on average. */
const ACTIVITIES = [transfer, transfer, convert, convert, buy, buy, sell, deposit]

/**
 * Signs the users in, then does one small thing every few seconds, forever. `onActivity` receives a line for each, also for one
 * that the server refused.
 */
export const run = Effect.fnUntraced(function* (
  url: string,
  password: string,
  onActivity: (line: string) => Effect.Effect<void>
) {
  const users = yield* Effect.forEach(USERS, (name) =>
    Effect.gen(function* () {
      const client = yield* Effect.acquireRelease(
        Effect.sync(() => connect(url)),
        (client) => Effect.promise(() => client.close())
      )
      yield* call(() => client.accounts.login({ username: name, password }))
      const user: SignedIn = { name, client }
      return user
    })
  )
  const act = Effect.gen(function* () {
    const user = yield* pick(users)
    const activity = yield* pick(ACTIVITIES)
    const line = yield* Effect.catch(activity(user), ({ detail }) => Effect.succeed(`is refused: ${detail}`))
    yield* onActivity(`${user.name} ${line}`)
    yield* Effect.sleep(yield* Random.nextIntBetween(1_000, 4_000))
  })
  return yield* Effect.forever(act)
})
