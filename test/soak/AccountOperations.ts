import { Clock, Effect, Option, Random, Schema } from "effect"
import * as AccountChecks from "./AccountChecks.ts"
import { codeOf } from "./Http.ts"
import type { Node } from "./Nodes.ts"
import { Report } from "./Report.ts"
import * as Requests from "./Requests.ts"

const AUTH = "/api/v1/accounts/auth"
/** Time that a worker retries a request. */
const RETRY_TIMEOUT_MILLIS = 10_000
const RETRY_PAUSE = "150 millis"
/** Age at which an access token is replaced. It expires after 10 minutes. */
const MAX_ACCESS_AGE_MILLIS = 8 * 60_000

const Tokens = Schema.Struct({ access: Schema.String, refresh: Schema.String, session_id: Schema.String })
const decodeTokens = Schema.decodeUnknownOption(Schema.fromJsonString(Tokens))
const Opened = Schema.Struct({ ...Tokens.fields, user: Schema.Struct({ username: Schema.String }) })
const decodeOpened = Schema.decodeUnknownOption(Schema.fromJsonString(Opened))
const Profile = Schema.fromJsonString(Schema.Struct({ username: Schema.String }))
const decodeProfile = Schema.decodeUnknownOption(Profile)

/** Problem codes of requests whose outcome is unknown. */
export const UNKNOWN_CODES = new Set(["store-unavailable", "request-timeout"])

