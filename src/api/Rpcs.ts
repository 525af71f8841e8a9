import { RatesRpcs } from "./rates/RatesRpcs.ts"
import { WalletRpcs } from "./wallets/WalletRpcs.ts"

/** The RPC API, on `/rpc` (WebSocket) and `/rpc/http`. */
export class Rpcs extends RatesRpcs.merge(WalletRpcs) {}
