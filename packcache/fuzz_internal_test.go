package packcache

import (
	"strings"
	"testing"

	"firn/index"
	"firn/pack"
)

// FuzzCachedPack reads names of files in the cache of packs: a name that passes for a part of a
// pack begins with that pack's, and stands in the folder itself.
func FuzzCachedPack(f *testing.F) {
	id := pack.ID{1, 2}
	for _, name := range []string{
		id.String(), blobFile(index.Location{Pack: id, Entry: pack.Entry{Offset: 77}}), temporaryPrefix + "1", "",
		strings.ToUpper(id.String()), id.String() + "-", "-" + id.String(), id.String()[1:], id.String() + "0",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, file string) {
		id, ok := cachedPack(file)
		if ok && file != id.String() && !strings.HasPrefix(file, id.String()+"-") {
			t.Errorf("%q is taken for a part of pack %s", file, id)
		}
		if back, ok := cachedPack(blobFile(index.Location{Pack: id, Entry: pack.Entry{Offset: uint32(len(file))}})); !ok || back != id {
			t.Errorf("the file of a blob of pack %s is taken for one of %s", id, back)
		}
	})
}
