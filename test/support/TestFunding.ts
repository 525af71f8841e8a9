import { Context, Effect, Layer, Option } from "effect"
import { AdminActions } from "../../src/accounts/AdminActions.ts"
import { AssetCatalog } from "../../src/assets/AssetCatalog.ts"
import { definitionOf } from "../../src/domain/assets/CatalogAsset.ts"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import type {
  FundingAnswer,
  FundingDirection,
  FundingId,
  FundingRequest,
  FundingUnknown
} from "../../src/domain/wallets/Funding.ts"
import { Funding } from "../../src/wallets/funding/Funding.ts"
import { FundingClient } from "../../src/wallets/funding/FundingClient.ts"
import { FundingDecisions } from "../../src/wallets/funding/FundingDecisions.ts"
import { FundingRepo } from "../../src/wallets/funding/FundingRepo.ts"
import { FundingSettlement } from "../../src/wallets/funding/FundingSettlement.ts"
import { FundingSettler } from "../../src/wallets/funding/FundingSettler.ts"
import type { NamedWallet } from "../../src/wallets/WalletRepo.ts"
import * as TestCatalog from "./TestCatalog.ts"
import * as TestWallets from "./TestWallets.ts"

/** One node's funding. Requires the wallets of the node, a repository and a client. */
export const node = Layer.mergeAll(Funding.layer, FundingSettler.layer, FundingDecisions.layer).pipe(
  Layer.provideMerge(FundingSettlement.layer),
  Layer.provideMerge(AdminActions.layer)
)

/** Funding and wallets in a new database. */
export const layer = (client: Layer.Layer<FundingClient>) =>
  node.pipe(
    Layer.provideMerge(Layer.mergeAll(client, FundingRepo.layer)),
    Layer.provideMerge(TestWallets.layer())
  )

/** A provider of payments that does what a test tells it, and counts what it is asked. */
export class ScriptedProvider extends Context.Service<
  ScriptedProvider,
  {
    submit: (request: FundingRequest) => Effect.Effect<FundingAnswer, FundingUnknown>
    find: (request: FundingRequest) => Effect.Effect<Option.Option<FundingAnswer>, FundingUnknown>
    /** Ids in the order of the submissions. */
    readonly submitted: Array<FundingId>
  }
>()("effex/test/ScriptedProvider") {
  /** Pending until a test says something else. */
  static readonly layer = Layer.effect(
    FundingClient,
    Effect.gen(function* () {
      const script = yield* ScriptedProvider
      return FundingClient.of({
        provider: "manual",
        submit: (request) =>
          Effect.suspend(() => {
            script.submitted.push(request.id)
            return script.submit(request)
          }),
        find: (request) => Effect.suspend(() => script.find(request))
      })
    })
  ).pipe(
    Layer.provideMerge(
      Layer.sync(ScriptedProvider, () => ({
        submit: () => Effect.succeed<FundingAnswer>({ state: "pending" }),
        find: () => Effect.succeedSome<FundingAnswer>({ state: "pending" }),
        submitted: []
      }))
    )
  )
}

/** Requests a deposit or a withdrawal, with the keys of the user. */
export const request = Effect.fnUntraced(function* (
  wallet: NamedWallet,
  direction: FundingDirection,
  amount: string,
  options: { readonly asset?: string; readonly key?: string; readonly note?: string } = {}
) {
  const { asset = "USD", key, note = null } = options
  const money = yield* TestWallets.money(amount, asset)
  const funding = yield* Funding
  return yield* funding.request({ wallet, direction, money, note, owner: `user:${wallet.userId}`, key })
})

/** The request as it is stored. */
export const stored = Effect.fnUntraced(function* ({ id }: FundingRequest) {
  return Option.getOrThrow(yield* (yield* FundingRepo).byId(id))
})

/** Adds a cryptocurrency to the catalogue. */
export const list = Effect.fnUntraced(function* (code: string, decimals: number) {
  const definition = definitionOf(TestCatalog.asset(code, "crypto", { decimals }))
  yield* (yield* AssetCatalog).change({ definition, principal: "test", expectedVersion: Option.none() })
})

export const delist = Effect.fnUntraced(function* (code: string) {
  const request = { code: AssetCode.make(code), principal: "test", expectedVersion: Option.none() }
  yield* (yield* AssetCatalog).delist(request)
})
