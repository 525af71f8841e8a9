import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { AssetNotFound } from "../../domain/assets/AssetErrors.ts"
import { definitionOf, PricedKind } from "../../domain/assets/CatalogAsset.ts"
import { type AssetCode, AssetKind } from "../../domain/money/Asset.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"
import { commandError } from "../CommandError.ts"
import { COMMAND_LINE_PRINCIPAL } from "../CommandLinePrincipal.ts"
import { apply, code, decimals, fields, name } from "./AssetFlags.ts"
import { print, printAll } from "./AssetView.ts"

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
    yield* printAll((yield* AssetCatalog).list(Option.getOrUndefined(kind)), json)
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
).pipe(
  Command.withDescription("Delist an asset: it cannot be bought and has no price; its rates stay readable")
)

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
