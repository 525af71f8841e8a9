import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as Sandbox from "../providers/sandbox/Sandbox.ts"
import { FlutterwaveFault } from "../providers/sandbox/SandboxFaults.ts"

/** `effex sandbox`: all the providers with made-up rates, on a port of their own. */
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
    fault: Flag.Literals("fault", FlutterwaveFault.literals).pipe(
      Flag.withDescription("Let Flutterwave misbehave like this from the start"),
      Flag.optional
    )
  },
  Effect.fn(function* ({ fault, host, port, seed }) {
    const sandbox = yield* Sandbox.listen({ host, port, seed })
    if (Option.isSome(fault)) yield* sandbox.order({ fault: fault.value })
    yield* Console.log(usage(sandbox.baseUrl))
    return yield* Effect.never
  }, Effect.scoped)
).pipe(Command.withDescription("Run providers with made-up rates, and with faults on demand"))

const usage = (baseUrl: string) =>
  [
    `Providers with made-up rates answer at ${baseUrl}`,
    `  use them, each alone or in any order of PROVIDERS:`,
    `    flutterwave        FLUTTERWAVE_BASE_URL=${baseUrl} FLUTTERWAVE_SECRET_KEY=any-key`,
    `    flutterwave-v4     FLUTTERWAVE_V4_BASE_URL=${baseUrl}/v4 FLUTTERWAVE_TOKEN_URL=${baseUrl}/v4/token \\`,
    `                       FLUTTERWAVE_CLIENT_ID=any-id FLUTTERWAVE_CLIENT_SECRET=any-secret`,
    `    fixer              FIXER_BASE_URL=${baseUrl}/fixer FX_API_KEY=any-key`,
    `    openexchangerates  OPENEXCHANGERATES_BASE_URL=${baseUrl}/openexchangerates OPENEXCHANGERATES_APP_ID=any-id`,
    `    frankfurter        FRANKFURTER_BASE_URL=${baseUrl}/frankfurter`,
    `  break one:    curl -X PUT ${baseUrl}/faults -d '{"provider":"flutterwave","fault":"500"}'`,
    `  heal all:     curl -X DELETE ${baseUrl}/faults`,
    `Rates of flutterwave are named sandbox wherever they go. The others keep their names, though their rates are made up.`
  ].join("\n")
