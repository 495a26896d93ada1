package cmd

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"firn/repo"
	"firn/snapshot"
	"firn/tags"
)

// maxChoices is how many snapshots are offered.
const maxChoices = 20

// choose is the first step of a restore: it finds the snapshot that was asked
// for, or asks.
func (r *restoration) choose(ctx context.Context) error {
	o := r.options
	byTag, err := tags.ParseFilter(o.tags)
	if err != nil {
		return err
	}
	all, err := r.repo.Snapshots(ctx)
	if all == nil && err != nil {
		return err
	}
	if err != nil {
		r.warn("some snapshots cannot be read: %v", err)
	}
	from := cmp.Or(o.from, o.environment)
	if err := r.hasSnapshots(all, from); err != nil {
		return err
	}
	list := filter(all, snapshot.Filter{Environment: from, Database: o.name, Tags: byTag})
	if o.snapshot == "" {
		return r.offer(ctx, r.oneDatabase(list))
	}
	r.source, err = r.find(r.oneDatabase(list), o.snapshot, slices.Contains(o.tags, repo.PreRestoreTag))
	if err != nil {
		if from != "" {
			err = fmt.Errorf("restore from %s: %w", from, err)
		}
		return err
	}
	return nil
}

func (r *restoration) hasSnapshots(list []*snapshot.Snapshot, environment string) error {
	known := environments(list)
	if environment == "" || slices.Contains(known, environment) {
		return nil
	}
	return failed("There are snapshots of: "+cmp.Or(strings.Join(known, ", "), "none")+". --from takes another one's.",
		"restore from %s: %w", environment, snapshot.ErrNotFound)
}

// oneDatabase keeps the snapshots of the target's database, where the
// environment has several and none was named.
func (r *restoration) oneDatabase(list []*snapshot.Snapshot) []*snapshot.Snapshot {
	if r.options.name != "" || r.env == nil {
		return list
	}
	if own := filter(list, snapshot.Filter{Database: r.env.Name}); len(own) > 0 {
		return own
	}
	return list
}

// offer shows the newest snapshots and asks for one of them.
func (r *restoration) offer(ctx context.Context, list []*snapshot.Snapshot) error {
	var shown []*snapshot.Snapshot
	for _, s := range list {
		if len(shown) < maxChoices && (!preRestore(s) || slices.Contains(r.options.tags, repo.PreRestoreTag)) {
			shown = append(shown, s)
		}
	}
	if len(shown) == 0 {
		return fmt.Errorf("restore: %w", snapshot.ErrNotFound)
	}
	rows := make([][]string, len(shown))
	for i, s := range shown {
		rows[len(shown)-1-i] = append([]string{strconv.Itoa(i + 1)}, r.snapshotRow(s)...)
	}
	if err := r.table(r.stderr, append([]string{"No."}, snapshotHead()...), rows); err != nil {
		return err
	}
	answer, err := r.ask(ctx, "Which one? (number, ID, time or latest; Enter for none) ")
	if err != nil {
		return err
	}
	if answer == "" {
		return failed("", "restore: no snapshot chosen, nothing was changed")
	}
	if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(shown) {
		r.source = shown[n-1]
		return nil
	}
	r.source, err = r.find(list, answer, false)
	return err
}

// ask asks a question on the terminal.
func (c *cli) ask(ctx context.Context, question string) (string, error) {
	fmt.Fprint(c.stderr, question)
	answer, err := await(ctx, func() (string, error) { return readLine(c.stdin) })
	if err != nil {
		fmt.Fprintln(c.stderr)
	}
	if err == io.EOF {
		return "", nil // Ctrl-D is no answer
	}
	return strings.TrimSpace(answer), err
}

// readLine takes no more than the line: the next question reads on behind it.
func readLine(r io.Reader) (string, error) {
	var line []byte
	for {
		var b [1]byte
		n, err := r.Read(b[:])
		switch {
		case n == 1 && b[0] == '\n':
			return string(line), nil
		case n == 1:
			line = append(line, b[0])
		}
		if err != nil {
			return string(line), err
		}
	}
}
