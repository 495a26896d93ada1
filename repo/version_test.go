package repo_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"firn/crypt"
	"firn/repo"
	"firn/snapshot"
	"firn/store"
	"firn/store/mem"
	"firn/store/storetest"
)

// keysOf returns the keys of a repository that testKey opens.
func keysOf(t testing.TB, st store.Store) *crypt.Keys {
	t.Helper()
	id := open(t, st).ID()
	for _, o := range objectsOf(t, st, "meta/key-") {
		slot, err := crypt.ParseSlot(read(t, st, o.Name))
		if err != nil {
			t.Fatal(err)
		}
		if secret, err := slot.Open(id, testKey); err == nil {
			return crypt.Derive(secret, id)
		}
	}
	t.Fatal("no key slot opens")
	return nil
}

// firstName returns the first object's name that starts with prefix.
func firstName(t testing.TB, st store.Store, prefix string) string {
	t.Helper()
	return objectsOf(t, st, prefix)[0].Name
}

// headerOfVersion2 makes an object one of a later format.
func headerOfVersion2(t testing.TB, st store.Store, prefix string) {
	t.Helper()
	name := firstName(t, st, prefix)
	b := read(t, st, name)
	b[5] = 2
	replace(t, st, name, b)
}

// frame packs a document as a snapshot record is.
func frame(t testing.TB, document string) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithSingleSegment(true))
	if err != nil {
		t.Fatal(err)
	}
	b := w.EncodeAll([]byte(document), make([]byte, 4))
	binary.LittleEndian.PutUint32(b, uint32(len(b)-4))
	return append(b, make([]byte, -len(b)&1023)...)
}

// TestLaterVersion opens repositories in which a later version of firn wrote. That is no damage, and nothing is changed. A
// header alone is damage if the object below it opens as one of this version: that can be repaired.
func TestLaterVersion(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		alter   func(t testing.TB, st *mem.Store)
		refuses string // what does not go on
	}{
		"Config": {func(t testing.TB, st *mem.Store) {
			b := read(t, st, "meta/config")
			replace(t, st, "meta/config", bytes.Replace(b, []byte(`"version":1`), []byte(`"chunk":7,"version":2`), 1))
		}, "open snapshots backup prune repair"},
		"PlanHeader":    {func(t testing.TB, st *mem.Store) { headerOfVersion2(t, st, "meta/gc-") }, "backup prune"},
		"RecordHeader":  {func(t testing.TB, st *mem.Store) { headerOfVersion2(t, st, snapshot.Prefix) }, "snapshots prune"},
		"PartialHeader": {func(t testing.TB, st *mem.Store) { headerOfVersion2(t, st, "meta/part-") }, "prune repair"},
		"NoteHeader":    {func(t testing.TB, st *mem.Store) { headerOfVersion2(t, st, snapshot.NotePrefix) }, "snapshots"},
		"Plan": {func(t testing.TB, st *mem.Store) {
			name := planName(keysOf(t, st), "00000000ffff-0123456789abcdef")
			b := keysOf(t, st).SealObject(crypt.ObjectPlan, name, []byte(`{"v":2,"sequence":65535,"condemned":{}}`))
			replace(t, st, name, b)
		}, "backup prune repair"},
		"Record": {func(t testing.TB, st *mem.Store) {
			name := snapshot.Prefix + "0123456789abcdef-" + strings.Repeat("0a", 16)
			replace(t, st, name, keysOf(t, st).SealObject(crypt.ObjectSnapshot, name, frame(t, `{"v":2,"images":7}`)))
		}, "snapshots prune repair"},
		"Partial": {func(t testing.TB, st *mem.Store) {
			name := "meta/part-0123456789abcdef-" + strings.Repeat("0a", 16)
			replace(t, st, name, keysOf(t, st).SealObject(crypt.ObjectPartial, name, []byte(`{"v":2,"packs":7}`)))
		}, "prune repair"},
		"Note": {func(t testing.TB, st *mem.Store) {
			name := snapshot.NewNoteName(snapshot.ID{7})
			replace(t, st, name, keysOf(t, st).SealObject(crypt.ObjectNote, name, frame(t, `{"v":2,"verified":7}`)))
		}, "snapshots repair"},
	}
	prepared := everyKind(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := prepared.clone(t)
			tt.alter(t, w.st)
			for _, op := range []string{"open", "snapshots", "backup", "prune", "repair"} {
				faulty := storetest.NewFaulty(w.clone(t).st, storetest.Fault{})
				err := attempt(op, faulty)
				switch refuses := strings.Contains(tt.refuses, op); {
				case refuses && !errors.Is(err, repo.ErrVersion):
					t.Errorf("%s: got %v, want ErrVersion", op, err)
				case !refuses && err != nil:
					t.Errorf("%s: got %v, want it to go on", op, err)
				case refuses && len(changesOf(faulty)) > 0:
					t.Errorf("%s: did %q, want no change", op, changesOf(faulty))
				}
			}
		})
	}
}

func attempt(op string, st store.Store) error {
	ctx := context.Background()
	r, err := repo.Open(ctx, options(st))
	if err != nil {
		return err
	}
	switch op {
	case "snapshots":
		_, err = r.Snapshots(ctx)
	case "backup":
		_, err = r.Backup(ctx, sourceOf(next), repo.BackupOptions{Environment: "production", Database: "app"})
	case "prune":
		_, err = r.Prune(ctx, repo.PruneOptions{OrphanAge: -1})
	case "repair":
		var d *repo.Diagnosis
		if d, err = r.Diagnose(ctx, nil); err == nil {
			_, err = r.Repair(ctx, d, repo.RepairOptions{})
		}
	}
	return err
}

// planName returns the name of a plan with these digits.
func planName(keys *crypt.Keys, digits string) string {
	tag := keys.NameTag("meta/gc-" + digits)
	return fmt.Sprintf("meta/gc-%s%x", digits, tag)
}
