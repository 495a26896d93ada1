package check

import (
	"strings"

	"firn/sqlite/caseless"
)

// token is a word of SQL. SQLite keeps each definition as it was typed, so that quotes, comments and spaces have to be
// understood.
type token struct {
	kind     byte // 'i' name, 'q' quoted name, 's' text, 'b' blob, 'n' number, or the character itself
	text     string
	from, to int // where it stands in the SQL
}

// is reports whether the token is a keyword.
func (t token) is(word string) bool { return t.kind == 'i' && caseless.Same(t.text, word) }

// isAny reports whether the token is one of the keywords.
func (t token) isAny(words ...string) bool {
	for _, w := range words {
		if t.is(w) {
			return true
		}
	}
	return false
}

// named reports whether the token can be a name.
func (t token) named() bool { return t.kind == 'i' || t.kind == 'q' || t.kind == 's' }

// tokens cuts SQL into words, up to a number of them. It returns false for text that SQLite would not accept, or that ends
// within a word.
func tokens(sql string, most int) ([]token, bool) {
	var list []token
	for at := 0; at < len(sql) && len(list) < most; {
		next := space(sql, at)
		if next < 0 {
			return nil, false
		}
		if next > at {
			at = next
			continue
		}
		t, ok := word(sql, at)
		if !ok {
			return nil, false
		}
		list = append(list, t)
		at = t.to
	}
	return list, true
}

// space returns where white space and comments end that begin at a place, -1 for a comment without an end.
func space(sql string, at int) int {
	rest := sql[at:]
	switch {
	case strings.IndexByte(" \t\n\f\r", rest[0]) >= 0:
		return at + 1
	case strings.HasPrefix(rest, "--"):
		if end := strings.IndexByte(rest, '\n'); end >= 0 {
			return at + end + 1
		}
		return len(sql)
	case strings.HasPrefix(rest, "/*"):
		end := strings.Index(rest[2:], "*/")
		if end < 0 {
			return -1
		}
		return at + 2 + end + 2
	}
	return at
}

// word returns the word that begins at a place.
func word(sql string, at int) (token, bool) {
	c := sql[at]
	switch {
	case (c == 'x' || c == 'X') && at+1 < len(sql) && sql[at+1] == '\'':
		t, ok := quoted(sql, at+1, '\'')
		t.kind, t.from = 'b', at
		return t, ok
	case inName(c) && (c < '0' || c > '9'):
		return run(sql, at, 'i', inName), true
	case c >= '0' && c <= '9' || c == '.' && at+1 < len(sql) && sql[at+1] >= '0' && sql[at+1] <= '9':
		return number(sql, at), true
	case c == '"' || c == '`' || c == '\'':
		return quoted(sql, at, c)
	case c == '[':
		return quoted(sql, at, ']')
	case strings.IndexByte("(),+-*/.<>=!|&~%;:?@#$", c) >= 0:
		return token{kind: c, text: sql[at : at+1], from: at, to: at + 1}, true
	}
	return token{}, false
}

func inName(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

func run(sql string, at int, kind byte, in func(byte) bool) token {
	end := at
	for end < len(sql) && in(sql[end]) {
		end++
	}
	return token{kind, sql[at:end], at, end}
}

// number returns a number. A sign after an exponent belongs to it.
func number(sql string, at int) token {
	t := run(sql, at, 'n', func(c byte) bool { return inName(c) || c == '.' })
	last := t.text[len(t.text)-1] | 0x20
	if last == 'e' && !strings.HasPrefix(strings.ToLower(t.text), "0x") && t.to < len(sql) && (sql[t.to] == '+' || sql[t.to] == '-') {
		rest := run(sql, t.to+1, 'n', inName)
		t.text, t.to = sql[at:rest.to], rest.to
	}
	return t
}

// quoted returns a name or a text between quotes. Two quotes stand for one, but in brackets.
func quoted(sql string, at int, quote byte) (token, bool) {
	var b strings.Builder
	for i := at + 1; i < len(sql); i++ {
		if sql[i] != quote {
			b.WriteByte(sql[i])
			continue
		}
		if quote != ']' && i+1 < len(sql) && sql[i+1] == quote {
			b.WriteByte(quote)
			i++
			continue
		}
		kind := byte('q')
		if quote == '\'' {
			kind = 's'
		}
		return token{kind, b.String(), at, i + 1}, true
	}
	return token{}, false
}
