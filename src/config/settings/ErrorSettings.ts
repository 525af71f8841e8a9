import { Option } from "effect"
import * as SentryDsn from "../SentryDsn.ts"
import { define } from "../SettingDefinition.ts"
import { optional, optionalSecret } from "../SettingParsers.ts"

/** Settings of error reports. */

const isName = (text: string) => /^[^\s/]{1,64}$/.test(text)

export const SENTRY_DSN = define({
  name: "SENTRY_DSN",
  defaultText: "none: errors are only logged",
  description:
    "DSN of a Sentry project, or of a compatible receiver, to which defects and errors are reported",
  allowed: "https://<key>@<host>/<project number>",
  ...optionalSecret(Option.liftPredicate((text: string) => Option.isSome(SentryDsn.parse(text))))
})

export const SENTRY_ENVIRONMENT = define({
  name: "SENTRY_ENVIRONMENT",
  defaultText: "NODE_ENV",
  description: "Environment of error reports, such as `staging`",
  allowed: "1 to 64 characters without spaces and slashes",
  ...optional(Option.liftPredicate(isName))
})

export const SENTRY_SERVER_NAME = define({
  name: "SENTRY_SERVER_NAME",
  defaultText: "none",
  description: "Name of this node in error reports",
  allowed: "1 to 64 characters without spaces and slashes",
  ...optional(Option.liftPredicate(isName))
})

/** Settings of error reports, by the names of their values. */
export const errorSettings = {
  /** Receiver of error reports. None: errors are only logged. */
  sentryDsn: SENTRY_DSN,
  sentryServerName: SENTRY_SERVER_NAME
}
