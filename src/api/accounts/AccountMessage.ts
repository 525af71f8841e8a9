import { Schema } from "effect"
import { EmailAddress } from "../../domain/accounts/EmailAddress.ts"
import { SessionId } from "../../domain/accounts/Session.ts"
import { Role, UserId, Username } from "../../domain/accounts/User.ts"
import { TimestampText } from "../../domain/Timestamp.ts"

/** Longer text is no password or name, and is refused before anything is computed. */
const Text = Schema.String.check(Schema.isMaxLength(4096))

/** With `true`, the refresh token comes as a cookie that scripts cannot read, and not in the body. */
const Cookie = Schema.optionalKey(Schema.Boolean)

export const UserMessage = Schema.Struct({
  id: UserId,
  username: Username,
  email: Schema.NullOr(Schema.String),
  role: Role,
  created_at: TimestampText
}).annotate({ identifier: "User" })

export const TokensMessage = Schema.Struct({
  /** Access token, for the header `Authorization: Bearer …`. */
  access: Schema.String,
  /** Refresh token, to be used once. Absent if it is in the cookie. */
  refresh: Schema.optionalKey(Schema.String),
  token_type: Schema.Literal("Bearer"),
  /** Seconds until the access token expires. */
  expires_in: Schema.Int,
  session_id: SessionId
}).annotate({ identifier: "Tokens" })

export const SignedInMessage = Schema.Struct({ ...TokensMessage.fields, user: UserMessage }).annotate({
  identifier: "SignedIn"
})

export const RegisterBody = Schema.Struct({
  username: Text,
  password: Text,
  email: Schema.optionalKey(EmailAddress),
  cookie: Cookie
}).annotate({ identifier: "Register" })

/** Either `username` and `password`, or the `mfa_token` of the previous attempt; and `code` with a second factor. */
export const LoginBody = Schema.Struct({
  username: Schema.optionalKey(Text),
  password: Schema.optionalKey(Text),
  mfa_token: Schema.optionalKey(Text),
  /** Of the authenticator app, or a recovery code. */
  code: Schema.optionalKey(Text),
  cookie: Cookie
}).annotate({ identifier: "Login" })

/** Without `refresh`, the token of the cookie is used. */
export const RefreshBody = Schema.Struct({ refresh: Schema.optionalKey(Text) }).annotate({
  identifier: "Refresh"
})

export const ProfileBody = Schema.Struct({ email: Schema.NullOr(EmailAddress) }).annotate({
  identifier: "Profile"
})

export const PasswordBody = Schema.Struct({ current_password: Text, new_password: Text }).annotate({
  identifier: "PasswordChange"
})

export const SessionMessage = Schema.Struct({
  id: SessionId,
  /** True for the session of this request. */
  current: Schema.Boolean,
  created_at: TimestampText,
  last_used_at: TimestampText,
  expires_at: TimestampText,
  second_factor: Schema.Boolean,
  address: Schema.String,
  user_agent: Schema.String
}).annotate({ identifier: "Session" })

export const SessionsMessage = Schema.Struct({ data: Schema.Array(SessionMessage) }).annotate({
  identifier: "Sessions"
})

/** Public keys of access tokens (RFC 7517). */
export const JwksMessage = Schema.Struct({
  keys: Schema.Array(
    Schema.Struct({
      kty: Schema.Literal("OKP"),
      crv: Schema.Literal("Ed25519"),
      x: Schema.String,
      kid: Schema.String,
      use: Schema.Literal("sig"),
      alg: Schema.Literal("EdDSA")
    })
  )
}).annotate({ identifier: "Jwks" })
