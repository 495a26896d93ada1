package cmd

import (
	"fmt"
	"strings"

	"firn/answer"
	"firn/session"
)

// snapshotGroup is a group of snapshots with the same properties, in JSON.
type snapshotGroup struct {
	Key       map[string]string `json:"group_key"`
	Snapshots []answer.Snapshot `json:"snapshots"`
}

// printGroups prints groups of snapshots, each below a title, as [opened.printSnapshots] does.
func (s *opened) printGroups(groups []*session.Group, each bool) error {
	if s.json {
		messages := make([]snapshotGroup, 0, len(groups))
		for _, g := range groups {
			messages = append(messages, snapshotGroup{g.Key, answer.NewSnapshots(g.Snapshots)})
		}
		return s.printJSON(messages)
	}
	for i, g := range groups {
		if _, err := fmt.Fprintf(s.stdout, "%s%s\n", strings.Repeat("\n", min(i, 1)), inLine(g.Title)); err != nil {
			return err
		}
		if err := s.printSnapshots(g.Snapshots, each); err != nil {
			return err
		}
	}
	return nil
}