/** Users who register, sign in, refresh, read and sign out, on alternating nodes. */
export const make = Effect.gen(function* () {
  const report = yield* Report
  const { anyNode, otherNode, send } = yield* Requests.make
  const model = AccountChecks.emptyModel()

  const post = (name: string, node: Node | undefined, path: string, body: object, address: string) =>
    send(name, node, `${AUTH}/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-forwarded-for": address },
      body: JSON.stringify(body)
    })

  /** Repeats a request on alternating nodes until its outcome is known. Returns none if that takes too long. */
  const settle = Effect.fnUntraced(function* (
    node: Node | undefined,
    attempt: (node: Node | undefined) => Effect.Effect<Option.Option<Requests.NodeResponse>>
  ) {
    const deadline = (yield* Clock.currentTimeMillis) + RETRY_TIMEOUT_MILLIS
    for (let target = node, attempts = 1; ; target = otherNode(target), attempts++) {
      const response = yield* attempt(target)
      if (Option.isSome(response) && !UNKNOWN_CODES.has(codeOf(response.value)))
        return Option.some({ response: response.value, isRetry: attempts > 1 })
      if ((yield* Clock.currentTimeMillis) > deadline) return Option.none()
      yield* Effect.sleep(RETRY_PAUSE)
    }
  })

  /** Takes a random item, which no other worker uses until it is put back. */
  const take = Effect.fnUntraced(function* <A>(items: Array<A>) {
    const at = yield* Random.next
    const [item] = items.splice(Math.floor(at * items.length), 1)
    return Option.fromUndefinedOr(item)
  })

  const open = Effect.fnUntraced(function* (
    user: AccountChecks.User,
    { endedAt, status, text }: Requests.NodeResponse
  ) {
    const opened = status < 300 ? decodeOpened(text) : Option.none()
    if (Option.isNone(opened) || opened.value.user.username !== user.username) {
      const detail = `${user.username}: ${status} ${text}`
      return yield* report.violation("a user registers, and signs in with the password", detail)
    }
    const { access, refresh, session_id: id } = opened.value
    model.open.push({ user, id, access, refresh, accessSince: endedAt })
  })

  const register = Effect.gen(function* () {
    const node = yield* anyNode
    const number = yield* Random.nextIntBetween(0, 2 ** 48)
    const bytes = [number, number >> 8, number >> 16].map((byte) => byte & 0xff)
    const username = `soak-${number.toString(36)}`
    const user = { username, password: `password of ${username}`, address: `10.${bytes.join(".")}` }
    model.names.add(username)
    const { address, ...credentials } = user
    const settled = yield* settle(node, (to) => post("register", to, "register", credentials, address))
    if (Option.isNone(settled)) return
    const { isRetry, response } = settled.value
    // The response of an earlier attempt was lost.
    const isTaken = isRetry && codeOf(response) === "username-taken"
    model.registered.add(username)
    if (isTaken) model.signedOut.push(user)
    else yield* open(user, response)
  })

  const signIn = Effect.gen(function* () {
    const [node, taken] = [yield* anyNode, yield* take(model.signedOut)]
    if (Option.isNone(taken)) return
    const { address, ...credentials } = taken.value
    const settled = yield* settle(node, (to) => post("sign in", to, "login", credentials, address))
    if (Option.isSome(settled)) yield* open(taken.value, settled.value.response)
    else model.signedOut.push(taken.value)
  })

  /** Signs in with a wrong password, from another address. */
  const guess = Effect.gen(function* () {
    const [node, at] = [yield* anyNode, yield* Random.next]
    const names = Array.from(model.registered)
    const username = names[Math.floor(at * names.length)]
    if (username === undefined) return
    const address = `10.9.0.${Math.floor(at * 250)}`
    const body = { username, password: `wrong password ${username}` }
    const response = yield* post("sign in with a wrong password", node, "login", body, address)
    if (Option.isNone(response)) return
    const code = codeOf(response.value)
    if (UNKNOWN_CODES.has(code) || ["invalid-credentials", "rate-limited"].includes(code)) return
    yield* report.violation("nobody signs in with a wrong password", `${username}: ${response.value.text}`)
  })

  const refreshWith = (token: string, to: Node | undefined, user: AccountChecks.User) =>
    post("refresh", to, "refresh", { refresh: token }, user.address)

  /** Refreshes until a response arrives: a repeated refresh returns the same successor. */
  const refreshSession = Effect.fnUntraced(function* (session: AccountChecks.OpenSession) {
    const node = yield* anyNode
    const settled = yield* settle(node, (to) => refreshWith(session.refresh, to, session.user))
    if (Option.isNone(settled)) return
    yield* adopt(session, settled.value.response)
  })

  const adopt = Effect.fnUntraced(function* (
    session: AccountChecks.OpenSession,
    { endedAt, status, text }: Requests.NodeResponse
  ) {
    const tokens = status < 300 ? decodeTokens(text) : Option.none()
    if (Option.isNone(tokens) || tokens.value.session_id !== session.id) {
      const detail = `${session.user.username}, session ${session.id}: ${status} ${text}`
      return yield* report.violation("the holder of a refresh token refreshes the session", detail)
    }
    const { access, refresh } = tokens.value
    Object.assign(session, { access, refresh, accessSince: endedAt })
  })

  const withSession = (use: (session: AccountChecks.OpenSession) => Effect.Effect<void>) =>
    Effect.gen(function* () {
      const taken = yield* take(model.open)
      if (Option.isNone(taken)) return
      const { value: session } = taken
      yield* Effect.ensuring(
        use(session),
        Effect.sync(() => model.open.push(session))
      )
    })

  /** Like {@link withSession}, with an access token that does not expire soon. */
  const signedIn = (use: (session: AccountChecks.OpenSession) => Effect.Effect<void>) =>
    withSession((session) =>
      Effect.gen(function* () {
        if ((yield* Clock.currentTimeMillis) - session.accessSince > MAX_ACCESS_AGE_MILLIS)
          yield* refreshSession(session)
        yield* use(session)
      })
    )

  const refresh = withSession(refreshSession)

  /** Refreshes with one token on two nodes at the same time, as two browser tabs do. */
  const refreshConcurrently = withSession(
    Effect.fnUntraced(function* (session) {
      const node = yield* anyNode
      const responses = yield* Effect.forEach(
        [node, otherNode(node)],
        (to) => settle(to, (target) => refreshWith(session.refresh, target, session.user)),
        { concurrency: "unbounded" }
      )
      const known = responses.flatMap((settled) => (Option.isSome(settled) ? [settled.value.response] : []))
      const successors = new Set(
        known
          .map(({ text }) => decodeTokens(text))
          .flatMap(Option.toArray)
          .map((t) => t.refresh)
      )
      if (successors.size > 1) {
        const detail = known.map(({ node: name, text }) => `${name}: ${text}`).join("; ")
        yield* report.violation("concurrent refreshes get one successor", detail)
      }
      for (const response of known) yield* adopt(session, response)
    })
  )

  const readProfile = signedIn(
    Effect.fnUntraced(function* (session) {
      const response = yield* send("read the account", yield* anyNode, "/api/v1/accounts/me", {
        headers: { authorization: `Bearer ${session.access}` }
      })
      if (Option.isNone(response) || UNKNOWN_CODES.has(codeOf(response.value))) return
      const { username } = session.user
      if (Option.exists(decodeProfile(response.value.text), (profile) => profile.username === username))
        return
      yield* report.violation("a user who is signed in reads the own account", response.value.text)
    })
  )

  const signOut = Effect.gen(function* () {
    const [node, taken] = [yield* anyNode, yield* take(model.open)]
    if (Option.isNone(taken)) return
    const { refresh: token, user } = taken.value
    const settled = yield* settle(node, (to) =>
      post("sign out", to, "logout", { refresh: token }, user.address)
    )
    model.signedOut.push(user)
    if (Option.isNone(settled)) return
    const { endedAt, status, text } = settled.value.response
    if (status !== 204) return yield* report.violation("a user signs out", `${status} ${text}`)
    model.ended.push({ ...taken.value, endedAt })
    const reused = yield* refreshWith(token, otherNode(node), user)
    if (Option.exists(reused, (response) => response.status < 300))
      yield* report.violation("no node refreshes a session that has ended", token)
  })

  const weighted: ReadonlyArray<readonly [weight: number, operation: Effect.Effect<void>]> = [
    [2, register],
    [2, signIn],
    [1, guess],
    [4, refresh],
    [2, refreshConcurrently],
    [4, readProfile],
    [2, signOut]
  ]
  return {
    weighted,
    check: AccountChecks.run(model),
    open: model.open,
    registered: model.registered,
    settle,
    signedIn
  }
})
