package rowrestore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"firn/diff"
	"firn/report"
)

// Fingerprint returns a hash of all that a person agrees to with a plan: the snapshot, the target, the statements, and each row as it
// is and as it was.
func (p *Plan) Fingerprint() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%q\n%q\n%q\n%s\n%v\n%x\n", p.Snapshot.ID, p.Target.Path, p.Target.Environment, p.Stop, p.Rows.Mode, p.Triggers, p.Rows.Digest())
	for _, s := range p.Rows.Statements {
		_, _ = io.WriteString(h, s.Text(func(any) string { return "?" })+";\n") // a hash takes everything; the digest has the values
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Remark is what a person could miss in a plan.
type Remark struct {
	Text     string // a sentence without its end
	Children bool   // taking children along is the remedy
}

// Remarks returns what a person could miss. Names in them are identifiers of SQL. Of statements that are only printed, it says
// nothing about triggers that the restore itself would not run.
func (p *Plan) Remarks(printed bool) (all []Remark) {
	say := func(format string, args ...any) { all = append(all, Remark{Text: fmt.Sprintf(format, args...)}) }
	for _, t := range p.Rows.Tables {
		name := diff.Identifier(t.Name)
		if t.Behind > 0 {
			all = append(all, Remark{fmt.Sprintf("%s of %s that referred to these rows are missing now, too", report.Plural(t.Behind, "row"), name), true})
		}
		if t.Inserted+t.Changed+t.Deleted == 0 {
			continue
		}
		if t.ByRowid {
			say("%s has no key: its rows are found by rowid, which VACUUM may have changed", name)
		}
		if len(t.OnlyNow) > 0 && t.Inserted > 0 {
			say("%s: rows that come back get the default of columns that the snapshot does not have: %s", name, names(t.OnlyNow))
		}
		if len(t.OnlyThen) > 0 {
			say("%s: columns of the snapshot that are not there now, by name, are left out: %s", name, names(t.OnlyThen))
		}
		if len(t.Retyped) > 0 {
			say("%s: columns have another type now, and values are stored in its form: %s", name, names(t.Retyped))
		}
		if len(t.Triggers) > 0 && p.Triggers {
			say("%s: its triggers run, and what they change is not shown here: %s", name, names(t.Triggers))
		} else if len(t.Triggers) > 0 && !printed {
			say("%s: its triggers do not run: %s", name, names(t.Triggers))
		}
	}
	return all
}

// names joins names of a schema.
func names(list []string) string {
	quoted := make([]string, len(list))
	for i, name := range list {
		quoted[i] = diff.Identifier(name)
	}
	return strings.Join(quoted, ", ")
}
