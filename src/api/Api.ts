import { HttpApi, OpenApi } from "effect/http-api"
import { KeysApi } from "./access/KeysApi.ts"
import { AdminAssetsApi } from "./assets/AdminAssetsApi.ts"
import { AssetsApi } from "./assets/AssetsApi.ts"
import { ExchangesApi } from "./assets/ExchangesApi.ts"
import { AccountApi } from "./accounts/AccountApi.ts"
import { MfaApi } from "./accounts/MfaApi.ts"
import { UserAdminApi } from "./accounts/UserAdminApi.ts"
import { UserRecordsApi } from "./accounts/UserRecordsApi.ts"
import { AuthApi } from "./accounts/AuthApi.ts"
import { QuarantineApi } from "./quarantine/QuarantineApi.ts"
import { AuditApi, ConversionApi } from "./conversion/ConversionApi.ts"
import { LedgerApi } from "./ledger/LedgerApi.ts"
import { ProofApi } from "./conversion/ProofApi.ts"
import { FlutterwaveApi } from "./flutterwave/FlutterwaveApi.ts"
import { HistoryApi } from "./history/HistoryApi.ts"
import * as OpenApiDocument from "./openapi/OpenApiDocument.ts"
import { HealthApi } from "./health/HealthApi.ts"
import { OverviewApi } from "./operation/OverviewApi.ts"
import { PollerApi } from "./polling/PollerApi.ts"
import { PollsApi } from "./polling/PollsApi.ts"
import { BatchesApi } from "./orders/BatchesApi.ts"
import { OrdersApi } from "./orders/OrdersApi.ts"
import { RiskApi } from "./risk/RiskApi.ts"
import { RatesApi } from "./rates/RatesApi.ts"
import { TransactionsApi } from "./wallets/TransactionsApi.ts"
import { FundingAdminApi } from "./wallets/FundingAdminApi.ts"
import { FundingApi } from "./wallets/FundingApi.ts"
import { TransfersApi } from "./wallets/TransfersApi.ts"
import { UserEventsApi } from "./wallets/UserEventsApi.ts"
import { WalletApi } from "./wallets/WalletApi.ts"
import { WalletConversionApi } from "./wallets/WalletConversionApi.ts"

/** The HTTP API of effex. */
export class Api extends HttpApi.make("effex")
  .add(RatesApi)
  .add(HistoryApi)
  .add(AssetsApi)
  .add(ExchangesApi)
  .add(ConversionApi)
  .add(AuditApi)
  .add(ProofApi)
  .add(PollsApi)
  .add(QuarantineApi)
  .add(PollerApi)
  .add(AdminAssetsApi)
  .add(FlutterwaveApi)
  .add(AuthApi)
  .add(AccountApi)
  .add(MfaApi)
  .add(WalletConversionApi)
  .add(WalletApi)
  .add(TransactionsApi)
  .add(FundingApi)
  .add(TransfersApi)
  .add(OrdersApi)
  .add(UserEventsApi)
  .add(UserAdminApi)
  .add(UserRecordsApi)
  .add(KeysApi)
  .add(FundingAdminApi)
  .add(BatchesApi)
  .add(LedgerApi)
  .add(RiskApi)
  .add(OverviewApi)
  .add(HealthApi)
  // A misspelled filter would return the rows that it should exclude, and a misspelled field would keep its default.
  .annotate(HttpApi.QueryParseOptions, { onExcessProperty: "error", errors: "all" })
  .annotate(HttpApi.PayloadParseOptions, { onExcessProperty: "error", errors: "all" })
  .annotateMerge(
    OpenApi.annotations({
      title: "effex",
      version: "0.1.0",
      license: { name: "MIT", identifier: "MIT" },
      servers: [{ url: "/", description: "The server of this document" }],
      description:
        "Foreign-exchange rates, conversions with audit records, and streams of rate changes. Amounts and rates are decimal strings. Times are ISO 8601 in UTC. Errors under /api/v1 are application/problem+json (RFC 9457).",
      transform: OpenApiDocument.complete
    })
  ) {}
