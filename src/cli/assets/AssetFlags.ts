import { type BigDecimal, Option, Result, Schema } from "effect"
import { Argument, type Command, Flag } from "effect/cli"
import { AssetDecimals, AssetName, type CatalogAsset, Symbol } from "../../domain/assets/CatalogAsset.ts"
import { CODE_ALLOWED, parseCode } from "../../domain/money/Asset.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"

/** Code of an asset, in any case. */
export const code = Argument.String("code").pipe(
  Argument.withDescription("Code of the asset, such as BTC, AAPL or ALL.US"),
  Argument.filterMap(parseCode, () => CODE_ALLOWED)
)

/** Flags of every command that changes an asset. */
export const fields = {
  tradable: Flag.Literals("tradable", ["yes", "no"]).pipe(
    Flag.withDescription("Orders may name the asset"),
    Flag.optional
  ),
  minimumOrder: Flag.String("minimum-order").pipe(
    Flag.withDescription("Smallest amount of an order, in units of the asset; `none` for no minimum"),
    Flag.filterMap(parseMinimum, () => "a positive amount such as 0.001, or none"),
    Flag.optional
  ),
  symbols: Flag.String("symbol").pipe(
    Flag.withDescription(
      "Name of the asset at a price provider, such as coingecko=bitcoin; repeat it for several; `coingecko=` removes it"
    ),
    Flag.filterMap(parseSymbol, () => "a provider and a symbol, such as coingecko=bitcoin"),
    Flag.atLeast(0)
  ),
  exchangeSymbol: Flag.String("exchange-symbol").pipe(
    Flag.withDescription("Name of the asset at the exchange, such as BTC/USD; `none` for its code"),
    Flag.filterMap(
      (text) => (text === "none" ? Option.some(null) : Option.liftPredicate(text, Schema.is(Symbol))),
      () => "1 to 50 letters, digits and . _ : / -, or none"
    ),
    Flag.optional
  ),
  json: jsonFlag
}

export const name = Flag.String("name").pipe(
  Flag.withDescription("Name of the asset, such as Bitcoin"),
  Flag.filter(Schema.is(AssetName), () => "1 to 100 printable characters, without a space at either end")
)

export const decimals = Flag.Int("decimals").pipe(
  Flag.withDescription("Number of decimals of the smallest amount, such as 8 for BTC"),
  Flag.filter(Schema.is(AssetDecimals), () => "a whole number from 0 to 18")
)

/** Given instead of a symbol, it removes the symbol. */
const REMOVED = ""

type Changes = Command.Command.Config.Infer<typeof fields>

/** Applies the given flags to the values of an asset. */
export const apply = (
  { exchangeSymbol, minimumOrder, symbols, tradable }: Changes,
  current: Pick<CatalogAsset, "exchangeSymbol" | "minimumOrder" | "providerSymbols" | "tradable">
) => ({
  tradable: Option.match(tradable, { onNone: () => current.tradable, onSome: (word) => word === "yes" }),
  minimumOrder: Option.getOrElse(minimumOrder, () => current.minimumOrder),
  providerSymbols: Object.fromEntries(
    Object.entries({ ...current.providerSymbols, ...Object.fromEntries(symbols) }).filter(
      ([, symbol]) => symbol !== REMOVED
    )
  ),
  exchangeSymbol: Option.getOrElse(exchangeSymbol, () => current.exchangeSymbol)
})

function parseMinimum(text: string): Option.Option<BigDecimal.BigDecimal | null> {
  return text === "none"
    ? Option.some(null)
    : Result.getSuccess(Schema.decodeResult(Decimal.PositiveDecimal)(text))
}

function parseSymbol(text: string): Option.Option<readonly [provider: string, symbol: string]> {
  const [, provider = "", symbol = ""] = /^([a-z][a-z0-9-]{0,29})=(.*)$/.exec(text) ?? []
  if (provider === "") return Option.none()
  return symbol === REMOVED || Schema.is(Symbol)(symbol) ? Option.some([provider, symbol]) : Option.none()
}
