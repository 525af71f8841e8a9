import { RatesRpcs } from "../api/rates/RatesRpcs.ts"
import { WalletRpcs } from "../api/wallets/WalletRpcs.ts"

/** The RPCs that the client calls. */
export const ClientRpcs = RatesRpcs.merge(WalletRpcs)
