import { ConversionExamples } from "./ConversionExamples.ts"
import { OperationExamples } from "./OperationExamples.ts"
import { RateExamples } from "./RateExamples.ts"

/** Example of one operation. Parameters are text, as in a URL or a header. */
export interface Example {
  readonly parameters?: Readonly<Record<string, string>>
  readonly request?: object
  readonly response?: object
}

/** Examples by operation id. */
export type Examples = Readonly<Record<string, Example>>

/**
 * Requests and responses of the documentation. They come from one session with the sandbox, which the README shows as
 * well: its rate, the conversion of 500 dollars to naira, and its audit.
 */
export const EXAMPLES: Examples = { ...RateExamples, ...ConversionExamples, ...OperationExamples }
