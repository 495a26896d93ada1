package follow

import (
	"bytes"
	"encoding/binary"
	"testing"

	"firn/sqlite/internal/capi"
)

func FuzzWALHeader(f *testing.F) {
	header := make([]byte, capi.SnapshotLen)
	header[12] = 1
	f.Add(header)
	binary.NativeEndian.PutUint16(header[14:], 4096)
	f.Add(bytes.Clone(header))
	binary.NativeEndian.PutUint16(header[14:], 1)
	f.Add(header)
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := ParseHeader(b)
		if err != nil {
			return
		}
		if w.PageSize == 0 && w.Frames > 0 || w.PageSize > 0 && !capi.ValidPageSize(w.PageSize) {
			t.Errorf("page size: got %d", w.PageSize)
		}
	})
}
