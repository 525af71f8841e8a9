import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import * as CommittedConversion from "../../conversion/CommittedConversion.ts"
import { Conversions } from "../../conversion/Conversions.ts"
import { IDEMPOTENCY_KEY_FORMAT, isIdempotencyKey } from "../../domain/conversion/IdempotencyKey.ts"
import { COMMAND_LINE_PRINCIPAL } from "../CommandLinePrincipal.ts"
import * as ConversionArguments from "../arguments/ConversionArguments.ts"
import * as Table from "../view/Table.ts"

/** `effex convert 500 USD NGN`: converts an amount and commits the conversion to the audit, as the server does. */
export const command = Command.make(
  "convert",
  {
    ...ConversionArguments.conversionArguments,
    quote: Flag.String("quote").pipe(Flag.withDescription("The id of the quote to use"), Flag.optional),
    key: Flag.String("idempotency-key").pipe(
      Flag.withDescription("Retries with the same key convert once"),
      Flag.filter(isIdempotencyKey, () => `it must be ${IDEMPOTENCY_KEY_FORMAT}`),
      Flag.optional
    )
  },
  Effect.fn(function* (input) {
    const { pairs } = yield* AssetCatalog
    const conversions = yield* Conversions
    const quoteId = yield* ConversionArguments.parseQuoteId(input.quote)
    const idempotencyKey = Option.getOrUndefined(input.key)
    const outcome = yield* ConversionArguments.parse(input, pairs).pipe(
      Effect.matchEffect({
        onSuccess: (parsed) => conversions.convert({ ...parsed, quoteId, idempotencyKey }),
        // A retry returns its stored conversion even if the settings do not allow the request any more.
        onFailure: Effect.fnUntraced(function* (error) {
          const request = yield* ConversionArguments.toRequestFields(input, quoteId)
          if (idempotencyKey === undefined || request === undefined) return yield* error
          const stored = yield* conversions.findStored([COMMAND_LINE_PRINCIPAL], idempotencyKey, request)
          return Option.isSome(stored) ? stored.value : yield* error
        })
      })
    )
    if (input.json) return yield* Console.log(CommittedConversion.toJson(outcome))
    yield* Console.log(Table.render(outcome.conversion))
    if (outcome.replayed)
      yield* Console.log("This idempotency key was already used; printed is the first conversion.")
  })
).pipe(
  Command.withDescription("Convert an amount and commit it to the audit"),
  Command.withExamples([
    { command: "effex convert 500 USD NGN", description: "Convert 500 dollars to naira" },
    {
      command: "effex convert 100000 USD NGN --target",
      description: "Convert the dollars needed to receive 100000 naira"
    }
  ])
)
