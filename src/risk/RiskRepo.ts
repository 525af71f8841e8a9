import { BigDecimal, Context, DateTime, Effect, Layer, Schema } from "effect"
import type { SqlError, Statement } from "effect/sql"
import type { PostingKey } from "../domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../domain/money/Asset.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import type { WalletState } from "../domain/risk/Assessment.ts"
import type { MovementFacts } from "../domain/risk/MovementFacts.ts"
import type { Usage, UsageIncrement } from "../domain/risk/Usage.ts"
import type { WalletId } from "../domain/wallets/Wallet.ts"
import { Amount } from "../ledger/Amount.ts"
import { Database } from "../platform/postgres/Database.ts"
import * as PgArray from "../platform/postgres/PgArray.ts"

/** A movement whose wallet is locked and read. */
export interface StateRequest {
  readonly movement: MovementFacts
  readonly key: PostingKey | undefined
  /** If true, the amount that the counterparty sent is read. */
  readonly readsReceived: boolean
}

/** Start of the times that are read. */
export interface StateTimes {
  readonly usage: DateTime.Utc
  readonly received: DateTime.Utc
  readonly deposited: DateTime.Utc
}

/** State of a wallet for one movement. */
export interface LockedState extends WalletState {
  /** The key of the movement has an outcome: the rules do not apply to a replay. */
  readonly isReplay: boolean
}

/** An increment of the usage of a wallet, for the posting at a position. */
export interface CountedMovement extends UsageIncrement {
  readonly n: number
  readonly wallet: WalletId
  readonly hour: number
}

/** States of wallets in PostgreSQL. */
export class RiskRepo extends Context.Service<
  RiskRepo,
  {
    /**
     * Locks the wallets until the end of the open transaction, and reads their states, in the order of the requests. The
     * state is undefined if the account of a movement does not exist.
     */
    readonly lock: (
      requests: ReadonlyArray<StateRequest>,
      since: StateTimes
    ) => Effect.Effect<ReadonlyArray<LockedState | undefined>, SqlError.SqlError>
    /** Returns the statement that adds movements to the usage, if they are posted. See `Admission.count`. */
    readonly count: (movements: ReadonlyArray<CountedMovement>) => Statement.Fragment
  }
