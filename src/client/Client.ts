/** Entry point of `effex/client`: the names of `effex-client` and `effex-client/effect`. */
export type { PollMessage } from "../api/polling/PollMessage.ts"
export type { Client as PromiseClient } from "./promise/Client.ts"
export * from "./Effect.ts"
export {
  type AdminClient,
  connect,
  connectAdmin,
  type ConnectOptions,
  connectRates,
  type Conversion,
  EffexError,
  InsufficientFunds,
  LimitExceeded,
  MfaRequired,
  type Poll,
  type Quote,
  type Rate,
  type RateEvent,
  type RateStream,
  type Receipt,
  SessionEnded,
  type StreamState,
  verifyReceipt
} from "./promise/Entry.ts"
