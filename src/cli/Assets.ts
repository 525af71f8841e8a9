import { type BigDecimal, Console, DateTime, Effect, Option, Result, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { AssetCatalog } from "../assets/AssetCatalog.ts"
import { AssetNotFound } from "../domain/assets/AssetErrors.ts"
import {
  AssetDecimals,
  AssetName,
  type CatalogAsset,
  definitionOf,
  PricedKind,
  Symbol
} from "../domain/assets/CatalogAsset.ts"
import { type AssetCode, AssetKind, CODE_ALLOWED, parseCode } from "../domain/money/Asset.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import { jsonFlag } from "./arguments/JsonFlag.ts"
import { commandError } from "./CommandError.ts"
import { COMMAND_LINE_PRINCIPAL } from "./CommandLinePrincipal.ts"
import * as Table from "./view/Table.ts"

const code = Argument.String("code").pipe(
  Argument.withDescription("Code of the asset, such as BTC, AAPL or ALL.US"),
  Argument.filterMap(parseCode, () => CODE_ALLOWED)
)

const fields = {
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
      "Name of the asset at a price provider, such as coingecko=bitcoin; repeat it for several"
    ),
    Flag.filterMap(parseSymbol, () => "a provider and a symbol, such as coingecko=bitcoin"),
    Flag.atLeast(0)
  ),
  exchangeSymbol: Flag.String("exchange-symbol").pipe(
    Flag.withDescription("Name of the asset at the exchange (default: its code)"),
    Flag.filter(Schema.is(Symbol), () => "1 to 50 letters, digits and . _ : / -"),
    Flag.optional
  ),
  json: jsonFlag
}

const name = Flag.String("name").pipe(
  Flag.withDescription("Name of the asset, such as Bitcoin"),
  Flag.filter(Schema.is(AssetName), () => "1 to 100 printable characters")
)

const decimals = Flag.Int("decimals").pipe(
  Flag.withDescription("Number of decimals of the smallest amount, such as 8 for BTC"),
  Flag.filter(Schema.is(AssetDecimals), () => "a whole number from 0 to 18")
)

type Changes = Command.Command.Config.Infer<typeof fields>

/** Applies the given flags to the values of an asset. */
const apply = (
  { exchangeSymbol, minimumOrder, symbols, tradable }: Changes,
  current: Pick<CatalogAsset, "exchangeSymbol" | "minimumOrder" | "providerSymbols" | "tradable">
) => ({
  tradable: Option.match(tradable, { onNone: () => current.tradable, onSome: (word) => word === "yes" }),
  minimumOrder: Option.getOrElse(minimumOrder, () => current.minimumOrder),
  providerSymbols: { ...current.providerSymbols, ...Object.fromEntries(symbols) },
  exchangeSymbol: Option.getOrElse(exchangeSymbol, () => current.exchangeSymbol)
})

const print = (asset: CatalogAsset, json: boolean) =>
  Console.log(json ? JSON.stringify(fieldsOf(asset)) : Table.render(textOf(fieldsOf(asset))))

const list = Command.make(
  "list",
  {
    kind: Flag.Literals("kind", AssetKind.literals).pipe(
      Flag.withDescription("Only assets of this kind"),
      Flag.optional
    ),
    json: jsonFlag
  },
  Effect.fn(function* ({ json, kind }) {
    const found = (yield* AssetCatalog).list(Option.getOrUndefined(kind))
    if (json) return yield* Console.log(JSON.stringify(found.map(fieldsOf)))
    yield* Console.log(
      found.length === 0
        ? "There are no such assets"
        : Table.renderRows(found.map((asset) => textOf(fieldsOf(asset))))
    )
  })
).pipe(Command.withDescription("List the offered currencies, the cryptocurrencies and the stocks"))

const add = Command.make(
  "add",
  {
    code,
    kind: Flag.Literals("kind", PricedKind.literals).pipe(
      Flag.withDescription("A cryptocurrency or a stock. Currencies are those of ISO 4217")
    ),
    name,
    decimals,
    ...fields
  },
  Effect.fn(function* ({ code, decimals, kind, name, ...input }) {
    const catalog = yield* AssetCatalog
    const known = catalog.find(code)
    if (Option.isSome(known) && known.value.kind !== "currency")
      return yield* commandError(`${code} exists already; change it with \`effex assets update ${code}\``)
    const standard = { tradable: true, minimumOrder: null, providerSymbols: {}, exchangeSymbol: null }
    const asset = yield* catalog.change({
      definition: { code, kind, name, decimals, ...apply(input, standard), state: "listed" },
      principal: COMMAND_LINE_PRINCIPAL,
      expectedVersion: Option.some(0)
    })
    yield* print(asset, input.json)
  })
).pipe(Command.withDescription("List an asset: its price is polled by all nodes within seconds"))

