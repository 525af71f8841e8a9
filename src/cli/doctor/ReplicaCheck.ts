import { Duration, Effect, Option } from "effect"
import type { SqlClient } from "effect/sql"
import { Settings } from "../../config/Settings.ts"
import * as MonotonicClock from "../../platform/MonotonicClock.ts"
import { Database, replicaClient } from "../../platform/postgres/Database.ts"
import * as DatabaseIdentity from "../../platform/postgres/DatabaseIdentity.ts"
import * as ReplicaMonitor from "../../platform/postgres/replica/ReplicaMonitor.ts"
import * as WalPosition from "../../platform/postgres/replica/WalPosition.ts"
import { rootMessage } from "../../platform/RootCause.ts"
import { type CheckResult, failed, ok, warning } from "./CheckResult.ts"

/** Longest wait for the replica to replay what the primary has now. */
const LAG_TIMEOUT = Duration.seconds(3)

/** Checks that the server at `DATABASE_READ_URL` is a replica of the primary, and how far it is behind. */
export const run = Effect.gen(function* () {
  const { databaseReadUrl } = yield* Settings
  if (Option.isNone(databaseReadUrl)) return [ok("replica", "not configured: the primary answers all reads")]
  return [yield* Effect.provide(check(databaseReadUrl.value), Database.layerUnmigrated)]
})

const check = Effect.fnUntraced(
  function* (url: Parameters<typeof replicaClient>[0]) {
    const primary = yield* Database
    const replica = yield* replicaClient(url, 1)
    const [server] = yield* replica<{ shown: string; isStandby: boolean }>`
    SELECT current_setting('server_version') AS shown, pg_is_in_recovery() AS is_standby`
    const found = `PostgreSQL ${server?.shown}`
    if (server?.isStandby !== true)
      return failed(
        "replica",
        `${found}; it is not a standby`,
        "Point DATABASE_READ_URL to a streaming replica, and DATABASE_URL to its primary"
      )
    const ownIdentity = yield* Effect.orDie(DatabaseIdentity.read(primary))
    if ((yield* DatabaseIdentity.of(replica)) !== ownIdentity)
      return failed(
        "replica",
        `${found}; it is not a replica of DATABASE_URL`,
        "Point DATABASE_READ_URL to a streaming replica of the database at DATABASE_URL"
      )
    if (!(yield* stateOf(replica)).isStreaming)
      return failed(
        "replica",
        `${found}; it does not receive the log of a primary`,
        "Check primary_conninfo of the replica, its log, and that the primary is running"
      )
    return yield* checkLag(replica, found)
  },
  Effect.scoped,
  Effect.catchTag("SqlError", (error) => Effect.succeed(unreachable(rootMessage(error))))
)

const unreachable = (reason: string) =>
  failed(
    "replica",
    `no response: ${reason}`,
    "Check DATABASE_READ_URL, and that the replica accepts connections; without it, the primary answers all reads"
  )

const stateOf = (replica: SqlClient.SqlClient) =>
  Effect.scoped(Effect.flatMap(replica.reserve, WalPosition.ofReplica))

/** Measures how long the replica takes to replay what the primary has now. */
const checkLag = Effect.fnUntraced(function* (replica: SqlClient.SqlClient, found: string) {
  const { databaseReadMaxLag } = yield* Settings
  const { execute, sql } = yield* Database
  const position = yield* execute(WalPosition.ofPrimary(sql))
  const startedAt = yield* MonotonicClock.millis
  const elapsed = Effect.map(MonotonicClock.millis, (now) => Math.round(now - startedAt))
  const replayed = Effect.gen(function* () {
    while ((yield* stateOf(replica)).position < position)
      yield* Effect.sleep(Duration.millis(ReplicaMonitor.pauseAfter(yield* elapsed)))
    return yield* elapsed
  })
  const lag = yield* Effect.timeoutOption(replayed, LAG_TIMEOUT)
  if (Option.exists(lag, (millis) => millis <= Duration.toMillis(databaseReadMaxLag)))
    return ok("replica", `${found}, ${Option.getOrThrow(lag)} ms behind the primary`)
  return lagging(found, Option.getOrUndefined(lag))
})

const lagging = (found: string, millis: number | undefined): CheckResult =>
  warning(
    "replica",
    `${found}, ${millis === undefined ? `more than ${Duration.format(LAG_TIMEOUT)}` : `${millis} ms`} behind the primary`,
    "While it is further behind than DATABASE_READ_MAX_LAG, the primary answers all reads; check its load and its connection"
  )
