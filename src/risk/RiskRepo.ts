import { BigDecimal, Context, DateTime, Effect, Layer, Schema } from "effect"
import type { SqlError, Statement } from "effect/sql"
import type { PostingKey } from "../domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../domain/money/Asset.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import type { MovementHistory } from "../domain/risk/Assessment.ts"
import type { MovementFacts } from "../domain/risk/MovementFacts.ts"
import type { Usage } from "../domain/risk/Usage.ts"
import type { MovementBound, UsageLimits } from "../domain/risk/UsageLimits.ts"
import { WalletId } from "../domain/wallets/Wallet.ts"
import { Amount } from "../ledger/Amount.ts"
import { Database } from "../platform/postgres/Database.ts"
import * as PgArray from "../platform/postgres/PgArray.ts"

/** Usage of a wallet in one asset. */
export interface WalletUsage extends Usage {
  readonly wallet: WalletId
}

/** A movement that is posted without an assessment, because its usage stays within all limits. */
export interface BoundedMovement extends MovementBound {
  /** Number of its posting in the call, from 1. */
  readonly item: number
  readonly movement: MovementFacts
  readonly isSmallOrder: boolean
}

/** Usage and history of wallets in PostgreSQL. The methods run in the open transaction of the caller. */
export class RiskRepo extends Context.Service<
  RiskRepo,
  {
    /**
     * Returns the call of `post_movements`, which posts and counts movements within limits in one statement. `columns` are the
     * arguments of `post_batch`, and `hour` the start of the present hour in epoch milliseconds.
     */
    readonly postWithin: (
      columns: Statement.Fragment,
      movements: ReadonlyArray<BoundedMovement>,
      limits: UsageLimits,
      hour: number
    ) => Statement.Fragment
    /** Locks wallets until the end of the transaction, and returns their usage, by wallet. */
    readonly lock: (
      wallets: ReadonlyArray<WalletId>
    ) => Effect.Effect<ReadonlyMap<WalletId, ReadonlyArray<Usage>>, SqlError.SqlError>
    /** Returns the statement that stores usages of locked wallets. Each wallet and asset occurs once. */
    readonly store: (usages: ReadonlyArray<WalletUsage>) => Statement.Statement<unknown>
    /** Reads what is available, what the counterparty sent and got back, and what was deposited. */
    readonly history: (
      movement: MovementFacts,
      since: { readonly received: DateTime.Utc; readonly deposited: DateTime.Utc }
    ) => Effect.Effect<MovementHistory, SqlError.SqlError>
    /** Returns true if the key has an outcome: the rules do not apply to a replay. */
    readonly isReplay: (key: PostingKey) => Effect.Effect<boolean, SqlError.SqlError>
  }
