package answer

import (
	"slices"

	"firn/diff"
	"firn/rowrestore"
)

// RestoredRows is the summary of a restore of rows in JSON.
type RestoredRows struct {
	Type         string          `json:"message_type"` // "summary"
	DryRun       bool            `json:"dry_run"`
	SnapshotID   string          `json:"snapshot_id"`
	Environment  string          `json:"environment"` // of the snapshot
	Target       string          `json:"target"`
	Mode         string          `json:"mode"`
	Tables       []RestoredTable `json:"tables"`
	PreRestoreID string          `json:"pre_restore_id,omitempty"` // the snapshot of the database before
	Duration     float64         `json:"duration"`
}

// RestoredTable has the numbers of rows of a table.
type RestoredTable struct {
	Table      string   `json:"table"`
	Inserted   int      `json:"inserted"`
	Changed    int      `json:"changed"`
	Deleted    int      `json:"deleted"`
	Same       int      `json:"same"`
	Left       int      `json:"left"`
	Missing    int      `json:"missing"`
	Conflicted int      `json:"conflicted"`
	Behind     int      `json:"behind"` // rows that referred to rows that came back, and are not taken along
	OnlyNow    []string `json:"columns_only_now,omitempty"`
	OnlyThen   []string `json:"columns_only_then,omitempty"`
	Triggers   []string `json:"triggers,omitempty"`
}

// PlannedRow is a row of a plan in JSON. Its values are SQL literals.
type PlannedRow struct {
	Type  string `json:"message_type"` // "row"
	Table string `json:"table"`
	Kind  string `json:"change"`
	Key   Fields `json:"key"`
	Now   Fields `json:"now,omitempty"`  // the columns that differ, as they are
	Then  Fields `json:"then,omitempty"` // as they were
	Why   string `json:"reason,omitempty"`
}

// RowPlan is a plan of rows in JSON.
type RowPlan struct {
	RestoredRows
	Fingerprint string       `json:"fingerprint"` // with which the plan can be run
	Rows        []PlannedRow `json:"rows"`
	Cut         bool         `json:"cut,omitempty"` // there are more rows
	SQL         string       `json:"sql,omitempty"` // "" if it is too long, or cannot be written
	Remarks     []string     `json:"remarks,omitempty"`
}

// NewRowPlan fills a [RowPlan], with so many rows and bytes of SQL at most. The warnings are those of the snapshot.
func NewRowPlan(plan *rowrestore.Plan, warnings []string, rows, bytes int) RowPlan {
	m := RowPlan{RestoredRows: NewRows(plan), Fingerprint: plan.Fingerprint(), Rows: NewPlannedRows(plan), Remarks: slices.Clone(warnings)}
	m.DryRun = true
	if len(m.Rows) > rows {
		m.Rows, m.Cut = m.Rows[:rows], true
	}
	if sql, err := plan.Script(bytes); err == nil {
		m.SQL = string(sql)
	}
	for _, r := range plan.Remarks(false) {
		m.Remarks = append(m.Remarks, r.Text)
	}
	return m
}

// NewRows fills a [RestoredRows] with the facts of a plan.
func NewRows(plan *rowrestore.Plan) RestoredRows {
	m := RestoredRows{
		Type: "summary", SnapshotID: plan.Snapshot.ID.String(), Environment: plan.Snapshot.Environment, Target: plan.Target.Path,
		Mode: string(plan.Rows.Mode),
	}
	for _, t := range plan.Rows.Tables {
		m.Tables = append(m.Tables, RestoredTable{
			t.Name, t.Inserted, t.Changed, t.Deleted, t.Same, t.Left, t.Missing, t.Conflicted, t.Behind, t.OnlyNow, t.OnlyThen, t.Triggers,
		})
	}
	return m
}

// NewPlannedRows returns the rows of a plan for JSON.
func NewPlannedRows(plan *rowrestore.Plan) (all []PlannedRow) {
	for _, t := range plan.Rows.Tables {
		for _, row := range t.Rows {
			m := PlannedRow{Type: "row", Table: t.Name, Kind: string(row.Kind), Why: row.Why}
			for _, f := range row.Key {
				m.Key = append(m.Key, diff.Field(f))
			}
			for _, c := range row.Changes {
				m.Now = append(m.Now, diff.Field{Name: c.Name, Value: c.Now})
				m.Then = append(m.Then, diff.Field{Name: c.Name, Value: c.Then})
			}
			all = append(all, m)
		}
	}
	return all
}
