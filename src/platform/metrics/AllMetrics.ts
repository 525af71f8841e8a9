import * as AuditMetrics from "./AuditMetrics.ts"
import * as ClusterMetrics from "./ClusterMetrics.ts"
import * as ConversionMetrics from "./ConversionMetrics.ts"
import * as DatabaseMetrics from "./DatabaseMetrics.ts"
import * as ErrorMetrics from "./ErrorMetrics.ts"
import * as FundingMetrics from "./FundingMetrics.ts"
import * as ExchangeMetrics from "./ExchangeMetrics.ts"
import * as HttpMetrics from "./HttpMetrics.ts"
import * as LedgerMetrics from "./LedgerMetrics.ts"
import * as OrderMetrics from "./OrderMetrics.ts"
import * as PollMetrics from "./PollMetrics.ts"
import * as ProcessMetrics from "./ProcessMetrics.ts"
import * as ProviderMetrics from "./ProviderMetrics.ts"
import * as RateMetrics from "./RateMetrics.ts"
import * as RedisMetrics from "./RedisMetrics.ts"
import * as ReplicaMetrics from "./ReplicaMetrics.ts"
import * as RiskMetrics from "./RiskMetrics.ts"
import * as StreamMetrics from "./StreamMetrics.ts"

/** Every metric that `/metrics` serves. Values are per node: sum them over the nodes, or take the largest. */
export const ALL_METRICS = [
  ...Object.values(ProcessMetrics),
  ...Object.values(ErrorMetrics),
  ...Object.values(HttpMetrics),
  ...Object.values(RateMetrics),
  ...Object.values(ProviderMetrics),
  ...Object.values(PollMetrics),
  ...Object.values(ClusterMetrics),
  ...Object.values(RedisMetrics),
  ...Object.values(DatabaseMetrics),
  ...Object.values(ReplicaMetrics),
  ...Object.values(ConversionMetrics),
  ...Object.values(AuditMetrics),
  ...Object.values(LedgerMetrics),
  ...Object.values(ExchangeMetrics),
  ...Object.values(OrderMetrics),
  ...Object.values(FundingMetrics),
  ...Object.values(RiskMetrics),
  ...Object.values(StreamMetrics)
]
