import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as ExchangeSandbox from "../../exchanges/sandbox/ExchangeSandbox.ts"
import * as SandboxExchange from "../../exchanges/sandbox/SandboxExchange.ts"
import * as SandboxOrders from "../../exchanges/sandbox/SandboxOrders.ts"
import { FlutterwaveFault } from "../../providers/sandbox/SandboxFaults.ts"

/** `effex sandbox`: runs sandbox versions of all providers and of the exchange on one port, with generated rates. */
export const command = Command.make(
  "sandbox",
  {
    host: Flag.String("host").pipe(
      Flag.withDescription("The address to listen on"),
      Flag.withDefault("127.0.0.1")
    ),
    port: Flag.Int("port").pipe(Flag.withDescription("The port to listen on"), Flag.withDefault(8100)),
    seed: Flag.String("seed").pipe(
      Flag.withDescription("Seed of the generated rates; the same seed gives the same rates"),
      Flag.withDefault("effex")
    ),
    fault: Flag.Literals("fault", FlutterwaveFault.literals).pipe(
      Flag.withDescription("Inject this Flutterwave fault from the start"),
      Flag.optional
    )
  },
  Effect.fn(function* ({ fault, host, port, seed }) {
    const { sandbox } = yield* SandboxExchange.listen({
      host,
      port,
      seed,
      orders: SandboxOrders.makeMemory()
    })
    if (Option.isSome(fault)) yield* sandbox.injectFault({ fault: fault.value })
    yield* Console.log(usage(sandbox.baseUrl))
    return yield* Effect.never
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Run sandbox providers and a sandbox exchange, with generated rates and injectable faults"
  )
)

const usage = (baseUrl: string) =>
  [
    `Sandbox providers listen on ${baseUrl}`,
    `  use one, or several in the order of PROVIDERS:`,
    `    flutterwave        FLUTTERWAVE_BASE_URL=${baseUrl} FLUTTERWAVE_SECRET_KEY=any-key`,
    `    flutterwave-v4     FLUTTERWAVE_V4_BASE_URL=${baseUrl}/v4 FLUTTERWAVE_TOKEN_URL=${baseUrl}/v4/token \\`,
    `                       FLUTTERWAVE_CLIENT_ID=any-id FLUTTERWAVE_CLIENT_SECRET=any-secret`,
    `    fixer              FIXER_BASE_URL=${baseUrl}/fixer FX_API_KEY=any-key`,
    `    openexchangerates  OPENEXCHANGERATES_BASE_URL=${baseUrl}/openexchangerates OPENEXCHANGERATES_APP_ID=any-id`,
    `    frankfurter        FRANKFURTER_BASE_URL=${baseUrl}/frankfurter`,
    `  for prices, use one or both of PRICE_PROVIDERS:`,
    `    coingecko          COINGECKO_BASE_URL=${baseUrl}/coingecko/api/v3 COINGECKO_API_KEY=any-key`,
    `    massive            MASSIVE_BASE_URL=${baseUrl}/massive MASSIVE_API_KEY=any-key`,
    `  for orders, whose state is lost when the sandbox stops:`,
    `    alpaca             ALPACA_BASE_URL=${baseUrl}${ExchangeSandbox.PATH} ALPACA_KEY_ID=any-id ALPACA_SECRET_KEY=any-secret`,
    `  inject a fault:   curl -X PUT ${baseUrl}/faults -d '{"provider":"flutterwave","fault":"500"}'`,
    `  clear all faults: curl -X DELETE ${baseUrl}/faults`,
    `Rates from flutterwave and prices carry the provider name sandbox. The others keep their names; their rates are generated as well.`
  ].join("\n")
