import { Context, Effect, Layer, type Option } from "effect"
import { Settings } from "../../config/Settings.ts"
import type {
  FundingAnswer,
  FundingProvider,
  FundingRequest,
  FundingUnknown
} from "../../domain/wallets/Funding.ts"
import * as SandboxFunding from "./SandboxFunding.ts"

/** Moves money in and out of effex. The provider knows a request by its id. */
export class FundingClient extends Context.Service<
  FundingClient,
  {
    /** Stored with each request: another provider is never asked for it. */
    readonly provider: FundingProvider
    /** Sends a request. A known id returns the state of its request, and moves nothing again. */
    readonly submit: (request: FundingRequest) => Effect.Effect<FundingAnswer, FundingUnknown>
    /** Asks for the state of a request by its id. None: the provider has no such request now. */
    readonly find: (request: FundingRequest) => Effect.Effect<Option.Option<FundingAnswer>, FundingUnknown>
  }
>()("effex/wallets/funding/FundingClient") {
  /** Credits at once and pays nothing. The note of a request can ask for a fault. */
  static readonly layerSandbox = Layer.succeed(FundingClient, {
    provider: "sandbox",
    submit: SandboxFunding.submit,
    find: SandboxFunding.find
  })

  /** Every request is pending until an administrator decides. */
  static readonly layerManual = Layer.succeed(FundingClient, {
    provider: "manual",
    submit: () => Effect.succeed({ state: "pending" }),
    find: () => Effect.succeedSome({ state: "pending" })
  })

  /** The provider of `FUNDING`. */
  static readonly layer = Layer.unwrap(
    Effect.map(Settings, ({ funding }) =>
      funding === "sandbox" ? FundingClient.layerSandbox : FundingClient.layerManual
    )
  )
}
