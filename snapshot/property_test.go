package snapshot_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"firn/chunk"
	"firn/snapshot"
	"firn/tags"

	"pgregory.net/rapid"
)

// texts draws valid UTF-8, because JSON cannot hold anything else.
func texts() *rapid.Generator[string] {
	return rapid.OneOf(rapid.Just(""), rapid.String(), rapid.SampledFrom([]string{"<&>\u2028", `"\`, "\x00\x7f"}))
}

func times() *rapid.Generator[time.Time] {
	return rapid.Map(rapid.Int64Range(-62_000_000_000_000_000, 253_000_000_000_000_000), func(us int64) time.Time {
		return time.UnixMicro(us).UTC()
	})
}

func ids() *rapid.Generator[snapshot.ID] {
	return rapid.Custom(func(t *rapid.T) (id snapshot.ID) {
		copy(id[:], rapid.SliceOfN(rapid.Byte(), 1, snapshot.IDLen).Draw(t, "id"))
		return id
	})
}

func images() *rapid.Generator[snapshot.Image] {
	return rapid.Custom(func(t *rapid.T) snapshot.Image {
		img := snapshot.Image{
			Root:   chunk.ID{1, rapid.Byte().Draw(t, "root")},
			Levels: rapid.IntMin(0).Draw(t, "levels"), Size: rapid.Int64Min(0).Draw(t, "size"),
			PageSize: rapid.IntMin(0).Draw(t, "page size"), PageCount: rapid.Int64Min(0).Draw(t, "pages"),
			JournalMode: texts().Draw(t, "mode"), UserVersion: rapid.Int32().Draw(t, "user version"),
			ApplicationID: rapid.Int32().Draw(t, "application"), SchemaHash: texts().Draw(t, "schema"),
			Export: texts().Draw(t, "export"),
		}
		if rapid.Bool().Draw(t, "read") {
			img.ReadAt = times().Draw(t, "read at")
			img.Fingerprint, _ = json.Marshal(map[string]string{texts().Draw(t, "key"): texts().Draw(t, "value")})
		}
		if rapid.Bool().Draw(t, "counted") {
			img.SetRows(rapid.SliceOfN(rapid.Custom(tableRows), 0, 5).Draw(t, "tables"))
		}
		return img
	})
}

func tableRows(t *rapid.T) snapshot.TableRows {
	return snapshot.TableRows{Name: texts().Draw(t, "table"), Rows: int64(rapid.Int32Min(0).Draw(t, "rows"))}
}

func snapshots() *rapid.Generator[*snapshot.Snapshot] {
	return rapid.Custom(func(t *rapid.T) *snapshot.Snapshot {
		s := &snapshot.Snapshot{
			ID: ids().Filter(func(id snapshot.ID) bool { return !id.IsZero() }).Draw(t, "id"), Environment: texts().Draw(t, "environment"),
			Database: texts().Draw(t, "database"), Host: texts().Draw(t, "host"), Time: times().Draw(t, "time"),
			Duration: rapid.Float64Range(0, 1e300).Draw(t, "duration"), Tool: texts().Draw(t, "tool"),
			Images: []snapshot.Image{images().Draw(t, "image")}, Parent: ids().Draw(t, "parent"), Previous: ids().Draw(t, "previous"),
			Sequence: rapid.Uint64().Draw(t, "sequence"), Added: rapid.Int64Min(0).Draw(t, "added"),
			Chunks: rapid.IntMin(0).Draw(t, "chunks"), ChunksNew: rapid.IntMin(0).Draw(t, "new"),
			Packs: rapid.SliceOf(texts()).Draw(t, "packs"), Token: texts().Draw(t, "token"),
			Forgot: rapid.SliceOf(ids()).Draw(t, "forgot"), Unchanged: rapid.Bool().Draw(t, "unchanged"), Pinned: rapid.Bool().Draw(t, "pinned"),
			Suspect: rapid.SliceOf(texts()).Draw(t, "suspect"), CopiedBy: texts().Draw(t, "copier"),
		}
		if rapid.Bool().Draw(t, "proven") {
			s.Proof = verifications().Draw(t, "proof")
			s.Verified = s.Proof
		}
		s.Tags, _ = tags.New(rapid.SliceOf(rapid.StringMatching(`[a-z_]{1,9}`)).Draw(t, "tags")...)
		return s
	})
}

func verifications() *rapid.Generator[*snapshot.Verification] {
	return rapid.Custom(func(t *rapid.T) *snapshot.Verification {
		v := &snapshot.Verification{
			Time: times().Draw(t, "verified"), How: texts().Draw(t, "how"), Problem: texts().Draw(t, "problem"),
			Unchecked: rapid.SliceOf(texts()).Draw(t, "unchecked"), Since: ids().Draw(t, "since"),
		}
		if rapid.Bool().Draw(t, "by difference") {
			v.Whole = times().Draw(t, "whole")
		}
		return v
	})
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := snapshots().Draw(t, "snapshot")
		b, err := want.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := snapshot.Unmarshal(b)
		if err != nil || !reflect.DeepEqual(withoutEmpty(got), withoutEmpty(want)) {
			t.Fatalf("got %+v, %v\nwant %+v", got, err, want)
		}
		again, err := got.Marshal()
		if err != nil || !slices.Equal(again, b) {
			t.Fatalf("encodes differently (%v)", err)
		}
	})
}