const update = Command.make(
  "update",
  {
    code,
    name: Flag.optional(name),
    decimals: Flag.optional(decimals),
    relist: Flag.Boolean("relist").pipe(
      Flag.withDescription("List a delisted asset again"),
      Flag.withDefault(false)
    ),
    ...fields
  },
  Effect.fn(function* ({ code, decimals, name, relist, ...input }) {
    const catalog = yield* AssetCatalog
    const found = catalog.find(code)
    if (Option.isNone(found)) return yield* new AssetNotFound({ code })
    const current = definitionOf(found.value)
    const asset = yield* catalog.change({
      definition: {
        ...current,
        ...apply(input, current),
        name: Option.getOrElse(name, () => current.name),
        decimals: Option.getOrElse(decimals, () => current.decimals),
        state: relist ? "listed" : current.state
      },
      principal: COMMAND_LINE_PRINCIPAL,
      // Fails if the values that were not given have changed since they were read.
      expectedVersion: Option.some(found.value.version)
    })
    yield* print(asset, input.json)
  })
).pipe(Command.withDescription("Change an asset. What is not given stays as it is"))

const delist = Command.make(
  "delist",
  { code, json: jsonFlag },
  Effect.fn(function* ({ code, json }: { readonly code: AssetCode; readonly json: boolean }) {
    const catalog = yield* AssetCatalog
    const asset = yield* catalog.delist({
      code,
      principal: COMMAND_LINE_PRINCIPAL,
      expectedVersion: Option.none()
    })
    yield* print(asset, json)
  })
).pipe(Command.withDescription("Delist an asset: nobody can buy it; it can still be sold and withdrawn"))

/** `effex assets`: shows and changes the catalogue in the database. It needs no server. */
export const command = Command.make("assets").pipe(
  Command.withDescription("List, add, change and delist assets"),
  Command.withSubcommands([list, add, update, delist]),
  Command.withExamples([
    { command: "effex assets list --kind crypto", description: "The cryptocurrencies" },
    {
      command: "effex assets add BTC --kind crypto --name Bitcoin --decimals 8 --symbol coingecko=bitcoin",
      description: "List Bitcoin"
    },
    {
      command: "effex assets add ALL.US --kind stock --name Allstate --decimals 9 --symbol massive=ALL",
      description: "List a stock whose ticker is a currency code"
    },
    { command: "effex assets delist ALL.US", description: "Stop buying and polling it" }
  ])
)

function parseMinimum(text: string): Option.Option<BigDecimal.BigDecimal | null> {
  return text === "none"
    ? Option.some(null)
    : Result.getSuccess(Schema.decodeResult(Decimal.PositiveDecimal)(text))
}

function parseSymbol(text: string): Option.Option<readonly [provider: string, symbol: string]> {
  const [, provider = "", symbol = ""] = /^([a-z][a-z0-9-]{0,29})=(.+)$/.exec(text) ?? []
  return Schema.is(Symbol)(symbol) ? Option.some([provider, symbol]) : Option.none()
}

const fieldsOf = (asset: CatalogAsset) => ({
  code: asset.code,
  kind: asset.kind,
  name: asset.name,
  decimals: asset.decimals,
  tradable: asset.tradable,
  minimum_order: asset.minimumOrder === null ? null : Decimal.format(asset.minimumOrder),
  state: asset.state,
  provider_symbols: asset.providerSymbols,
  exchange_symbol: asset.exchangeSymbol,
  version: asset.version,
  changed_at: DateTime.formatIso(asset.updatedAt),
  changed_by: asset.updatedBy
})

const textOf = (asset: ReturnType<typeof fieldsOf>) => ({
  code: asset.code,
  kind: asset.kind,
  name: asset.name,
  decimals: asset.decimals,
  tradable: asset.tradable ? "yes" : "no",
  minimum_order: asset.minimum_order ?? "-",
  state: asset.state,
  symbols:
    Object.entries(asset.provider_symbols)
      .map(([provider, symbol]) => `${provider}=${symbol}`)
      .join(",") || "-"
})
