import type { Examples } from "./Example.ts"
import { AccountExamples } from "./AccountExamples.ts"
import { AssetExamples } from "./AssetExamples.ts"
import { AdministrationExamples } from "./AdministrationExamples.ts"
import { ConversionExamples } from "./ConversionExamples.ts"
import { FundingExamples } from "./FundingExamples.ts"
import { LedgerExamples } from "./LedgerExamples.ts"
import { OperationExamples } from "./OperationExamples.ts"
import { OrderExamples } from "./OrderExamples.ts"
import { RiskExamples } from "./RiskExamples.ts"
import { RateExamples } from "./RateExamples.ts"
import { WalletConversionExamples } from "./WalletConversionExamples.ts"
import { WalletExamples } from "./WalletExamples.ts"
import { UserEventExamples } from "./UserEventExamples.ts"
import { UserAdminExamples } from "./UserAdminExamples.ts"

/**
 * Requests and responses of the documentation. They come from one session with the sandbox, which the README shows as
 * well: its rate, the conversion of 500 dollars to naira, and its audit.
 */
export const EXAMPLES: Examples = {
  ...RateExamples,
  ...AssetExamples,
  ...ConversionExamples,
  ...OperationExamples,
  ...AccountExamples,
  ...WalletExamples,
  ...WalletConversionExamples,
  ...FundingExamples,
  ...OrderExamples,
  ...UserEventExamples,
  ...UserAdminExamples,
  ...AdministrationExamples,
  ...LedgerExamples,
  ...RiskExamples
}
