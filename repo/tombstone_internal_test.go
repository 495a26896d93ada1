package repo

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"firn/crypt"
	"firn/pack"
	"firn/snapshot"
)

const fuzzTombstone = tombstonePrefix + "0123456789abcdef0123456789abcdef"

// TestPortions cuts what is to be forgotten into tombstones that stay below the size that readers take.
func TestPortions(t *testing.T) {
	t.Parallel()
	if got := portions(nil); got != nil {
		t.Errorf("nothing: %d tombstones", len(got))
	}
	whole := slices.Repeat([]deceased{{Round: pack.NewRoundID(time.Now())}}, 2*maxBuried+1)
	places := make([]int, maxBuried/2-1)
	for i := range places {
		places[i] = 1<<20 + i // of many digits
	}
	half := deceased{Round: pack.NewRoundID(time.Now()), Places: places}
	for name, test := range map[string]struct {
		rounds []deceased
		want   []int
	}{
		"One":    {whole[:1], []int{1}},
		"Full":   {whole[:maxBuried], []int{maxBuried}},
		"More":   {whole, []int{maxBuried, maxBuried, 1}},
		"Places": {[]deceased{half, half, half}, []int{2, 1}},
	} {
		var got []int
		for _, part := range portions(test.rounds) {
			got = append(got, len(part))
			plain, err := json.Marshal(tombstone{Version: formatVersion, Host: "host", Rounds: part})
			if err != nil || len(plain) > maxSealed-crypt.HeaderLen-crypt.Overhead {
				t.Errorf("%s: a tombstone of %d bytes, %v", name, len(plain), err)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: tombstones of %v rounds, want %v", name, got, test.want)
		}
	}
}

// TestGraves joins what tombstones say in any order.
func TestGraves(t *testing.T) {
	t.Parallel()
	id, other := pack.NewRoundID(time.Now()), pack.NewRoundID(time.Now())
	list := []*snapshot.Snapshot{{ID: snapshot.ID{1}}, {ID: snapshot.ID{2}}, {ID: snapshot.ID{3}}}
	first, last := &tombstone{Rounds: []deceased{{id, []int{0}}}}, &tombstone{Rounds: []deceased{{id, []int{2, 7}}}}
	all := &tombstone{Rounds: []deceased{{id, nil}}}
	for name, test := range map[string]struct {
		say  []*tombstone
		want int
	}{
		"None": {nil, 3}, "First": {[]*tombstone{first}, 2}, "Both": {[]*tombstone{last, first}, 1}, "Twice": {[]*tombstone{first, first}, 2},
		"All": {[]*tombstone{all}, 0}, "FirstAll": {[]*tombstone{first, all}, 0}, "AllFirst": {[]*tombstone{all, first}, 0},
	} {
		dead := make(graves)
		for _, s := range test.say {
			dead.add(s)
		}
		living := dead.living(id.Name(), list)
		if len(living) != test.want || len(dead.living(other.Name(), list)) != 3 {
			t.Errorf("%s: %d live, want %d", name, len(living), test.want)
		}
		for _, s := range living {
			if slices.Contains(list, s) {
				t.Errorf("%s: the list has the snapshot itself, no copy", name)
			}
		}
	}
}

// FuzzOpenTombstone opens tombstones that hold any bytes.
func FuzzOpenTombstone(f *testing.F) {
	f.Add([]byte(`{"v":1,"host":"h","rounds":[{"round":"rfff9b8a109a87a1a6e5b4057ee88ea54","places":[0,3]}]}`))
	f.Add([]byte(`{"v":1,"rounds":[{"round":"rfff9b8a109a87a1a6e5b4057ee88ea54"}]}`))
	f.Add([]byte(`{"v":1,"rounds":[{"round":"000102030405060708090a0b0c0d0e0f","places":[]}]}`))
	f.Add([]byte(`{"v":2,"rounds":7}`))
	f.Add([]byte(`null`))
	r := &Repo{keys: fuzzKeys}
	f.Fuzz(func(t *testing.T, plain []byte) {
		tomb, err := r.openTombstone(nil, fuzzTombstone, fuzzKeys.SealObject(crypt.ObjectTombstone, fuzzTombstone, plain))
		if err != nil {
			return
		}
		dead := make(graves)
		dead.add(tomb)
		for _, d := range tomb.Rounds {
			if !d.Round.IsRound() || len(d.Places) == 0 && !dead.whole(d.Round.Name()) {
				t.Errorf("took %+v", d)
			}
		}
		b, err := json.Marshal(tomb)
		if err != nil {
			t.Fatal(err)
		}
		again, err := r.openTombstone(nil, fuzzTombstone, fuzzKeys.SealObject(crypt.ObjectTombstone, fuzzTombstone, b))
		if err != nil || len(again.Rounds) != len(tomb.Rounds) {
			t.Errorf("got %+v, %v after another round, want %+v", again, err, tomb)
		}
	})
}

// FuzzOpenAlive opens signs of life that hold any bytes.
func FuzzOpenAlive(f *testing.F) {
	f.Add([]byte(`{"v":1,"host":"h","began":"2026-01-02T03:00:00Z","time":"2026-01-02T03:14:00Z","every":10000000000,"watched":[{"environment":"e","database":"d"}]}`))
	f.Add([]byte(`{"v":2,"watched":7}`))
	f.Add([]byte(`null`))
	const name = alivePrefix + "0123456789abcdef0123456789abcdef"
	r := &Repo{keys: fuzzKeys}
	f.Fuzz(func(t *testing.T, plain []byte) {
		a, err := r.openAlive(nil, name, fuzzKeys.SealObject(crypt.ObjectAlive, name, plain))
		if err == nil && a.name != name {
			t.Errorf("got the name %q", a.name)
		}
	})
}

// TestTombstoneRefuses opens tombstones that make no sense.
func TestTombstoneRefuses(t *testing.T) {
	t.Parallel()
	r := &Repo{keys: fuzzKeys}
	round := `"round":"rfff9b8a109a87a1a6e5b4057ee88ea54"`
	for text, ok := range map[string]bool{
		`{"v":1,"rounds":[{` + round + `}]}`:                               true,
		`{"v":1,"rounds":[{` + round + `,"places":null}]}`:                 true,
		`{"v":1,"rounds":[{` + round + `,"places":[0]}]}`:                  true,
		`{"v":1,"rounds":[{` + round + `,"places":[]}]}`:                   false,
		`{"v":1,"rounds":[{` + round + `,"places":[-1]}]}`:                 false,
		`{"v":1,"rounds":[{"round":"fff9b8a109a87a1a6e5b4057ee88ea54"}]}`:  false,
		`{"v":1,"rounds":[{"round":"rFFf9b8a109a87a1a6e5b4057ee88ea54"}]}`: false,
		`{"v":1,"rounds":[{}]}`:                                            false,
		`{"rounds":[]}`:                                                    false,
	} {
		_, err := r.openTombstone(nil, fuzzTombstone, fuzzKeys.SealObject(crypt.ObjectTombstone, fuzzTombstone, []byte(text)))
		if (err == nil) != ok || err != nil && !isDamage(err) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}
