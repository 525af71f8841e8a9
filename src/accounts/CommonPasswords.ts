/**
 * Common passwords of at least ten characters; shorter ones are refused for their length. Compiled by hand for effex: the
 * passwords that lists of leaked ones agree on (the yearly lists of NordPass and SplashData, and the often quoted top of
 * the RockYou leak), and the most common words in them with the endings that people add most. It is not a copy of any of
 * these lists.
 */
const EXACT = `
1234567890 12345678910 123456789a 123456789q 0123456789 9876543210 0987654321 1234567891 12345678901 123123123123
1234554321 1122334455 1111111111 0000000000 1212121212 1231231231 123456123456 1234512345 147258369a 1472583690
987654321a a123456789 q123456789 abc123456789 abcd123456 abcde12345 abcdef1234 abcdefghij abcdefghijk 123456abcdef
qwertyuiop qwertyuiop123 qwerty12345 qwerty123456 qwerty1234567 qwertyqwerty 1q2w3e4r5t 1q2w3e4r5t6y q1w2e3r4t5 q1w2e3r4t5y6
1qaz2wsx3edc 1qazxsw23edc qazwsxedc123 qazwsxedcrfv zaq12wsxcde3 zaq1xsw2cde3 1qaz@wsx3edc !qaz2wsx3edc asdfghjkl; asdfghjkl1
asdfghjkl123 asdfghjklzxcvbnm zxcvbnm123 zxcvbnm1234 zxcvbnmasdfghjkl qwertzuiop azertyuiop azerty12345 azerty123456 mnbvcxzlkjhgfdsa
poiuytrewq password10 password11 password12 password01 password00 passw0rd123 p@ssw0rd123 p@ssword123 p@ssw0rd1234
passwordpassword mypassword mypassword1 mypassword123 password1234567 changeme123 changeme1234 changemenow letmein1234 letmein12345
letmeinplease iloveyou12 iloveyou123 iloveyou1234 iloveyou143 iloveyouforever iloveyoubaby iloveyousomuch iloveyou2much ilovemyself
ilovejesus ilovejesus1 iloveyou!! lovelovelove love123456 forever123 foreverlove bestfriend bestfriend1 bestfriends
bestfriends1 friendsforever sunshine12 sunshine123 princess12 princess123 butterfly1 butterfly12 butterfly123 basketball
basketball1 football123 football1234 footballer baseball123 volleyball volleyball1 superstar1 superman123 batman12345
spiderman1 spiderman123 starwars123 chocolate1 chocolate12 chocolate123 strawberry strawberry1 watermelon cheesecake
elizabeth1 alexander1 alexandra1 christopher christine1 christian1 jessica123 michael123 michelle12 michelle123
jonathan12 nicholas12 stephanie1 jennifer12 jennifer123 samantha12 samantha123 victoria12 victoria123 benjamin12
liverpool1 liverpool12 liverpool123 manchester manchester1 manchesterunited chelsea123 arsenal123 barcelona1 barcelona12
barcelona123 realmadrid realmadrid1 juventus123 california california1 losangeles1 newyork123 newyorkcity washington
washington1 philadelphia australia1 argentina1 administrator administrator1 admin12345 admin123456 adminadmin adminadmin1
root123456 rootroot12 test123456 testtest12 testtest123 test1234567 testing123 testing1234 user123456 guest12345
guest123456 welcome123 welcome1234 welcome12345 welcome2023 welcome2024 welcome2025 welcome2026 secret1234 secret12345
topsecret1 trustno1trustno1 thankyou123 whatever12 whatever123 computer12 computer123 computer1234 internet12 internet123
samsung123 samsung1234 google1234 google12345 facebook12 facebook123 facebook1234 instagram1 instagram123 youtube123
pokemon123 pokemon1234 minecraft1 minecraft12 minecraft123 playstation playstation1 playstation2 xbox360xbox callofduty1
jesuschrist jesuschrist1 godisgood1 godisgreat godisgreat1 jesusislord blessed123 hallelujah praisegod1 mohammed123
muhammad123 bismillah1 bismillah123 alhamdulillah pakistan123 pakistan786 india12345 nigeria123 lagos12345 kenya12345
ghana12345 southafrica naija12345 chukwuemeka blessing123 blessing12 goodluck123 happiness1 happybirthday happynewyear
blink182182 metallica1 metallica123 nirvana123 slipknot123 slipknot666 greenday123 linkinpark linkinpark1 eminem1234
harrypotter harrypotter1 hermione123 gryffindor dumbledore lordoftherings gameofthrones startrek123 matrix1234 terminator
terminator1 aaaaaaaaaa1 qqqqqqqqqq 1a2b3c4d5e 1a2b3c4d5e6f a1b2c3d4e5 a1b2c3d4e5f6 1q1q1q1q1q 1234qwerasdf qwer1234asdf
asdf1234qwer 123qweasdzxc qweasdzxc123 qwe123asd456 123qwe123qwe qwe123qwe123 1qw23er45t zxc123456789 asd123456789 qaz123wsx456
abc123abc123 1234abcd1234 11223344556 112233445566 0011223344 123654789a 159357258456 7894561230 741852963a correcthorsebatterystaple
`

/** Words that begin common passwords. */
const WORDS = `
password passw0rd p@ssword p@ssw0rd passwort admin welcome qwerty letmein monkey dragon master shadow sunshine princess
football baseball superman batman michael jordan jessica charlie daniel thomas andrew joshua ashley nicole hunter
ginger summer winter spring autumn secret computer internet samsung google facebook chelsea arsenal liverpool iloveyou
lovely freedom whatever trustno1 starwars pokemon killer soccer hockey orange banana cheese cookie flower purple
nigeria america canada london money jesus blessing
`

/** Endings that people add to a word. */
const ENDINGS = `
1 12 123 1234 12345 123456 1234567 12345678 123456789 1! 123! 1234! @123 @1234 #123 01 2020 2021 2022 2023 2024 2025 2026
2024! 2025! 2026!
`

const MIN_LENGTH = 10

const words = (text: string) => text.trim().split(/\s+/)

/** Common passwords in lower case. */
const COMMON_PASSWORDS: ReadonlySet<string> = new Set(
  [...words(EXACT), ...words(WORDS).flatMap((word) => words(ENDINGS).map((ending) => word + ending))].filter(
    (password) => password.length >= MIN_LENGTH
  )
)

/** Returns true if a password in lower case is common, or repeats one or two characters, or counts up or down. */
export const isCommon = (password: string): boolean =>
  COMMON_PASSWORDS.has(password) || new Set(password).size <= 2 || isSequence(password)

/** True if each character follows the previous one: `abcdefghijkl`, `9876543210`. */
const isSequence = (password: string) => {
  const codes = Array.from(password, (character) => character.codePointAt(0) ?? 0)
  const steps = codes.slice(1).map((code, index) => code - (codes[index] ?? 0))
  const [step] = steps
  return step !== undefined && Math.abs(step) === 1 && steps.every((each) => each === step)
}
