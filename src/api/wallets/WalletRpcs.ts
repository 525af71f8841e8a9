import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { EventPositionText } from "../../domain/wallets/EventPosition.ts"
import { RpcRequireUser } from "../access/RpcAuthorization.ts"
import * as Problem from "../Problem.ts"
import { UserEventMessage } from "./UserEventMessage.ts"

/** RPCs of wallets, on `/rpc` (WebSocket) and `/rpc/http`, next to those of rates. */
export class WalletRpcs extends RpcGroup.make(
  /**
   * Streams balances, transactions, orders and security events of the user, from now or from a position. What was missed since the
   * position comes first, then a snapshot of the balances.
   */
  Rpc.make("WatchWallet", {
    payload: { since: Schema.optionalKey(EventPositionText) },
    success: UserEventMessage,
    error: Schema.Union([Problem.RateLimited, Problem.StoreUnavailable]),
    stream: true
  }).middleware(RpcRequireUser)
) {}
