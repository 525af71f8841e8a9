import { Console, Effect, FileSystem, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Receipt from "../audit/Receipt.ts"
import { commandError } from "./CommandError.ts"

const verify = Command.make(
  "verify",
  {
    file: Argument.File("receipt", { mustExist: true }).pipe(
      Argument.withDescription("The receipt, as JSON")
    ),
    key: Flag.String("key").pipe(
      Flag.withDescription("The public key that you trust, in hexadecimal"),
      Flag.filter(
        (text) => /^[0-9a-f]{64}$/i.test(text),
        () => "it must be 64 hexadecimal digits"
      )
    )
  },
  Effect.fn(function* ({ file, key }) {
    const fs = yield* FileSystem.FileSystem
    const bytes = yield* fs.readFile(file)
    const receipt = yield* Effect.fromResult(Receipt.parse(bytes)).pipe(
      Effect.mapError((reason) => commandError(`${file} is not a receipt: ${reason}`))
    )
    const fault = Receipt.findFault(receipt, Buffer.from(key, "hex"))
    if (Option.isSome(fault)) return yield* commandError(`The receipt is not valid: ${fault.value}`)
    const { head, position, record } = receipt
    yield* Console.log(
      `${record.input_amount} ${record.from_currency} to ${record.output_amount} ${record.to_currency} (${record.amount_type} amount) at ${record.converted_at}`
    )
    yield* Console.log(
      `The conversion ${record.audit_id} is record ${position} of ${head.tree_size} in the audit signed at ${head.signed_at}`
    )
  })
).pipe(Command.withDescription("Verify a receipt, without a server and without the database"))

export const command = Command.make("receipt").pipe(
  Command.withDescription("Verify the proof that a conversion is in the audit"),
  Command.withSubcommands([verify])
)
