package repo_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/repo"
	"firn/snapshot"
	"firn/tags"
)

// A second golden repository: it has what a watch has stored.
const goldenRoundsFolder = "testdata/golden/rounds"

var updateRounds = flag.Bool("update-rounds", false, "make the golden repository of a watch anew")

// goldenRounds are the images of two databases in each round: whole ones, two deltas on them, and two that were forgotten
// together. Of the first round, the second snapshot was forgotten.
var goldenRounds = [][2]func() []byte{
	{func() []byte { return goldenNoise(192) }, func() []byte { return goldenNoise(448)[192:] }},
	{func() []byte { return splice(goldenNoise(192), 0, "snow") }, func() []byte { return splice(goldenNoise(448)[192:], 9, "ice") }},
	{func() []byte { return goldenNoise(600)[448:] }, func() []byte { return nil }},
}

var goldenWatched = [2]string{"example", "tenant"}

// goldenAlive is what the watch says of itself.
func goldenAlive() repo.Alive {
	return repo.Alive{
		Host: "host", Began: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC), Time: time.Date(2026, 1, 2, 3, 14, 0, 0, time.UTC), Every: 10 * time.Second,
		Watched: []repo.AliveSeries{
			{Environment: "example", Database: "app"},
			{Environment: "tenant", Database: "app", Time: time.Date(2026, 1, 2, 3, 10, 0, 0, time.UTC), Problem: "locked"},
		},
	}
}

// TestGoldenRounds reads everything in the repository of a watch. Then a watch and prunes go on with it.
func TestGoldenRounds(t *testing.T) {
	if *updateRounds {
		makeGoldenRounds(t)
	}
	st := goldenStoreIn(t, goldenRoundsFolder)
	checkGolden(t, st)
	compareGoldenRounds(t, openGolden(t, st, goldenKey().Credential()))
	all, err := openGolden(t, st, goldenKey().Credential()).Alives(t.Context())
	if want := goldenAlive(); err != nil || len(all) != 1 || all[0].Host != want.Host || !all[0].Time.Equal(want.Time) || !all[0].Began.Equal(want.Began) ||
		all[0].Every != want.Every || !slices.Equal(all[0].Watched, want.Watched) {
		t.Errorf("signs of life: got %+v, %v, want %+v", all, err, want)
	}
	r := openGolden(t, st, goldenKey().Credential())
	rounds, err := r.NewRounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next := func() []byte { return splice(goldenNoise(192), 100, "frost") }
	result, err := rounds.Take(t.Context(), []repo.RoundMember{goldenMember(0, next)})
	if err != nil || result.Members[0].Err != nil || result.Members[0].Snapshot.Sequence != 4 || result.Size > 4096 {
		t.Fatalf("got %+v, %v, want the fourth snapshot, with a small delta", result, err)
	}
	if _, err := rounds.Confirm(t.Context()); err != nil {
		t.Fatal(err)
	}
	deleted, err := r.Prune(t.Context(), repo.PruneOptions{OrphanAge: -1})
	if err != nil || deleted.Deleted != 1 {
		t.Errorf("prune: got %+v, %v, want the condemned round deleted", deleted, err)
	}
	checkGolden(t, st)
	compareGoldenRounds(t, openGolden(t, st, goldenKey().Credential()))
}

// compareGoldenRounds restores the snapshots that were not forgotten: two of the first environment, one of the other.
func compareGoldenRounds(t *testing.T, r *repo.Repo) {
	t.Helper()
	list, err := r.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(list) // oldest first
	for i, environment := range goldenWatched {
		own := slices.DeleteFunc(slices.Clone(list), func(s *snapshot.Snapshot) bool { return s.Environment != environment })
		want := goldenRounds[i:2] // of the first round, the second snapshot is gone
		if len(own) < len(want) || i == 1 && len(own) > 1 {
			t.Fatalf("%d snapshots of %s, want %d", len(own), environment, len(want))
		}
		for n, images := range want {
			if got, err := copyOf(r, own[n]); err != nil || !bytes.Equal(got, images[i]()) || !own[n].Tags.Has("golden") || own[n].Round.IsZero() {
				t.Errorf("snapshot %d of %s: got %d bytes, %v, want %d; %+v", n, environment, len(got), err, len(images[i]()), own[n])
			}
		}
	}
}

