import { Array, Context, DateTime, Duration, Effect, Layer, Option, Schema } from "effect"
import type { SqlError, Statement } from "effect/sql"
import { UserId, Username } from "../../domain/accounts/User.ts"
import { HoldId, TransferId } from "../../domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../../domain/money/Asset.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import {
  FundingDirection,
  type FundingEnding,
  FundingId,
  FundingProvider,
  type FundingRequest,
  FundingState
} from "../../domain/wallets/Funding.ts"
import { WalletId } from "../../domain/wallets/Wallet.ts"
import { Amount } from "../../ledger/Amount.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { referenceKeyOf } from "./ReferenceKey.ts"

/** Time after which the provider is asked for a new request: its first answer usually arrives before. */
const FIRST_CHECK = Duration.seconds(2)
/** The provider is asked again after a quarter of the age of a request, within these limits. */
const MIN_CHECK_INTERVAL = Duration.seconds(1)
const MAX_CHECK_INTERVAL = Duration.minutes(5)

/** Filter of a list of requests. */
export interface FundingFilter {
  readonly wallet?: WalletId | undefined
  readonly state?: FundingState | undefined
  readonly direction?: FundingDirection | undefined
}

/** The end of a request. */
export interface StoredEnding {
  readonly id: FundingId
  readonly ending: FundingEnding
  readonly transferId: TransferId | null
  /** The administrator who decided. */
  readonly settledBy: string | null
}

/** Pending requests of one direction. */
export interface PendingFunding {
  readonly direction: FundingDirection
  readonly count: number
  /** Age of the oldest one; 0 without any. */
  readonly oldestSeconds: number
}

type NewFundingRequest = Pick<
  FundingRequest,
  | "id"
  | "walletId"
  | "direction"
  | "asset"
  | "amount"
  | "note"
  | "provider"
  | "holdId"
  | "requestedBy"
  | "requestedAt"
>

