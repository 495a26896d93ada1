package sqldump

import (
	"fmt"
	"regexp"
	"strings"

	"firn/sqlite/internal/capi"
)

// statementOf returns the statement that SQLite reads in an entry of the schema: the first, with its semicolon. A
// hostile database can have any text behind the first statement, and a script must not run that text.
//
// Nor must the sqlite3 shell run a line of the statement. Outside of quotes and comments, the shell takes a line that
// is "/" or "go" for the end of a statement, and a later line that begins with a dot for a command of its own.
func statementOf(sql string) (string, error) {
	var b strings.Builder
	var last [2]string // the last two tokens that are neither blanks nor comments
	trigger := isTrigger(sql)
	ends := func() bool { return !trigger || last[0] == ";" && strings.EqualFold(last[1], "END") }
	for rest := sql; rest != ""; {
		n := tokenLen(rest)
		if n < 0 {
			return "", fmt.Errorf("%w: a quote is not closed in %q", capi.ErrCorrupt, sql)
		}
		token := rest[:n]
		rest = rest[n:]
		if token == ";" && ends() {
			break
		}
		b.WriteString(token)
		if counts(token) {
			last[0], last[1] = last[1], token
		} else {
			b.WriteString(closing(token))
		}
		if strings.HasSuffix(token, "\n") && endsStatement.MatchString(rest) {
			b.WriteString("/**/")
		}
	}
	if !ends() {
		return "", fmt.Errorf("%w: a trigger has no end: %q", capi.ErrCorrupt, sql)
	}
	return b.String() + ";", nil
}

const (
	spaces = " \t\n\v\f\r"
	mark   = "\ufeff" // a byte order mark is a space, where a token may begin
)

// endsStatement matches, at the beginning of a line, a line that the shell takes for a semicolon.
var endsStatement = regexp.MustCompile(`^[ \t\v\f\r]*(/|[gG][oO])[ \t\v\f\r]*(/\*.*|--.*)?(\n|$)`)

// counts reports whether a token is more than blanks or a comment.
func counts(token string) bool {
	return strings.IndexByte(spaces, token[0]) < 0 && token != mark && !isComment(token)
}

func isComment(token string) bool {
	return strings.HasPrefix(token, "--") || strings.HasPrefix(token, "/*")
}

// isTrigger reports whether a statement makes a trigger. A trigger holds statements itself, up to the END after the
// last.
func isTrigger(sql string) bool {
	words := firstWords(sql)
	return words[0] == "CREATE" && (words[1] == "TRIGGER" || strings.HasPrefix(words[1], "TEMP") && words[2] == "TRIGGER")
}

// isVirtual reports whether a statement makes a virtual table.
func isVirtual(sql string) bool {
	words := firstWords(sql)
	return words[0] == "CREATE" && words[1] == "VIRTUAL"
}

// firstWords returns the first tokens that are neither blanks nor comments, in upper case.
func firstWords(sql string) (words [3]string) {
	for i := 0; sql != "" && i < len(words); {
		n := tokenLen(sql)
		if n < 0 {
			break
		}
		if counts(sql[:n]) {
			words[i] = strings.ToUpper(sql[:n])
			i++
		}
		sql = sql[n:]
	}
	return words
}

// closing returns the characters that a comment lacks to be followed by a semicolon. SQLite lets the end of the text
// close a comment.
func closing(token string) string {
	switch {
	case strings.HasPrefix(token, "--") && !strings.HasSuffix(token, "\n"):
		return "\n"
	case strings.HasPrefix(token, "/*") && (len(token) < len("/**/") || !strings.HasSuffix(token, "*/")):
		return "*/"
	}
	return ""
}

// tokenLen returns the length of the first token of a text. The tokens are SQLite's as far as that matters here:
// blanks up to the end of a line, a comment, a text in quotes, a word, or any other character. The length is -1 for a
// quote that is not closed.
func tokenLen(sql string) int {
	switch c := sql[0]; {
	case strings.IndexByte(spaces, c) >= 0:
		return blanksLen(sql)
	case strings.HasPrefix(sql, mark):
		return len(mark)
	case strings.HasPrefix(sql, "--"):
		return through(sql, "\n", 2)
	case strings.HasPrefix(sql, "/*"):
		return through(sql, "*/", 2)
	case c == '\'' || c == '"' || c == '`':
		return quotedLen(sql)
	case c == '[':
		if n := strings.IndexByte(sql, ']'); n > 0 {
			return n + 1
		}
		return -1
	case isWord(c):
		return wordLen(sql)
	}
	return 1
}

func blanksLen(sql string) int {
	n := len(sql) - len(strings.TrimLeft(sql, spaces))
	if end := strings.IndexByte(sql[:n], '\n'); end >= 0 {
		return end + 1
	}
	return n
}

func wordLen(sql string) int {
	n := 1
	for n < len(sql) && isWord(sql[n]) {
		n++
	}
	return n
}

// through returns the length of a text up to and with the next end, or of the whole text.
func through(sql, end string, from int) int {
	if at := strings.Index(sql[from:], end); at >= 0 {
		return from + at + len(end)
	}
	return len(sql)
}

// quotedLen returns the length of a text in quotes. Quotes within the text are doubled.
func quotedLen(sql string) int {
	quote := sql[:1]
	for n := 1; ; n += 2 {
		at := strings.Index(sql[n:], quote)
		if at < 0 {
			return -1
		}
		n += at
		if !strings.HasPrefix(sql[n+1:], quote) {
			return n + 1
		}
	}
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
