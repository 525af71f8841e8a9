import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as FlutterwaveSandbox from "../providers/FlutterwaveSandbox.ts"
import { Fault } from "../providers/SandboxFaults.ts"

/** `effex sandbox`: a Flutterwave with made-up rates, on a port of its own. */
export const command = Command.make(
  "sandbox",
  {
    host: Flag.String("host").pipe(
      Flag.withDescription("The address to listen on"),
      Flag.withDefault("127.0.0.1")
    ),
    port: Flag.Int("port").pipe(Flag.withDescription("The port to listen on"), Flag.withDefault(8100)),
    seed: Flag.String("seed").pipe(
      Flag.withDescription("The same seed gives the same rates"),
      Flag.withDefault("effex")
    ),
    fault: Flag.Literals("fault", Fault.literals).pipe(
      Flag.withDescription("Misbehave like this from the start"),
      Flag.optional
    )
  },
  Effect.fn(function* ({ fault, host, port, seed }) {
    const sandbox = yield* FlutterwaveSandbox.listen({ host, port, seed })
    if (Option.isSome(fault)) yield* sandbox.order({ fault: fault.value })
    yield* Console.log(
      [
        `A Flutterwave with made-up rates answers at ${sandbox.baseUrl}`,
        `  use it:       FLUTTERWAVE_BASE_URL=${sandbox.baseUrl} FLUTTERWAVE_SECRET_KEY=any-key`,
        `  break it:     curl -X PUT ${sandbox.baseUrl}/faults -d '{"fault":"500"}'`,
        `  and heal it:  curl -X DELETE ${sandbox.baseUrl}/faults`
      ].join("\n")
    )
    return yield* Effect.never
  }, Effect.scoped)
).pipe(Command.withDescription("Run a Flutterwave with made-up rates, and with faults on demand"))