>()("effex/risk/RiskRepo") {
  static readonly layer = Layer.effect(
    RiskRepo,
    Effect.gen(function* () {
      const { sql } = yield* Database

      const postWithin: RiskRepo["Service"]["postWithin"] = (columns, movements, limits, hour) => {
        const column = (of: (movement: BoundedMovement) => string | number | boolean | null) =>
          PgArray.of(movements.map(of))
        return sql`post_movements(${columns},
          ${column(({ item }) => item)}::int[], ${column(({ movement }) => movement.wallet)}::uuid[],
          ${column(({ movement }) => movement.asset)}::text[],
          ${column(({ movement }) => Decimal.format(movement.amount))}::numeric[],
          ${column(({ value }) => Decimal.format(value))}::numeric[], ${column(({ isSmallOrder }) => isSmallOrder)}::boolean[],
          ${column(({ belowTwoDays }) => (belowTwoDays === undefined ? null : Decimal.format(belowTwoDays)))}::numeric[],
          ${timeText(hour)}::timestamptz, ${limitColumn(limits)}::numeric[])`
      }

      const lock: RiskRepo["Service"]["lock"] = Effect.fnUntraced(function* (wallets) {
        const rows = yield* sql`
          SELECT wallet_id, asset, hour, hour_count, hour_value, hour_small_orders, day_count, day_value,
            previous_day_value, day_amount
          FROM risk_lock(${PgArray.of(wallets)}::uuid[])`
        const usages = new Map<WalletId, Array<Usage>>()
        for (const { hour, walletId, ...row } of yield* Effect.orDie(decodeUsages(rows))) {
          const usage = { ...row, hour: hour.getTime() }
          const others = usages.get(walletId)
          if (others === undefined) usages.set(walletId, [usage])
          else others.push(usage)
        }
        return usages
      })

      const store: RiskRepo["Service"]["store"] = (usages) => {
        const column = (of: (usage: WalletUsage) => string | number) => PgArray.of(usages.map(of))
        return sql`
          INSERT INTO risk_usage (wallet_id, asset, hour, hour_count, hour_value, hour_small_orders, day_count, day_value,
            previous_day_value, day_amount)
          SELECT * FROM unnest(
            ${column(({ wallet }) => wallet)}::uuid[], ${column(({ asset }) => asset)}::text[],
            ${column(({ hour }) => timeText(hour))}::timestamptz[], ${column(({ hourCount }) => hourCount)}::int[],
            ${column(({ hourValue }) => Decimal.format(hourValue))}::numeric[],
            ${column(({ hourSmallOrders }) => hourSmallOrders)}::int[], ${column(({ dayCount }) => dayCount)}::int[],
            ${column(({ dayValue }) => Decimal.format(dayValue))}::numeric[],
            ${column(({ previousDayValue }) => Decimal.format(previousDayValue))}::numeric[],
            ${column(({ dayAmount }) => Decimal.format(dayAmount))}::numeric[])
          ON CONFLICT (wallet_id, asset) DO UPDATE SET
            hour = excluded.hour, hour_count = excluded.hour_count, hour_value = excluded.hour_value,
            hour_small_orders = excluded.hour_small_orders, day_count = excluded.day_count,
            day_value = excluded.day_value, previous_day_value = excluded.previous_day_value,
            day_amount = excluded.day_amount`
      }

      const history: RiskRepo["Service"]["history"] = Effect.fnUntraced(function* (
        { account, counterparty },
        since
      ) {
        const receivedSince = DateTime.toDateUtc(since.received)
        const rows = yield* sql`
          SELECT available, received, deposited, (
            SELECT coalesce(-sum(entry.amount), 0) FROM ledger_entry AS entry
            JOIN ledger_transfer AS transfer ON transfer.id = entry.transfer_id
            WHERE received > 0 AND entry.account_id = ${account}::bigint AND entry.amount < 0
              AND entry.version > (
                SELECT ledger_version_at(id, version, ${receivedSince}::timestamptz)
                FROM ledger_account WHERE id = ${account}::bigint)
              AND transfer.kind = 'transfer' AND transfer.details ->> 'to' = ${counterparty ?? null}::text
          ) AS returned
          FROM risk_history(
            ${account}::bigint, ${counterparty ?? null}::text, ${receivedSince}::timestamptz,
            ${DateTime.toDateUtc(since.deposited)}::timestamptz)`
        const [found] = yield* Effect.orDie(decodeHistory(rows))
        return { ...found, available: found.available ?? ZERO }
      })

      const isReplay: RiskRepo["Service"]["isReplay"] = ({ key, principal }) =>
        Effect.map(
          sql`SELECT 1 FROM ledger_outcome WHERE principal = ${principal} AND key = ${key}`,
          (rows) => rows.length > 0
        )

      return RiskRepo.of({ postWithin, lock, store, history, isReplay })
    })
  )
}

const ZERO = BigDecimal.make(0n, 0)

/** The limits in the order of `post_movements`. */
const limitColumn = ({ asset, hourSmallOrders, total }: UsageLimits) => {
  const limits = [total, asset].flatMap((rule) =>
    rule === undefined
      ? [NO_LIMIT, NO_LIMIT, NO_LIMIT, NO_LIMIT]
      : [rule.hour_count, rule.day_count, Decimal.format(rule.hour_value), Decimal.format(rule.day_value)]
  )
  return PgArray.of([...limits, hourSmallOrders ?? NO_LIMIT])
}

const NO_LIMIT = "Infinity"

const timeText = (millis: number) => DateTime.formatIso(DateTime.makeUnsafe(millis))

const decodeUsages = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      walletId: WalletId,
      asset: AssetCode,
      hour: Schema.Date,
      hourCount: Schema.Int,
      hourValue: Amount,
      hourSmallOrders: Schema.Int,
      dayCount: Schema.Int,
      dayValue: Amount,
      previousDayValue: Amount,
      dayAmount: Amount
    })
  )
)
const decodeHistory = Schema.decodeUnknownEffect(
  Schema.Tuple([
    Schema.Struct({ available: Schema.NullOr(Amount), received: Amount, returned: Amount, deposited: Amount })
  ])
)
