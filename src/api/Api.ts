import { HttpApi, OpenApi } from "effect/http-api"
import { AdminApi } from "./AdminApi.ts"
import { AuditApi, ConversionApi } from "./ConversionApi.ts"
import { FlutterwaveApi } from "./FlutterwaveApi.ts"
import { HistoryApi } from "./HistoryApi.ts"
import * as LimitHeaders from "./LimitHeaders.ts"
import { OperationsApi } from "./OperationsApi.ts"
import { PollerApi } from "./PollerApi.ts"
import { PollsApi } from "./PollsApi.ts"
import { RatesApi } from "./RatesApi.ts"

/** Everything that effex answers over HTTP. */
export class Api extends HttpApi.make("effex")
  .add(RatesApi)
  .add(HistoryApi)
  .add(ConversionApi)
  .add(AuditApi)
  .add(PollsApi)
  .add(AdminApi)
  .add(PollerApi)
  .add(FlutterwaveApi)
  .add(OperationsApi)
  .annotateMerge(
    OpenApi.annotations({
      title: "effex",
      version: "1",
      description:
        "Foreign-exchange rates, kept fresh. Amounts and rates are decimal strings; times are ISO 8601 UTC; every failure under /api/v1 is application/problem+json (RFC 9457).",
      transform: LimitHeaders.document
    })
  ) {}