func goldenMember(i int, image func() []byte) repo.RoundMember {
	source := func(context.Context) (repo.SourceImage, error) {
		b := image()
		return &goldenImage{bytes.NewReader(b), int64(len(b))}, nil
	}
	return repo.RoundMember{Source: source, Options: repo.BackupOptions{Environment: goldenWatched[i], Database: "app", Tags: tags.Set{"golden"}}}
}

// makeGoldenRounds writes a new repository in the place of the old one.
func makeGoldenRounds(t *testing.T) {
	t.Helper()
	folder := emptyFolder(t, goldenRoundsFolder)
	defer folder.Close()
	clock := goldenTime
	r := initGolden(t, folder, &clock)
	rounds, err := r.NewRounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var taken [][]*snapshot.Snapshot
	for _, images := range goldenRounds {
		result, err := rounds.Take(t.Context(), []repo.RoundMember{goldenMember(0, images[0]), goldenMember(1, images[1])})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := rounds.Confirm(t.Context()); err != nil {
			t.Fatal(err)
		}
		taken = append(taken, []*snapshot.Snapshot{result.Members[0].Snapshot, result.Members[1].Snapshot})
		clock = clock.Add(10 * time.Second)
	}
	for _, gone := range [][]snapshot.ID{{taken[0][1].ID}, {taken[2][0].ID, taken[2][1].ID}} {
		if err := r.Forget(t.Context(), gone...); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.PutAlive(t.Context(), goldenAlive()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Prune(t.Context(), repo.PruneOptions{OrphanAge: -1}); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(goldenRoundsFolder, ".tmp")); err != nil {
		t.Fatal(err)
	}
}

// describeRounds computes the values of rounds, if the document has come to them.
func (x *example) describeRounds(section string) {
	if strings.Contains(section, "\nround repo ") {
		x.rounds([32]byte(goldenKeyBytes()))
	}
}

// rounds computes the values of the part of the example that is about rounds, from the repository of a watch.
func (x *example) rounds(key [32]byte) {
	watch := &example{t: x.t, st: goldenStoreIn(x.t, goldenRoundsFolder), values: make(map[string]string)}
	watch.keys(watch.secret(key))
	x.putHex("round repo", watch.repo)
	x.put("round K_meta", watch.values["K_meta"])
	names := watch.list("meta/round-") // newest first
	first, second := names[2], names[1]
	object := watch.get(first)
	x.put("round", first)
	x.putHex("round object", object[:48])
	x.putHex("round AAD", watch.aad(6, first, "footer"))
	x.putHex("round trailer", watch.open(watch.meta, object[len(object)-48:], watch.aad(6, first, "trailer")))
	entries, records := watch.roundFooter(first, object)
	x.putHex("round entries", append(u32(len(entries)), entries[:46]...))
	x.putHex("round records", records[:16])
	x.put("round JSON", watch.framed(records))
	aad, payload := watch.payload(object, entries[:46])
	x.putHex("round chunk", aad)
	watch.wantBlob(entries[:46], payload[5:])
	base := entries[1:33]
	entries, _ = watch.roundFooter(second, watch.get(second))
	x.putHex("round delta", entries[:79])
	if !bytes.Equal(entries[47:79], base) {
		x.t.Error("the second round has no delta on the first")
	}
	for _, name := range watch.list("meta/gone-") {
		object, what := watch.get(name), "gone"
		text := string(watch.open(watch.meta, object[16:], watch.aad(7, name, "")))
		if !strings.Contains(text, "places") {
			what = "gone all"
		}
		x.put(what, name)
		x.put(what+" JSON", text)
	}
	alive := watch.list("meta/alive-")[0]
	x.put("alive", alive)
	x.put("alive JSON", string(watch.open(watch.meta, watch.get(alive)[16:], watch.aad(8, alive, ""))))
}

// roundFooter returns the entries and the records in the footer of a round.
func (x *example) roundFooter(name string, object []byte) (entries, records []byte) {
	trailer := x.open(x.meta, object[len(object)-48:], x.aad(6, name, "trailer"))
	start := len(object) - 48 - int(trailer[0]) - int(trailer[1])<<8
	plain := x.open(x.meta, object[start:len(object)-48], x.aad(6, name, "footer"))
	n := int(plain[0]) + int(plain[1])<<8
	return plain[4 : 4+n], plain[4+n:]
}
