import { texts } from "../../texts/account.ts"

/** What a visitor typed into the sign-up form. */
export interface EnteredAccount {
  readonly username: string
  readonly password: string
  readonly email: string
}

const USERNAME = /^[a-z0-9][a-z0-9._-]{2,31}$/
const EMAIL = /^[^\s@]+@[^\s@]+$/
const MIN_PASSWORD_LENGTH = 10

/** Returns the fields as the server stores them. A password is never changed. */
export const normalize = ({ email, username }: EnteredAccount) => ({
  username: username.trim().toLowerCase(),
  email: email.trim()
})

/** Returns the problem of a new password for a user. Empty if the server has to decide. */
export const passwordProblem = (password: string, username: string): string => {
  if (Array.from(password).length < MIN_PASSWORD_LENGTH) return texts.signUp.passwordShort
  return password.toLowerCase() === username ? texts.signUp.passwordSame : ""
}

/** Returns what is wrong, by field, before anything is sent. The server checks more. */
export const problemsOf = (entered: EnteredAccount): Partial<Record<keyof EnteredAccount, string>> => {
  const { email, username } = normalize(entered)
  const password = passwordProblem(entered.password, username)
  return {
    ...(USERNAME.test(username) ? {} : { username: texts.signUp.usernameWrong }),
    ...(password === "" ? {} : { password }),
    ...(email === "" || EMAIL.test(email) ? {} : { email: texts.signUp.emailWrong })
  }
}
