package retention_test

import (
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"firn/retention"

	"pgregory.net/rapid"
)

func counts() *rapid.Generator[retention.Count] {
	return rapid.OneOf(rapid.Just(retention.Count(0)), rapid.Map(rapid.IntRange(0, 8), func(n int) retention.Count {
		return retention.Count(n)
	}), rapid.Just(retention.All))
}

// policies draws policies. Some keep nothing, because Apply must accept those
// too.
func policies(t testing.TB) *rapid.Generator[retention.Policy] {
	zones := []*time.Location{nil, zone(t, "Europe/Amsterdam"), zone(t, "America/St_Johns"), zone(t, "Australia/Lord_Howe")}
	return rapid.Custom(func(t *rapid.T) retention.Policy {
		n := counts()
		return retention.Policy{
			Last: n.Draw(t, "last"), Minutely: n.Draw(t, "minutely"), Hourly: n.Draw(t, "hourly"), Daily: n.Draw(t, "daily"),
			Weekly: n.Draw(t, "weekly"), Monthly: n.Draw(t, "monthly"), Yearly: n.Draw(t, "yearly"),
			Within:     time.Duration(rapid.IntRange(0, 72).Draw(t, "within hours")) * time.Hour,
			PreRestore: time.Duration(rapid.IntRange(0, 72).Draw(t, "pre-restore hours")) * time.Hour,
			Location:   rapid.SampledFrom(zones).Draw(t, "zone"),
		}
	})
}

// histories draws up to 60 items, oldest first, minutes to months apart.
func histories() *rapid.Generator[[]retention.Item] {
	steps := []time.Duration{0, 7 * time.Second, time.Minute, 12 * time.Minute, 7 * time.Hour, 26 * time.Hour, 200 * time.Hour, 1100 * time.Hour}
	return rapid.Custom(func(t *rapid.T) []retention.Item {
		at := time.Date(2006, 10, 1, 0, 0, 0, 0, time.UTC)
		list := make([]retention.Item, rapid.IntRange(0, 60).Draw(t, "n"))
		for i := range list {
			at = at.Add(rapid.SampledFrom(steps).Draw(t, "step"))
			kind := rapid.IntRange(0, 15).Draw(t, "kind")
			list[i] = retention.Item{
				ID: strconv.Itoa(rapid.IntRange(100, 999).Draw(t, "random")) + "-" + strconv.Itoa(i), Time: at,
				Pinned: kind == 1, Verified: kind == 2 || kind == 3, PreRestore: kind == 3 || kind == 4, Unread: kind == 5,
				Suspect: kind >= 6 && kind <= 9, Unsound: kind == 9 || kind == 10,
			}
			list[i].BySQLite = list[i].Verified && rapid.Bool().Draw(t, "by SQLite")
		}
		return list
	})
}

// kept returns the items that stay, newest first.
func kept(p retention.Policy, list []retention.Item, now time.Time) []retention.Item {
	var keep []retention.Item
	for _, d := range p.Apply(list, now) {
		if d.Keep {
			keep = append(keep, d.Item)
		}
	}
	return keep
}

// end returns a time after the last item.
func end(list []retention.Item) time.Time {
	if len(list) == 0 {
		return utcNow
	}
	return list[len(list)-1].Time.Add(time.Minute)
}

func TestNewestPinnedAndVerifiedStay(t *testing.T) {
	t.Parallel()
	gen := policies(t)
	rapid.Check(t, func(t *rapid.T) {
		list := histories().Draw(t, "history")
		decisions := gen.Draw(t, "policy").Apply(list, utcNow)
		if len(decisions) != len(list) {
			t.Fatalf("got %d decisions for %d items", len(decisions), len(list))
		}
		verified, bySQLite, unsound, good, backup := false, false, false, false, false // seen
		for i, d := range decisions {
			must := i == 0 || d.Pinned || d.Unread || !d.PreRestore && (!backup || (d.Verified || d.Unsound && !unsound) && !verified || d.BySQLite && !bySQLite || !d.Suspect && !good)
			if must && !d.Keep {
				t.Fatalf("%s goes: %+v", d.ID, decisions)
			}
			good = good || !d.Suspect && !d.PreRestore
			backup = backup || !d.PreRestore
			verified = verified || d.Verified && !d.PreRestore
			bySQLite = bySQLite || d.BySQLite && !d.PreRestore
			unsound = unsound || d.Unsound && !d.PreRestore
		}
	})
}

