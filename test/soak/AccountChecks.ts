import type { PgClient } from "@effect/sql-pg"
import { Clock, Effect, Option } from "effect"
import { Harness } from "./Harness.ts"
import { codeOf, request } from "./Http.ts"
import { Report } from "./Report.ts"

/** Number of sessions that are checked at the end, on each node. */
const MAX_CHECKED_SESSIONS = 50
/** Time within which every node rejects the access tokens of a session that has ended. */
const ACCESS_END_MILLIS = 10_000
/** Access tokens of older sessions may have expired. */
const MAX_ACCESS_AGE_MILLIS = 9 * 60_000

/** A user of the soak. */
export interface User {
  readonly username: string
  readonly password: string
  /** Address that its requests come from. */
  readonly address: string
}

/** A session that a client holds. */
export interface OpenSession {
  readonly user: User
  readonly id: string
  access: string
  refresh: string
  /** Time of the access token, in epoch milliseconds. */
  accessSince: number
}

/** A session whose end was confirmed at `endedAt`, in epoch milliseconds. */
export interface EndedSession extends OpenSession {
  readonly endedAt: number
}

/** What clients know about accounts. */
export interface AccountModel {
  /** Names that a client tried to register. */
  readonly names: Set<string>
  /** Names whose registration was confirmed. */
  readonly registered: Set<string>
  /** Sessions, and users without one, that no worker uses now. */
  readonly open: Array<OpenSession>
  readonly signedOut: Array<User>
  /** Sessions whose end was confirmed. */
  readonly ended: Array<EndedSession>
}

/** Makes a model without users. */
export const emptyModel = (): AccountModel => ({
  names: new Set(),
  registered: new Set(),
  open: [],
  signedOut: [],
  ended: []
})

/** Compares the accounts of all nodes, and the stored ones, with what clients know. */
export const run = (model: AccountModel) =>
  Effect.gen(function* () {
    const { postgres } = yield* Harness
    const report = yield* Report
    yield* checkAccess(model)
    const sql = yield* postgres.sql
    yield* checkUsers(sql, model)
    yield* checkSessions(sql, model)
    yield* checkEvents(sql)
    report.figure("users registered", String(model.registered.size))
    report.figure("sessions signed out", String(model.ended.length))
  }).pipe(Effect.scoped)

const checkAccess = Effect.fnUntraced(function* ({ ended, open }: AccountModel) {
  const { nodes } = yield* Harness
  const report = yield* Report
  const lastEnd = Math.max(0, ...ended.map(({ endedAt }) => endedAt))
  yield* Effect.sleep(Math.max(0, lastEnd + ACCESS_END_MILLIS - (yield* Clock.currentTimeMillis)))
  const now = yield* Clock.currentTimeMillis
  const isFresh = ({ accessSince }: OpenSession) => now - accessSince < MAX_ACCESS_AGE_MILLIS
  const read = Effect.fnUntraced(function* (url: string, { access }: OpenSession) {
    const headers = { authorization: `Bearer ${access}` }
    const response = yield* request(url, "/api/v1/accounts/me", { headers })
    return Option.match(response, { onNone: () => "no response", onSome: codeOf })
  })
  for (const node of nodes) {
    const url = node.current()?.url ?? ""
    for (const session of ended.filter(isFresh).slice(-MAX_CHECKED_SESSIONS)) {
      const code = yield* read(url, session)
      if (code !== "session-ended")
        yield* report.violation("an access token ends with its session", `node ${node.index}: ${code}`)
    }
    for (const session of open.filter(isFresh).slice(-MAX_CHECKED_SESSIONS)) {
      const code = yield* read(url, session)
      if (code !== "200")
        yield* report.violation("an open session has access on each node", `node ${node.index}: ${code}`)
    }
  }
})

const checkUsers = Effect.fnUntraced(function* (sql: PgClient.PgClient, { names, registered }: AccountModel) {
  const report = yield* Report
  const rows = yield* sql<{ username: string; wallets: number }>`
    SELECT username, (SELECT count(*)::int FROM wallet WHERE user_id = app_user.id) AS wallets FROM app_user`
  const stored = new Set(rows.map(({ username }) => username))
  for (const { username, wallets } of rows) {
    if (wallets !== 1) yield* report.violation("each user has one wallet", `${username} has ${wallets}`)
    if (!names.has(username)) yield* report.violation("each user was registered", username)
  }
  for (const username of registered)
    if (!stored.has(username)) yield* report.violation("no registered user is lost", username)
})

const checkSessions = Effect.fnUntraced(function* (sql: PgClient.PgClient, { ended, open }: AccountModel) {
  const report = yield* Report
  const rows = yield* sql<{ id: string }>`SELECT id FROM session WHERE revoked_at IS NULL`
  const stored = new Set(rows.map(({ id }) => id))
  for (const { id } of ended)
    if (stored.has(id)) yield* report.violation("a session that was signed out has ended", id)
  for (const { id } of open)
    if (!stored.has(id)) yield* report.violation("a session ends only when its user signs out", id)
})

const checkEvents = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const report = yield* Report
  const gaps = yield* sql<{ user: string }>`
    SELECT user_id AS user FROM security_event GROUP BY user_id HAVING max(number) <> count(*)`
  for (const { user } of gaps) yield* report.violation("security events are numbered without gaps", user)
  const reused = yield* sql<{ user: string }>`
    SELECT user_id AS user FROM security_event WHERE event = 'refresh-token-reused'`
  for (const { user } of reused) yield* report.violation("no session ends because a response was lost", user)
})
