import {
  BigDecimal,
  Context,
  Duration,
  Effect,
  Layer,
  Option,
  Result,
  Schedule,
  type Scope,
  Semaphore
} from "effect"
import { Settings } from "../config/Settings.ts"
import { type AssetChanged, AssetNotFound, AssetRefused } from "../domain/assets/AssetErrors.ts"
import { type AssetChange, type CatalogAsset, definitionOf } from "../domain/assets/CatalogAsset.ts"
import {
  type AssetCode,
  type AssetKind,
  MAX_SHOWN_CODE,
  parseCode,
  UnknownAsset
} from "../domain/money/Asset.ts"
import { AssetPair } from "../domain/money/AssetPair.ts"
import * as Currency from "../domain/money/Currency.ts"
import * as SupportedPairs from "../domain/money/SupportedPairs.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { AssetRepo, type AssetRequest } from "./AssetRepo.ts"

/** Interval at which a process reads the changes of others. */
const READ_INTERVAL = Duration.seconds(1)

/** The catalogue at one moment. */
interface Snapshot {
  readonly revision: string
  readonly byCode: ReadonlyMap<string, CatalogAsset>
  readonly pairs: SupportedPairs.SupportedPairs
}

/** `isShared`: other nodes change the catalogue too, so it is read again every second. */
const make = Effect.fnUntraced(function* ({ isShared }: { readonly isShared: boolean }) {
  const { pairs: configured, rateOnDemand } = yield* Settings
  const repo = yield* AssetRepo
  const reading = yield* Semaphore.make(1)

  const snapshotOf = (revision: string, assets: ReadonlyArray<CatalogAsset>): Snapshot => ({
    revision,
    byCode: new Map(assets.map((asset) => [asset.code, asset])),
    pairs: SupportedPairs.make(configured, rateOnDemand, assets)
  })

  let current = snapshotOf("", [])
  const offered: ReadonlySet<string> = new Set(current.pairs.currencies)
  const listeners = new Set<() => void>()

  /** The revision is read first: a change between the two reads is read again a second later. */
  const load = Effect.gen(function* () {
    const revision = yield* repo.revision
    if (revision === current.revision) return
    const isFirst = current.revision === ""
    current = snapshotOf(revision, yield* repo.all)
    if (!isFirst) yield* Effect.logInfo("The catalogue of assets has changed, and is applied")
    for (const listener of listeners) listener()
  })
  const refresh = Effect.withSpan(reading.withPermit(load), "AssetCatalog.refresh")

  const addNewCurrencies = Effect.gen(function* () {
    const missing = Currency.all.filter(({ code }) => !current.byCode.has(code))
    if (missing.length === 0) return
    yield* repo.insertCurrencies(missing)
    yield* refresh
  })

  // Polls instead of LISTEN: a change missed while the database is unavailable is read a second later.
  if (isShared)
    yield* refresh.pipe(
      Effect.tapCause((cause) => Effect.logDebug("The catalogue of assets could not be read", cause)),
      Effect.ignoreCause,
      Effect.repeat(Schedule.spaced(READ_INTERVAL)),
      Effect.delay(READ_INTERVAL),
      Effect.forkScoped
    )
  yield* Effect.andThen(refresh, addNewCurrencies).pipe(
    Effect.tapCause((cause) =>
      Effect.logWarning(
        "The catalogue of assets could not be read; only currencies are known until then",
        cause
      )
    ),
    Effect.ignoreCause
  )

  const isOffered = ({ code, kind }: CatalogAsset) => kind !== "currency" || offered.has(code)

  const find: AssetCatalog["Service"]["find"] = (code) =>
    Option.flatMap(parseCode(code), (code) => Option.fromUndefinedOr(current.byCode.get(code)))

  const parse: AssetCatalog["Service"]["parse"] = (text) =>
    Option.match(parseCode(text), {
      onNone: () => unknown(text),
      onSome: (code) =>
        current.byCode.has(code) || Option.isSome(Currency.find(code)) ? Result.succeed(code) : unknown(text)
    })

  const change = Effect.fn("AssetCatalog.change")(function* (request: AssetRequest) {
    const { code, decimals, kind, minimumOrder } = request.definition
    const refuse = (reason: AssetRefused["reason"]) => new AssetRefused({ code, reason })
    if (kind === "currency" || Option.isSome(Currency.find(code)))
      return yield* refuse(kind === "currency" ? "currency" : "reserved-code")
    if (Currency.isReserved(code)) return yield* refuse("reserved-code")
    if (minimumOrder !== null && decimalsOf(minimumOrder) > decimals)
      return yield* refuse("minimum-order-decimals")
    const asset = yield* repo.write(request)
    yield* refresh
    yield* Effect.logInfo(`Asset ${code} is at version ${asset.version}, by ${asset.updatedBy}`)
    return asset
  })

  const delist: AssetCatalog["Service"]["delist"] = Effect.fn("AssetCatalog.delist")(function* ({
    code,
    ...request
  }) {
    yield* refresh
    const found = current.byCode.get(code)
    if (found === undefined) return yield* new AssetNotFound({ code })
    const expectedVersion = Option.orElse(request.expectedVersion, () => Option.some(found.version))
    const definition = { ...definitionOf(found), state: "delisted" as const }
    return yield* change({ ...request, definition, expectedVersion })
  })

  return AssetCatalog.of({
    find,
    parse,
    isOffered,
    parsePair: (from, to) =>
      Result.gen(function* () {
        return new AssetPair({ from: yield* parse(from), to: yield* parse(to) })
      }),
    list: (kind) =>
      Array.from(current.byCode.values()).filter(
        (asset) => isOffered(asset) && (kind === undefined || asset.kind === kind)
      ),
    pairs: {
      get sources() {
        return current.pairs.sources
      },
      get destinations() {
        return current.pairs.destinations
      },
      get currencies() {
        return current.pairs.currencies
      },
      get polled() {
        return current.pairs.polled
      },
      isPolled: (pair) => current.pairs.isPolled(pair),
      isDelisted: (pair) => current.pairs.isDelisted(pair),
      find: (from, to) => current.pairs.find(from, to),
      findCurrencies: (from, to) => current.pairs.findCurrencies(from, to),
      findSource: (code) => current.pairs.findSource(code)
    },
    revision: () => current.revision,
    onChange: (listener) =>
      Effect.acquireRelease(
        Effect.sync(() => listeners.add(listener)),
        () => Effect.sync(() => listeners.delete(listener))
      ).pipe(Effect.asVoid),
    refresh,
    change,
    delist,
    changes: repo.changes
  })
})