>()("effex/risk/RiskRepo") {
  static readonly layer = Layer.effect(
    RiskRepo,
    Effect.gen(function* () {
      const { sql } = yield* Database

      const lock: RiskRepo["Service"]["lock"] = Effect.fnUntraced(function* (requests, since) {
        const rows = yield* sql`
          SELECT n, known, available, received, deposited, asset, hour, hour_count, hour_value, hour_small_orders,
            day_count, day_value, day_amount
          FROM risk_wallet_states(
            ${PgArray.of(requests.map(({ movement }) => movement.wallet))}::uuid[],
            ${PgArray.of(requests.map(({ movement }) => movement.account))}::bigint[],
            ${PgArray.ofTexts(requests.map(({ key }) => key?.principal ?? null))}::text[],
            ${PgArray.ofTexts(requests.map(({ key }) => key?.key ?? null))}::text[],
            ${DateTime.formatIso(since.usage)}::timestamptz,
            ${PgArray.of(requests.map(({ movement, readsReceived }) => (readsReceived ? (movement.counterparty ?? null) : null)))}::text[],
            ${DateTime.formatIso(since.received)}::timestamptz,
            ${PgArray.of(requests.map(({ movement }) => movement.kind === "withdrawal"))}::boolean[],
            ${DateTime.formatIso(since.deposited)}::timestamptz)`
        const states = Array.from(requests, (): LockedState | undefined => undefined)
        for (const row of yield* Effect.orDie(decodeStates(rows))) {
          const { available, deposited, known: isReplay, n, received } = row
          const usages = [...(states[n - 1]?.usages ?? []), ...usageOf(row)]
          states[n - 1] = { available, deposited, isReplay, received, usages }
        }
        return states
      })

      const count: RiskRepo["Service"]["count"] = (movements) => {
        const hour = movements.map((movement) => DateTime.formatIso(DateTime.makeUnsafe(movement.hour)))
        const decimals = (field: "value" | "amount") =>
          PgArray.of(movements.map((movement) => Decimal.format(movement[field])))
        return sql`
          INSERT INTO risk_usage AS used (wallet_id, asset, hour, hour_count, hour_value, hour_small_orders, day_count, day_value, day_amount)
          SELECT item.wallet, item.asset, item.hour, count(*), sum(item.value), count(*) FILTER (WHERE item.small),
            count(*), sum(item.value), sum(item.amount)
          FROM unnest(
            ${PgArray.of(movements.map(({ n }) => n))}::int[],
            ${PgArray.of(movements.map(({ wallet }) => wallet))}::uuid[],
            ${PgArray.of(movements.map(({ asset }) => asset))}::text[], ${PgArray.of(hour)}::timestamptz[],
            ${decimals("value")}::numeric[], ${decimals("amount")}::numeric[],
            ${PgArray.of(movements.map(({ isSmallOrder }) => isSmallOrder))}::boolean[]
          ) AS item (n, wallet, asset, hour, value, amount, small)
          JOIN outcome ON outcome.n = item.n AND outcome.outcome = 'posted' AND NOT outcome.replayed
          GROUP BY item.wallet, item.asset, item.hour
          ON CONFLICT (wallet_id, asset) DO UPDATE SET
            hour = excluded.hour,
            hour_count = CASE WHEN used.hour = excluded.hour THEN used.hour_count ELSE 0 END + excluded.hour_count,
            hour_value = CASE WHEN used.hour = excluded.hour THEN used.hour_value ELSE 0 END + excluded.hour_value,
            hour_small_orders = CASE WHEN used.hour = excluded.hour THEN used.hour_small_orders ELSE 0 END + excluded.hour_small_orders,
            day_count = CASE WHEN ${isSameDay} THEN used.day_count ELSE 0 END + excluded.day_count,
            day_value = CASE WHEN ${isSameDay} THEN used.day_value ELSE 0 END + excluded.day_value,
            day_amount = CASE WHEN ${isSameDay} THEN used.day_amount ELSE 0 END + excluded.day_amount`
      }
      const isSameDay = sql.literal(
        "date_trunc('day', used.hour AT TIME ZONE 'UTC') = date_trunc('day', excluded.hour AT TIME ZONE 'UTC')"
      )

      return RiskRepo.of({ lock, count })
    })
  )
}

const Row = Schema.Struct({
  n: Schema.Int,
  known: Schema.Boolean,
  available: Amount,
  received: Amount,
  deposited: Amount,
  asset: Schema.NullOr(AssetCode),
  hour: Schema.NullOr(Schema.Date),
  hourCount: Schema.NullOr(Schema.Int),
  hourValue: Schema.NullOr(Amount),
  hourSmallOrders: Schema.NullOr(Schema.Int),
  dayCount: Schema.NullOr(Schema.Int),
  dayValue: Schema.NullOr(Amount),
  dayAmount: Schema.NullOr(Amount)
})
const decodeStates = Schema.decodeUnknownEffect(Schema.Array(Row))

const ZERO = BigDecimal.make(0n, 0)

/** Returns the usage of a row; a wallet without a movement has none. */
const usageOf = ({ asset, hour, ...row }: typeof Row.Type): ReadonlyArray<Usage> =>
  asset === null || hour === null
    ? []
    : [
        {
          asset,
          hour: hour.getTime(),
          hourCount: row.hourCount ?? 0,
          hourValue: row.hourValue ?? ZERO,
          hourSmallOrders: row.hourSmallOrders ?? 0,
          dayCount: row.dayCount ?? 0,
          dayValue: row.dayValue ?? ZERO,
          dayAmount: row.dayAmount ?? ZERO
        }
      ]