/** Funding requests in PostgreSQL. Methods that fail with `SqlError` run in the open transaction of the caller. */
export class FundingRepo extends Context.Service<
  FundingRepo,
  {
    /** Inserts a pending request. */
    readonly insert: (request: NewFundingRequest) => Effect.Effect<void, SqlError.SqlError>
    /** Locks a request, so that two ends of it follow each other. */
    readonly lock: (id: FundingId) => Effect.Effect<Option.Option<FundingRequest>, SqlError.SqlError>
    /** The request that a payment with this reference has completed. */
    readonly completedBy: (reference: string) => Effect.Effect<Option.Option<FundingId>, SqlError.SqlError>
    /** Ends a pending request, and returns it. */
    readonly end: (ending: StoredEnding) => Effect.Effect<FundingRequest, SqlError.SqlError>
    readonly byId: (id: FundingId) => Effect.Effect<Option.Option<FundingRequest>, StoreUnavailable>
    /** At most `limit` requests before an id, newest first. */
    readonly page: (
      filter: FundingFilter,
      before: FundingId | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<FundingRequest>, StoreUnavailable>
    /** Takes at most `limit` pending requests whose provider is to be asked now, and schedules the next time. */
    readonly takeDue: (
      provider: FundingProvider,
      limit: number
    ) => Effect.Effect<ReadonlyArray<FundingRequest>, StoreUnavailable>
    /** Counts pending requests, of both directions. */
    readonly pending: Effect.Effect<ReadonlyArray<PendingFunding>, StoreUnavailable>
  }
>()("effex/wallets/funding/FundingRepo") {
  static readonly layer = Layer.effect(
    FundingRepo,
    Effect.gen(function* () {
      const { execute, read, sql } = yield* Database
      const columns = sql.literal(COLUMNS)
      const named = sql.literal(
        "JOIN wallet ON wallet.id = request.wallet_id JOIN app_user ON app_user.id = wallet.user_id"
      )
      const select = (condition: Statement.Fragment) =>
        sql`SELECT ${columns} FROM funding_request AS request ${named} WHERE ${condition}`
      const decoded = (rows: unknown): Effect.Effect<ReadonlyArray<FundingRequest>> =>
        Effect.orDie(decode(rows))
      const first = Effect.flatMap((rows: unknown) => Effect.map(decoded(rows), Array.head))
      const now = Effect.map(DateTime.now, DateTime.toDateUtc)

      const insert = Effect.fnUntraced(function* (request: NewFundingRequest) {
        const { amount, asset, direction, holdId, id, note, provider, requestedBy, walletId } = request
        const checkAt = DateTime.addDuration(request.requestedAt, FIRST_CHECK)
        yield* sql`
          INSERT INTO funding_request (id, wallet_id, direction, asset, amount, note, provider, hold_id, requested_by,
            requested_at, check_at, state)
          VALUES (${id}, ${walletId}, ${direction}, ${asset}, ${Decimal.format(amount)}::numeric, ${note}, ${provider},
            ${holdId}, ${requestedBy}, ${DateTime.toDateUtc(request.requestedAt)}, ${DateTime.toDateUtc(checkAt)}, 'pending')`
      })

      const completedBy = Effect.fnUntraced(function* (reference: string) {
        const key = referenceKeyOf(reference)
        const compared = (text: Statement.Fragment) => sql`lower(regexp_replace(${text}, '\\s', '', 'g'))`
        // Requests that previous versions completed may have no key, or one whose case is folded in ASCII only.
        const spellings = [reference, key, key.toUpperCase()].map((spelling) => compared(sql`${spelling}`))
        const rows = yield* sql`
          SELECT id FROM funding_request WHERE reference_key = ${key}
            OR (reference IS NOT NULL AND ${compared(sql`reference`)} = ANY (ARRAY[${sql.csv(spellings)}]))`
        return Array.head((yield* Effect.orDie(decodeIds(rows))).map(({ id }) => id))
      })

      const end = Effect.fnUntraced(function* ({ ending, id, settledBy, transferId }: StoredEnding) {
        const reference = ending.state === "completed" ? ending.reference : null
        const rows = yield* sql`
          WITH request AS (
            UPDATE funding_request SET state = ${ending.state}, transfer_id = ${transferId}, settled_by = ${settledBy},
              settled_at = ${yield* now}, reference = ${reference},
              reference_key = ${reference === null ? null : referenceKeyOf(reference)},
              reason = ${ending.state === "failed" ? ending.reason : null}
            WHERE id = ${id} RETURNING *)
          SELECT ${columns} FROM request ${named}`
        return Option.getOrThrow(Array.head(yield* decoded(rows)))
      })

      const page = Effect.fn("FundingRepo.page")(function* (
        { direction, state, wallet }: FundingFilter,
        before: FundingId | undefined,
        limit: number
      ) {
        const conditions = sql.and([
          ...(wallet === undefined ? [] : [sql`request.wallet_id = ${wallet}`]),
          ...(state === undefined ? [] : [sql`request.state = ${state}`]),
          ...(direction === undefined ? [] : [sql`request.direction = ${direction}`]),
          ...(before === undefined ? [] : [sql`request.id < ${before}`])
        ])
        return yield* decoded(yield* read(sql`${select(conditions)} ORDER BY request.id DESC LIMIT ${limit}`))
      })

      const takeDue = Effect.fn("FundingRepo.takeDue")(function* (provider: FundingProvider, limit: number) {
        const at = yield* now
        const rows = yield* execute(sql`
          WITH request AS (
            UPDATE funding_request SET check_at = ${at}::timestamptz + least(greatest(
              (${at}::timestamptz - requested_at) / 4, make_interval(secs => ${Duration.toSeconds(MIN_CHECK_INTERVAL)})),
              make_interval(secs => ${Duration.toSeconds(MAX_CHECK_INTERVAL)}))
            WHERE id IN (SELECT id FROM funding_request
              WHERE state = 'pending' AND provider = ${provider} AND check_at <= ${at}::timestamptz
              ORDER BY check_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)
            RETURNING *)
          SELECT ${columns} FROM request ${named}`)
        return yield* decoded(rows)
      })

      const pending = Effect.gen(function* () {
        const rows = yield* execute(sql`
          SELECT wanted.direction, count(request.id)::int AS count,
            coalesce(extract(epoch FROM ${yield* now}::timestamptz - min(requested_at)), 0)::float8 AS oldest_seconds
          FROM unnest(ARRAY['deposit', 'withdrawal']) AS wanted (direction) LEFT JOIN funding_request AS request
            ON request.direction = wanted.direction AND request.state = 'pending'
          GROUP BY wanted.direction`)
        return yield* Effect.orDie(decodePending(rows))
      }).pipe(Effect.withSpan("FundingRepo.pending"))

      return FundingRepo.of({
        insert,
        lock: (id) => first(sql`${select(sql`request.id = ${id}`)} FOR UPDATE OF request`),
        completedBy,
        end,
        byId: Effect.fn("FundingRepo.byId")((id) => first(execute(select(sql`request.id = ${id}`)))),
        page,
        takeDue,
        pending
      })
    })
  )
}

const COLUMNS = `request.id, request.wallet_id, wallet.user_id, username, request.direction, request.asset,
  request.amount::text AS amount, request.note, request.provider, request.hold_id, request.requested_by,
  request.requested_at, request.state, request.reference, request.reason, request.transfer_id, request.settled_by,
  request.settled_at`

const decode = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      id: FundingId,
      walletId: WalletId,
      userId: UserId,
      username: Username,
      direction: FundingDirection,
      asset: AssetCode,
      amount: Amount,
      note: Schema.NullOr(Schema.String),
      provider: FundingProvider,
      holdId: Schema.NullOr(HoldId),
      requestedBy: Schema.String,
      requestedAt: Schema.DateTimeUtcFromDate,
      state: FundingState,
      reference: Schema.NullOr(Schema.String),
      reason: Schema.NullOr(Schema.String),
      transferId: Schema.NullOr(TransferId),
      settledBy: Schema.NullOr(Schema.String),
      settledAt: Schema.NullOr(Schema.DateTimeUtcFromDate)
    })
  )
)
const decodeIds = Schema.decodeUnknownEffect(Schema.Array(Schema.Struct({ id: FundingId })))
const decodePending = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({ direction: FundingDirection, count: Schema.Int, oldestSeconds: Schema.Finite })
  )
)
