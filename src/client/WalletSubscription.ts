import { Effect, Stream } from "effect"
import * as Problem from "../api/Problem.ts"
import type { UserEventMessage } from "../api/wallets/UserEventMessage.ts"
import type { Connection } from "./Connection.ts"
import * as Exact from "./Exact.ts"
import { fromPromise } from "./HttpFailure.ts"
import { fromProblem, notSignedIn } from "./promise/EffexError.ts"
import * as Json from "./promise/Json.ts"
import type { UserAuthorization, UserHeaders } from "./promise/Requests.ts"
import type { Balance, WalletEvent } from "./promise/wallets/WalletValues.ts"
import * as RpcCalls from "./RpcCalls.ts"
import * as Subscriptions from "./Subscriptions.ts"

/** Errors of the stream of a wallet. Temporary errors are retried and do not fail the stream. */
export type WatchWalletFailure =
  | Problem.InvalidRequest
  | Problem.Unauthorized
  | Problem.SessionEnded
  | Problem.Forbidden

export interface WatchWalletOptions {
  /** Resumes after this position, as received with an event. */
  readonly since?: string | undefined
}

/** Emits the events of a user, and resumes at the last position after an interruption. Ends with the session. */
export const watchWallet = (
  connection: Connection["Service"],
  user: UserAuthorization,
  { since }: WatchWalletOptions
) =>
  Stream.suspend(() => {
    let position = since
    let identity: string | undefined
    let isRenewed = false
    const payload = () => (position === undefined ? {} : { since: position })

    const credentials = Effect.tryPromise({
      try: async (signal) => {
        const found = await user.headers(signal)
        // A resumed stream is never that of another user.
        if (identity !== undefined && identity !== found.identity) throw notSignedIn()
        identity = found.identity
        return found
      },
      catch: credentialsFailure
    })

    /** Ends the stream if new tokens may help, so that it is subscribed again with them. */
    const onRefused = (error: Refusal, found: UserHeaders) =>
      Stream.unwrap(
        Effect.map(
          Effect.promise(() =>
            user.refused(found, fromProblem({ ...error, detail: error.detail ?? error.code }))
          ),
          (mayRetry) => {
            if (!mayRetry || isRenewed) return Stream.fail(error)
            isRenewed = true
            return Stream.empty
          }
        )
      )

    const subscribe = () =>
      Stream.unwrap(
        Effect.map(credentials, (found) =>
          connection.rpcs
            .WatchWallet(payload(), { headers: found.headers })
            .pipe(Stream.catchTag(["Unauthorized", "SessionEnded"], (error) => onRefused(error, found)))
        )
      )

    const events = Subscriptions.resubscribe(connection, subscribe).pipe(
      Stream.filter((message) => message._tag !== "Heartbeat"),
      Stream.map((message) => {
        isRenewed = false
        position = message.position
        return Exact.fromText(eventOf(message))
      })
    )
    return Stream.unwrap(Effect.as(RpcCalls.validate("WatchWallet", payload()), events))
  })

/** Returns the error of credentials that could not be renewed. Others than these are temporary. */
const credentialsFailure = (error: unknown) => {
  const failure = fromPromise(error)
  return failure._tag === "SessionEnded" || failure._tag === "Forbidden" || failure._tag === "InvalidRequest"
    ? failure
    : new Problem.Internal({ detail: failure.message })
}

type Refusal = Problem.Unauthorized | Problem.SessionEnded

/** Converts a message to the event of the client with promises. */
const eventOf = (message: Exclude<UserEventMessage, { readonly _tag: "Heartbeat" }>): WalletEvent => {
  const { position } = message
  switch (message._tag) {
    case "Snapshot":
      return { type: "snapshot", position, balances: Json.decode<ReadonlyArray<Balance>>(message.balances) }
    case "Balance":
      return { type: "balance", position, balance: Json.decode(message.balance) }
    case "Transaction":
      return { type: "transaction", position, transaction: Json.decode(message.transaction) }
    case "Order":
      return { type: "order", position, order: Json.decode(message.order) }
    case "Security":
      return { type: "security", position, event: Json.decode(message.event) }
    case "Gap":
      return { type: "gap", position, since: message.since }
  }
}
