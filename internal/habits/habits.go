// Package habits has the words that users of other tools type, with firn's way to do the same.
package habits

import (
	_ "embed"
	"strings"
)

// text is the table of the words. The document on migration has the same rows.
//
//go:embed habits.txt
var text string

// Habit is a word of another tool's command line, with firn's way to do the same in one line. A word with two parts is of
// one command. A way that begins with "taken" says that firn does the same.
type Habit struct{ Tool, Word, Way string }

// All returns the rows of the table.
func All() (all []Habit) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if fields := strings.SplitN(strings.TrimSpace(line), " | ", 3); len(fields) == 3 {
			all = append(all, Habit{fields[0], fields[1], fields[2]})
		}
	}
	return all
}

// Taken reports whether firn does the same for the word.
func (h Habit) Taken() bool { return strings.HasPrefix(h.Way, "taken") }

// Hint returns firn's way for a word that a command does not know, "" for none. The command is its name, "" for firn
// itself. A row for the command counts before a row for all commands. A row of one word that is no flag is a command beside
// firn's, and no subcommand: "key delete" is not borg's delete.
func Hint(command, word string) (hint string) {
	for _, h := range All() {
		switch {
		case h.Taken(): // it is a word of firn's, but not here
		case command != "" && h.Word == command+" "+word:
			return h.hint()
		case h.Word == word && (command == "" || strings.HasPrefix(word, "-")):
			hint = h.hint()
		}
	}
	return hint
}

// hint returns firn's way behind the name of the other tool, since the word may mean something else to users of a third tool.
func (h Habit) hint() string {
	tool := h.Tool
	if tool == "litestream" {
		tool = "Litestream"
	}
	return "That is " + tool + "'s. In firn: " + h.Way
}

// Near returns the word that is most like a mistyped one, "" if none is near: of three letters one may be wrong, of six two.
func Near(word string, among []string) (near string) {
	least := min(2, len(word)/3) + 1
	for _, candidate := range among {
		if d := distance(word, candidate); d < least {
			near, least = candidate, d
		}
	}
	return near
}

// distance is the number of bytes that must be put in, left out, changed or exchanged with the next one to make one word
// of the other (optimal string alignment).
func distance(a, b string) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row := rows[(i-1)%3], rows[i%3], rows[(i+1)%3]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			changed := last[j-1]
			if a[i-1] != b[j-1] {
				changed++
			}
			row[j] = min(changed, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return rows[(len(a)+1)%3][len(b)]
}
