import { Console, DateTime, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as PollerSetting from "../../domain/rates/PollerSetting.ts"
import { type ActivePollerSetting, PollerSettings } from "../../rates/polling/PollerSettings.ts"
import { durationFlag } from "../arguments/DurationFlag.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"
import { commandError } from "../CommandError.ts"
import { COMMAND_LINE_PRINCIPAL } from "../CommandLinePrincipal.ts"
import * as Table from "../view/Table.ts"

const print = Effect.fnUntraced(function* (active: ActivePollerSetting, json: boolean) {
  const fields = fieldsOf(active)
  yield* Console.log(json ? JSON.stringify(fields) : Table.render(fields))
})

const set = Command.make(
  "set",
  {
    interval: durationFlag("interval", PollerSetting.POLL_INTERVAL_RANGE).pipe(
      Flag.withDescription(
        "From the start of one poll to the start of the next, such as `5 minutes` or 300 (seconds)"
      ),
      Flag.optional
    ),
    enabled: Flag.Literals("polling", ["on", "off"]).pipe(
      Flag.withDescription("Turn polling on or off"),
      Flag.optional
    ),
    json: jsonFlag
  },
  Effect.fn(function* ({ enabled, interval, json }) {
    if (Option.isNone(enabled) && Option.isNone(interval))
      return yield* commandError("Nothing to change; pass --interval, --polling, or both")
    const settings = yield* PollerSettings
    const { setting, version } = yield* settings.active
    const value = Option.some({
      interval: Option.getOrElse(interval, () => setting.interval),
      enabled: Option.match(enabled, { onNone: () => setting.enabled, onSome: (word) => word === "on" })
    })
    // Fails if the values that were not given have changed since they were read.
    const change = { value, principal: COMMAND_LINE_PRINCIPAL, expectedVersion: Option.some(version) }
    yield* print(yield* settings.change(change), json)
  })
).pipe(Command.withDescription("Change the schedule on all nodes within two seconds; it survives restarts"))

const reset = Command.make(
  "reset",
  { json: jsonFlag },
  Effect.fn(function* ({ json }) {
    const settings = yield* PollerSettings
    const change = { value: Option.none(), principal: COMMAND_LINE_PRINCIPAL, expectedVersion: Option.none() }
    yield* print(yield* settings.change(change), json)
  })
).pipe(Command.withDescription("Return to the schedule of POLL_INTERVAL"))

/** `effex poller`: shows and changes the polling schedule in the database. It needs no server. */
export const command = Command.make(
  "poller",
  { json: jsonFlag },
  Effect.fn(function* ({ json }) {
    const settings = yield* PollerSettings
    yield* print(yield* settings.active, json)
  })
).pipe(
  Command.withDescription("Show or change the polling schedule"),
  Command.withSubcommands([set, reset]),
  Command.withExamples([
    {
      command: 'effex poller set --interval "5 minutes"',
      description: "Poll every five minutes"
    },
    { command: "effex poller set --polling off", description: "Fetch rates on demand only" }
  ])
)

const fieldsOf = ({ fallback, latestChange, setting, source }: ActivePollerSetting) => ({
  ...PollerSetting.settingFields(setting),
  source: source === "database" ? "the database" : "POLL_INTERVAL",
  poll_interval: fallback.enabled ? PollerSetting.settingFields(fallback).interval : "off",
  changed_at: Option.getOrNull(Option.map(latestChange, ({ at }) => DateTime.formatIso(at))),
  changed_by: Option.getOrNull(Option.map(latestChange, ({ principal }) => principal))
})
