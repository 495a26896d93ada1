package session

import (
	"strings"

	"firn/outcome"
	"firn/snapshot"
)

// Grouping is a list of names of properties. Snapshots with the same properties make a group.
type Grouping []string

// ParseGrouping reads names of properties, separated by commas: environment, database, host, tags. The empty list is nil.
func ParseGrouping(list string) (Grouping, error) {
	if list == "" {
		return nil, nil
	}
	g := Grouping(strings.Split(list, ","))
	for _, name := range g {
		if _, ok := property(&snapshot.Snapshot{}, name); !ok {
			return nil, outcome.Usage("Group by environment, database, host or tags, or several of them with commas between.",
				"--group-by: snapshots have no %q", name)
		}
	}
	return g, nil
}

// property returns the property of a snapshot with a name, as text, and whether snapshots have such a property.
func property(s *snapshot.Snapshot, name string) (text string, ok bool) {
	switch name {
	case "environment":
		return s.Environment, true
	case "database":
		return s.Database, true
	case "host":
		return s.Host, true
	case "tags":
		return s.Tags.String(), true
	}
	return "", false
}

// Group is a group of snapshots with the same properties.
type Group struct {
	Key       map[string]string // the properties by their names
	Title     string            // the names and the properties, for people
	Snapshots []*snapshot.Snapshot
}

// Groups divides snapshots into groups, in the order of their first snapshots.
func (g Grouping) Groups(list []*snapshot.Snapshot) []*Group {
	found := make(map[string]*Group)
	var groups []*Group
	for _, s := range list {
		key, title := make(map[string]string), make([]string, 0, len(g))
		for _, name := range g {
			key[name], _ = property(s, name)
			title = append(title, name+" "+key[name])
		}
		text := strings.Join(title, "\x00") // no name has this character
		if found[text] == nil {
			found[text] = &Group{Key: key, Title: strings.Join(title, ", ")}
			groups = append(groups, found[text])
		}
		found[text].Snapshots = append(found[text].Snapshots, s)
	}
	return groups
}
