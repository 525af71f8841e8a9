import { Schema } from "effect"

/*
 * Text that others read, such as an administrator. It cannot be blank, and cannot look like something else: PostgreSQL stores no
 * NUL, and bidirectional overrides (U+202A to U+202E, U+2066 to U+2069) show characters in another order, also those around it
 * (Unicode Technical Report 36, "Bidirectional Text Spoofing").
 */

// No space, no format character, and no filler: `DI` are the default ignorable code points, U+2800 is a blank. Control
// characters are left to the checks below, so that a text has one error.
const BLANK = { message: "must have a visible character" }
const isVisible = Schema.isPattern(/[^\p{Zs}\p{Cf}\p{Cn}\p{Co}\p{DI}\u2800]/u, BLANK)
const isVisibleInLines = Schema.isPattern(/[^\n\r\t\p{Z}\p{Cf}\p{Cn}\p{Co}\p{DI}\u2800]/u, BLANK)

const hasNoControls = Schema.isPattern(/^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]*$/u, {
  message: "must not contain control characters, line breaks or bidirectional overrides"
})

const hasNoControlsInLines = Schema.isPattern(/^(?:[^\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]|[\n\r\t])*$/u, {
  message: "must not contain control characters or bidirectional overrides"
})

const isAtMost = (maxLength: number) =>
  Schema.isMaxLength(maxLength, { message: `must have at most ${maxLength} characters` })

/** One line of text, such as a note. */
export const line = (maxLength: number) => Schema.String.check(isVisible, isAtMost(maxLength), hasNoControls)

/** Text that may have several lines, such as a reason. */
export const paragraph = (maxLength: number) =>
  Schema.String.check(isVisibleInLines, isAtMost(maxLength), hasNoControlsInLines)

/**
 * Name of 1 to 100 printable characters without a space at either end. It has no invisible characters at all, because two names
 * that look the same must be the same.
 */
export const Name = Schema.String.check(
  Schema.isPattern(
    /^[^\p{C}\p{Z}\p{DI}\u2800](?:(?:[^\p{C}\p{Z}\p{DI}\u2800]| ){0,98}[^\p{C}\p{Z}\p{DI}\u2800])?$/u,
    { message: "Expected 1 to 100 printable characters, without a space at either end" }
  )
)