/**
 * What can be held and priced: the currencies of ISO 4217, and the assets that operators list. Answers from a snapshot in
 * memory, which every process refreshes within a second or two of a change.
 */
export class AssetCatalog extends Context.Service<
  AssetCatalog,
  {
    /** Looks up an asset by its code in any case: any currency of ISO 4217, and any asset that was ever listed. */
    readonly find: (code: string) => Option.Option<CatalogAsset>
    /** Parses the code of an asset, in any case. */
    readonly parse: (code: string) => Result.Result<AssetCode, UnknownAsset>
    /** Parses the codes of any pair, supported or not: history keeps the rates of pairs that are no longer supported. */
    readonly parsePair: (from: string, to: string) => Result.Result<AssetPair, UnknownAsset>
    /** Returns true for a currency of a configured pair, and for every other asset, delisted or not. */
    readonly isOffered: (asset: CatalogAsset) => boolean
    /** Offered assets, ordered by code. */
    readonly list: (kind?: AssetKind) => ReadonlyArray<CatalogAsset>
    /** The pairs that the service supports now. Its members answer from the current snapshot. */
    readonly pairs: SupportedPairs.SupportedPairs
    /** A text that differs after each change of the catalogue. */
    readonly revision: () => string
    /** Calls a function after each change that this process applies, until the scope closes. */
    readonly onChange: (listener: () => void) => Effect.Effect<void, never, Scope.Scope>
    /** Applies changes of other processes now. */
    readonly refresh: Effect.Effect<void, StoreUnavailable>
    /** Lists or changes an asset that is not a currency, and returns it. */
    readonly change: (
      request: AssetRequest
    ) => Effect.Effect<CatalogAsset, AssetRefused | AssetChanged | StoreUnavailable>
    /** Delists an asset. A delisted asset stays in the catalogue, and can be listed again. */
    readonly delist: (
      request: Omit<AssetRequest, "definition"> & { readonly code: AssetCode }
    ) => Effect.Effect<CatalogAsset, AssetNotFound | AssetRefused | AssetChanged | StoreUnavailable>
    /** Returns at most `limit` changes of an asset before a version, newest first. */
    readonly changes: (
      code: AssetCode,
      before: number | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<AssetChange>, StoreUnavailable>
  }
>()("effex/assets/AssetCatalog") {
  static readonly layerNoDeps: Layer.Layer<AssetCatalog, never, Settings | AssetRepo> = Layer.effect(
    AssetCatalog,
    make({ isShared: true })
  )

  /** Reads the catalogue once, and after each change of this process. */
  static readonly layerOnDemand: Layer.Layer<AssetCatalog, never, Settings | AssetRepo> = Layer.effect(
    AssetCatalog,
    make({ isShared: false })
  )

  static readonly layer = AssetCatalog.layerNoDeps.pipe(Layer.provide(AssetRepo.layer))
}

const unknown = (given: string) => Result.fail(new UnknownAsset({ given: given.slice(0, MAX_SHOWN_CODE) }))

const decimalsOf = (value: BigDecimal.BigDecimal) => BigDecimal.normalize(value).scale