func TestApplyIsIdempotent(t *testing.T) {
	t.Parallel()
	gen := policies(t)
	rapid.Check(t, func(t *rapid.T) {
		p, list := gen.Draw(t, "policy"), histories().Draw(t, "history")
		now := end(list)
		want := p.Apply(list, now)
		want = slices.DeleteFunc(want, func(d retention.Decision) bool { return !d.Keep })
		if got := p.Apply(kept(p, list, now), now); !slices.EqualFunc(got, want, sameDecision) {
			t.Fatalf("got\n%swant\n%s", render(got), render(want))
		}
	})
}

func TestOrderOfInputDoesNotMatter(t *testing.T) {
	t.Parallel()
	gen := policies(t)
	rapid.Check(t, func(t *rapid.T) {
		p, list := gen.Draw(t, "policy"), histories().Draw(t, "history")
		shuffled := rapid.Permutation(list).Draw(t, "shuffled")
		if got, want := p.Apply(shuffled, end(list)), p.Apply(list, end(list)); !slices.EqualFunc(got, want, sameDecision) {
			t.Fatalf("got\n%swant\n%s", render(got), render(want))
		}
	})
}

func sameDecision(a, b retention.Decision) bool { return reflect.DeepEqual(a, b) }

func TestKeepingMoreNeverRemoves(t *testing.T) {
	t.Parallel()
	gen := policies(t)
	more := func(t *rapid.T, c *retention.Count) {
		if extra := counts().Draw(t, "more"); *c == retention.All || extra == retention.All {
			*c = retention.All
		} else {
			*c += extra
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		p, list := gen.Draw(t, "policy"), histories().Draw(t, "history")
		p.PreRestore += time.Hour // because 0 means the default, which is longer
		q := p
		for _, c := range []*retention.Count{&q.Last, &q.Minutely, &q.Hourly, &q.Daily, &q.Weekly, &q.Monthly, &q.Yearly} {
			more(t, c)
		}
		q.Within += time.Duration(rapid.IntRange(0, 99).Draw(t, "more hours")) * time.Hour
		q.PreRestore += time.Duration(rapid.IntRange(0, 99).Draw(t, "more hours")) * time.Hour
		now := end(list)
		wide := kept(q, list, now)
		for _, item := range kept(p, list, now) {
			if !slices.Contains(wide, item) {
				t.Fatalf("%v keeps %s, %v does not", p, item.ID, q)
			}
		}
	})
}

// TestThinningOftenLosesNothing checks that thinning after every snapshot
// leaves the same items as thinning once at the end.
func TestThinningOftenLosesNothing(t *testing.T) {
	t.Parallel()
	gen := policies(t)
	rapid.Check(t, func(t *rapid.T) {
		p, list := gen.Draw(t, "policy"), histories().Draw(t, "history")
		var often []retention.Item
		for _, item := range list {
			often = kept(p, append(often, item), item.Time)
		}
		if len(list) == 0 {
			return
		}
		now := list[len(list)-1].Time
		if got, want := often, kept(p, list, now); !slices.Equal(got, want) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
	})
}

func TestPreRestoreItemsDoNotCount(t *testing.T) {
	t.Parallel()
	gen := policies(t)
	rapid.Check(t, func(t *rapid.T) {
		p, list := gen.Draw(t, "policy"), histories().Draw(t, "history")
		isPreRestore := func(item retention.Item) bool { return item.PreRestore }
		want := kept(p, slices.DeleteFunc(slices.Clone(list), isPreRestore), end(list))
		if got := slices.DeleteFunc(kept(p, list, end(list)), isPreRestore); !slices.Equal(got, want) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
	})
}

// TestClockBehindKeepsMore checks that a clock that is behind removes no item
// that the true time would keep.
func TestClockBehindKeepsMore(t *testing.T) {
	t.Parallel()
	gen := policies(t)
	rapid.Check(t, func(t *rapid.T) {
		p, list := gen.Draw(t, "policy"), histories().Draw(t, "history")
		if len(list) == 0 {
			return
		}
		behind := rapid.SampledFrom(list).Draw(t, "now").Time
		stays := kept(p, list, behind)
		for _, item := range kept(p, list, end(list)) {
			if !slices.Contains(stays, item) {
				t.Fatalf("%s goes at %v", item.ID, behind)
			}
		}
	})
}
