import { Effect, Option, Random, Schema } from "effect"
import type { OpenSession } from "./AccountChecks.ts"
import type * as AccountOperations from "./AccountOperations.ts"
import { DESTINATIONS } from "./Currencies.ts"
import { codeOf, parseJsonObject } from "./Http.ts"
import type { Node } from "./Nodes.ts"
import { Report } from "./Report.ts"
import * as Requests from "./Requests.ts"
import * as WalletChecks from "./WalletChecks.ts"
import { amountOf, HOME, type Movement, type Outcome, type WalletModel } from "./WalletModel.ts"

/** Small enough for every risk rule. */
const MAX_CENTS = 5_000
/** Problems of a request that could not be priced. Its key stays free. */
const UNPRICED = new Set(["rate-unavailable", "rate-too-old", "clock-skewed", "overloaded"])

const METHODS = {
  deposit: { method: "PATCH", path: "/api/v1/accounts/wallet/deposit" },
  withdraw: { method: "PATCH", path: "/api/v1/accounts/wallet/withdraw" },
  transfer: { method: "POST", path: "/api/v1/transfers" },
  convert: { method: "POST", path: "/api/v1/accounts/wallet/convert" }
}

const Page = Schema.fromJsonString(
  Schema.Struct({
    data: Schema.Array(Schema.Struct({ asset: Schema.String, change: Schema.String, balance: Schema.String }))
  })
)
const decodePage = Schema.decodeUnknownOption(Page)

/** Users who deposit, withdraw, transfer and convert, with a key each, and read their statements. */
export const make = Effect.fnUntraced(function* (
  accounts: Pick<Effect.Success<typeof AccountOperations.make>, "registered" | "settle" | "signedIn">
) {
  const report = yield* Report
  const { anyNode, otherNode, send } = yield* Requests.make
  const model: WalletModel = new Map()

  const bodyOf = ({ cents, kind, to }: Movement) => {
    const amount = amountOf(cents)
    if (kind === "transfer") return { to, asset: HOME, amount }
    return kind === "convert" ? { from: HOME, to, amount, reference: WalletChecks.REFERENCE } : { amount }
  }

  const outcomeOf = Effect.fnUntraced(function* (movement: Movement, response: Requests.NodeResponse) {
    const json = parseJsonObject(response.text)
    const { conversion, id } = json
    if (response.status < 300) {
      const { audit_id, output_amount } = Object(conversion)
      return { id: String(id ?? audit_id), received: output_amount } satisfies Outcome
    }
    const code = codeOf(response)
    if (code === "insufficient-funds") return "refused" satisfies Outcome
    if (!UNPRICED.has(code))
      yield* report.violation("a user moves money", `${JSON.stringify(movement)}: ${response.text}`)
    return "unknown" satisfies Outcome
  })

  /** Sends a movement until its outcome is known. Every response of one key must have the same outcome. */
  const move = Effect.fnUntraced(function* (
    session: OpenSession,
    node: Node | undefined,
    movement: Movement
  ) {
    const { key, kind } = movement
    const { method, path } = METHODS[kind]
    if (!model.has(key)) model.set(key, { movement, outcome: "unknown" })
    const settled = yield* accounts.settle(node, (to) =>
      send(`wallet: ${kind}`, to, path, {
        method,
        headers: { authorization: `Bearer ${session.access}`, "idempotency-key": key },
        body: JSON.stringify(bodyOf(movement))
      })
    )
    if (Option.isNone(settled)) return
    const outcome = yield* outcomeOf(movement, settled.value.response)
    const known = model.get(key)?.outcome ?? "unknown"
    if (outcome === "unknown") return
    if (known !== "unknown" && JSON.stringify(known) !== JSON.stringify(outcome)) {
      const detail = `${JSON.stringify(movement)}: ${JSON.stringify(known)}, then ${settled.value.response.text}`
      yield* report.violation("a key of a movement has one outcome", detail)
    }
    model.set(key, { movement, outcome })
  })

  const newMovement = Effect.fnUntraced(function* (kind: Movement["kind"], user: string, scale = 1) {
    const [cents, number, at] = [
      yield* Random.nextIntBetween(1, MAX_CENTS),
      yield* Random.nextIntBetween(0, 2 ** 48),
      yield* Random.next
    ]
    const others =
      kind === "convert" ? DESTINATIONS : Array.from(accounts.registered).filter((name) => name !== user)
    const to = kind === "transfer" || kind === "convert" ? others[Math.floor(at * others.length)] : undefined
    const movement: Movement = {
      kind,
      key: `wallet ${number.toString(36)}`,
      user,
      cents: BigInt(cents * scale + (kind === "convert" ? 1_000 : 0)),
      to
    }
    return movement
  })

  const operation = (kind: Movement["kind"], scale?: number) =>
    accounts.signedIn(
      Effect.fnUntraced(function* (session) {
        const node = yield* anyNode
        const movement = yield* newMovement(kind, session.user.username, scale)
        if (kind === "transfer" && movement.to === undefined) return
        yield* move(session, node, movement)
      })
    )

  /** Spends from several clients at the same time, one of them with the key of another. */
  const spendConcurrently = accounts.signedIn(
    Effect.fnUntraced(function* (session) {
      const node = yield* anyNode
      const { username } = session.user
      const first = yield* newMovement("transfer", username)
      const others = [yield* newMovement("withdraw", username), yield* newMovement("convert", username)]
      if (first.to === undefined) return
      yield* Effect.forEach(
        [first, ...others, first],
        (movement, i) => move(session, i % 2 === 0 ? node : otherNode(node), movement),
        { concurrency: "unbounded", discard: true }
      )
    })
  )

  const replay = accounts.signedIn(
    Effect.fnUntraced(function* (session) {
      const [node, at] = [yield* anyNode, yield* Random.next]
      const own = Array.from(model.values()).filter(({ movement }) => movement.user === session.user.username)
      const known = own[Math.floor(at * own.length)]
      if (known !== undefined) yield* move(session, node, known.movement)
    })
  )

  /** Each balance of a statement continues the one below it. */
  const readStatement = accounts.signedIn(
    Effect.fnUntraced(function* (session) {
      const headers = { authorization: `Bearer ${session.access}` }
      const path = `/api/v1/transactions?asset=${HOME}&page_size=50`
      const response = yield* send("wallet: statement", yield* anyNode, path, { headers })
      const page = Option.flatMap(response, ({ text }) => decodePage(text))
      if (Option.isNone(page)) return
      const { data } = page.value
      const broken: Array<string> = []
      data.forEach(({ balance, change }, i) => {
        const below = data[i + 1]
        if (
          below !== undefined &&
          WalletChecks.cents(balance) - WalletChecks.cents(change) !== WalletChecks.cents(below.balance)
        )
          broken.push(`${session.user.username}: ${JSON.stringify([data[i], below])}`)
      })
      for (const detail of broken)
        yield* report.violation("each balance of a statement continues the previous one", detail)
    })
  )

  const weighted: ReadonlyArray<readonly [weight: number, operation: Effect.Effect<void>]> = [
    [10, operation("deposit", 5)],
    [3, operation("withdraw")],
    [8, operation("transfer")],
    [5, operation("convert")],
    [3, spendConcurrently],
    [3, replay],
    [2, readStatement]
  ]
  return { weighted, check: WalletChecks.run(model) }
})
