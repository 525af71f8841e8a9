import { Console, DateTime, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as PollerSetting from "../domain/rates/PollerSetting.ts"
import { type PollerInForce, PollerSettings } from "../rates/polling/PollerSettings.ts"
import * as CommandArguments from "./CommandArguments.ts"
import * as Table from "./view/Table.ts"

const show = Effect.fnUntraced(function* (inForce: PollerInForce, json: boolean) {
  const fields = fieldsOf(inForce)
  yield* Console.log(json ? JSON.stringify(fields) : Table.render(fields))
})

const set = Command.make(
  "set",
  {
    interval: Flag.String("interval").pipe(
      Flag.withDescription("From the start of one poll to the start of the next, such as `5 minutes`"),
      Flag.filterMap(PollerSetting.parseInterval, () => `it must be ${PollerSetting.POLL_INTERVAL_ALLOWED}`),
      Flag.optional
    ),
    enabled: Flag.Literals("polling", ["on", "off"]).pipe(
      Flag.withDescription("Whether rates are polled at all"),
      Flag.optional
    ),
    json: CommandArguments.json
  },
  Effect.fn(function* ({ enabled, interval, json }) {
    if (Option.isNone(enabled) && Option.isNone(interval))
      return yield* CommandArguments.refuse("Say what to change: --interval, --polling, or both")
    const settings = yield* PollerSettings
    const { setting, version } = yield* settings.inForce
    const value = Option.some({
      interval: Option.getOrElse(interval, () => setting.interval),
      enabled: Option.match(enabled, { onNone: () => setting.enabled, onSome: (word) => word === "on" })
    })
    // What was not said stays as it was looked at.
    const wanted = { value, principal: CommandArguments.PRINCIPAL, version: Option.some(version) }
    yield* show(yield* settings.change(wanted), json)
  })
).pipe(Command.withDescription("Change it on all nodes within two seconds, for good"))

const reset = Command.make(
  "reset",
  { json: CommandArguments.json },
  Effect.fn(function* ({ json }) {
    const settings = yield* PollerSettings
    const wanted = { value: Option.none(), principal: CommandArguments.PRINCIPAL, version: Option.none() }
    yield* show(yield* settings.change(wanted), json)
  })
).pipe(Command.withDescription("Go back to POLL_INTERVAL"))

/** `effex poller`: how rates are polled. It works on the database, and needs no server. */
export const command = Command.make(
  "poller",
  { json: CommandArguments.json },
  Effect.fn(function* ({ json }) {
    const settings = yield* PollerSettings
    yield* show(yield* settings.inForce, json)
  })
).pipe(
  Command.withDescription("Show how rates are polled, and change it"),
  Command.withSubcommands([set, reset]),
  Command.withExamples([
    {
      command: 'effex poller set --interval "5 minutes"',
      description: "Poll every five minutes from now on"
    },
    { command: "effex poller set --polling off", description: "Fetch rates on demand only" }
  ])
)

const fieldsOf = ({ fallback, latest, setting, source }: PollerInForce) => ({
  ...PollerSetting.settingFields(setting),
  source: source === "database" ? "the database" : "POLL_INTERVAL",
  poll_interval: fallback.enabled ? PollerSetting.settingFields(fallback).interval : "off",
  changed_at: Option.getOrNull(Option.map(latest, ({ at }) => DateTime.formatIso(at))),
  changed_by: Option.getOrNull(Option.map(latest, ({ principal }) => principal))
})
