package main

import (
	"fmt"
	"os"
	"slices"
)

// contentSize is the size of the databases of [measureContent].
const contentSize = 50_000_000

// contentRow has the costs of firn's backups after one kind of change, made several times.
type contentRow struct {
	title string
	pages []int // written by each change
	costs []cost
}

// measureContent measures the cases that chunks are cut by content for: an image that
// grows at its end, and an image in which every row has moved.
func measureContent(o options, work string, contenders []contender) (rows []contentRow, err error) {
	i := slices.IndexFunc(contenders, func(c contender) bool { return c.name == firnName })
	if i < 0 {
		return nil, nil
	}
	for _, k := range []struct{ title, action string }{
		{"2000 rows appended to a table", "append"},
		{"VACUUM after an application's writes", "vacuum"},
	} {
		row, err := measureKind(o, work, contenders[i], k.action)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.title, err)
		}
		row.title = k.title
		rows = append(rows, row)
	}
	return rows, nil
}

func measureKind(o options, work string, c contender, action string) (row contentRow, err error) {
	defer os.RemoveAll(work)
	o.sizes, o.firsts = []int64{contentSize}, 1
	r, err := newRounds(o, work, []contender{c})
	if err != nil {
		return row, err
	}
	if err := r.first(); err != nil {
		return row, err
	}
	for range 3 {
		if action == "vacuum" {
			if err := r.written(); err != nil {
				return row, err
			}
		}
		if err := r.change(operation(action), action, 2000); err != nil {
			return row, err
		}
		if err := r.each(operation(action), backupOf); err != nil {
			return row, err
		}
	}
	row.costs, row.pages = r.results[0].costs[operation(action)], r.pages[operation(action)]
	return row, r.app.close()
}
