package repo

import (
	"slices"
	"testing"

	"firn/pack"
)

func TestWasteful(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	of := func(parts ...int64) []neededPack { // size, live, in MiB
		var held []neededPack
		for i := 0; i < len(parts); i += 2 {
			held = append(held, neededPack{pack.ID{byte(i / 2)}, parts[i] * mb, parts[i+1] * mb})
		}
		return held
	}
	tests := map[string]struct {
		held []neededPack
		want []byte
	}{
		"Nothing":             {of(), nil},
		"AllNeeded":           {of(16, 16, 16, 16), nil},
		"LittleWaste":         {of(100, 96, 100, 95), nil},
		"WorstFirst":          {of(100, 95, 10, 2, 10, 3, 100, 97), []byte{1, 2}},
		"UntilLittleIsWasted": {of(100, 90, 100, 80, 100, 70), []byte{2, 1}},
		"NoMoreThanNeeded":    {of(100, 94, 100, 94), []byte{0}},
		"NotForALittle":       {[]neededPack{{pack.ID{1}, 16 * mb, 15*mb + 100<<10}}, nil},
		"ForATenthOfALittle":  {[]neededPack{{pack.ID{1}, 4096, 3000}}, []byte{1}},
		"NotForLess":          {[]neededPack{{pack.ID{1}, 4096, 3800}}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []byte
			for _, id := range wasteful(tt.held) {
				got = append(got, id[0])
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
