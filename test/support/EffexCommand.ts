import { NodeServices } from "@effect/platform-node"
import { ConfigProvider, Console, Effect, Exit, Fiber, Layer, Sink, Stdio, Stream } from "effect"
import { Command } from "effect/cli"
import { format } from "node:util"
import { effex } from "../../src/cli/Cli.ts"
import * as CommandOutcome from "../../src/cli/CommandOutcome.ts"
import * as HelpPresenter from "../../src/cli/HelpPresenter.ts"
import { VERSION } from "../../src/config/Version.ts"
import { LISTENING, SERVER_ENV } from "./Effex.ts"
import { ProgramOutput } from "./ProgramOutput.ts"
import * as TestAccounts from "./TestAccounts.ts"
import { parseJsonObject } from "./TestServer.ts"

/** A command of `effex` that runs in this process. */
export interface RunningCommand {
  /** Everything printed so far, to standard output and standard error. */
  readonly output: () => string
  /** Everything printed so far to standard output. */
  readonly stdout: () => string
  /** Waits until the output matches and returns the match. */
  readonly written: (pattern: RegExp) => Effect.Effect<RegExpMatchArray>
  /** Waits for the end and returns the exit code. */
  readonly ended: Effect.Effect<number>
  /** Stops the command as SIGINT and SIGTERM do, and returns the exit code. */
  readonly stop: Effect.Effect<number>
}

/**
 * Runs a command of `effex` in this process with only the given environment variables, which saves the start of a process.
 * It differs from `bin/effex` in what belongs to a process: signals, terminals and `.env`, and in cheap hashes of passwords.
 */
export const run = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {},
  input = ""
) {
  const output = new ProgramOutput()
  const stdout = new ProgramOutput()
  const printOut = (text: string) => {
    stdout.append(text)
    output.append(text)
  }
  const fiber = yield* Command.runWith(effex, { version: VERSION })(args).pipe(
    Effect.tapCause(CommandOutcome.report),
    Effect.provide(services(input, printOut, (text) => output.append(text))),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: { ...env } })),
    Effect.provide(TestAccounts.cheapHashes),
    Effect.exit,
    Effect.tap(() => Effect.sync(() => output.end())),
    Effect.forkScoped
  )
  const ended = Effect.map(Fiber.await(fiber), (exit) =>
    CommandOutcome.exitCode(Exit.isSuccess(exit) ? exit.value : exit)
  )
  const running: RunningCommand = {
    output: () => output.text,
    stdout: () => stdout.text,
    written: (pattern) => output.match(pattern),
    ended,
    stop: Effect.andThen(Fiber.interrupt(fiber), ended)
  }
  return running
})

type Print = (text: string) => void

const services = (input: string, printOut: Print, printError: Print) => {
  const sink = (print: Print) => () =>
    Sink.forEach((chunk: string | Uint8Array) => Effect.sync(() => print(Buffer.from(chunk).toString())))
  const line =
    (print: Print) =>
    (...args: ReadonlyArray<unknown>) =>
      print(`${format(...args)}\n`)
  const captured: Console.Console = Object.assign(Object.create(console), {
    log: line(printOut),
    info: line(printOut),
    debug: line(printOut),
    error: line(printError),
    warn: line(printError)
  })
  const stdio = Stdio.layerTest({
    stdin: Stream.encodeText(Stream.make(input)),
    stdout: sink(printOut),
    stderr: sink(printError)
  })
  return Layer.mergeAll(stdio, HelpPresenter.layer, Layer.succeed(Console.Console, captured)).pipe(
    Layer.provideMerge(NodeServices.layer)
  )
}

/** Runs a command to its end, with `input` on standard input. */
export const exec = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {},
  input = ""
) {
  const running = yield* run(args, env, input)
  const code = yield* running.ended
  const output = running.output()
  return { code, output, stdout: running.stdout(), json: parseJsonObject(running.stdout()) }
}, Effect.scoped)

/** Starts a server without rate limits on a free port and waits until it listens. */
export const serve = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const running = yield* run(["serve"], { ...SERVER_ENV, ...env })
  const [, url = ""] = yield* running.written(LISTENING)
  return { ...running, url }
})
