import { Console, Effect, FileSystem, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { faultOf, Receipt } from "../audit/Receipt.ts"
import * as CommandArguments from "./CommandArguments.ts"

const verify = Command.make(
  "verify",
  {
    file: Argument.File("receipt", { mustExist: true }).pipe(
      Argument.withDescription("The receipt, as JSON")
    ),
    key: Flag.String("key").pipe(
      Flag.withDescription("The public key that must have signed it, in hexadecimal"),
      Flag.filter(
        (text) => /^[0-9a-f]{64}$/i.test(text),
        () => "it must be 64 hexadecimal digits"
      )
    )
  },
  Effect.fn(function* ({ file, key }) {
    const fs = yield* FileSystem.FileSystem
    const text = yield* fs.readFileString(file)
    const receipt = yield* Schema.decodeEffect(Schema.fromJsonString(Receipt))(text).pipe(
      Effect.mapError(() => CommandArguments.refuse(`${file} is not a receipt`))
    )
    const fault = faultOf(receipt, Buffer.from(key, "hex"))
    if (Option.isSome(fault))
      return yield* CommandArguments.refuse(`The receipt proves nothing: ${fault.value}`)
    const { head, position, record } = receipt
    yield* Console.log(
      `The conversion ${record.audit_id} is record ${position} of ${head.tree_size} in the audit signed on ${head.signed_at}`
    )
  })
).pipe(Command.withDescription("Check a receipt, without a server and without the database"))

/** `effex receipt`: proofs that were handed out. */
export const command = Command.make("receipt").pipe(
  Command.withDescription("Check the proof that a conversion is in the audit"),
  Command.withSubcommands([verify])
)
