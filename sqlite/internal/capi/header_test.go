package capi_test

import (
	"testing"

	"firn/sqlite/internal/capi"
)

func FuzzHeader(f *testing.F) {
	f.Add([]byte(capi.HeaderMagic))
	f.Add(append([]byte(capi.HeaderMagic), make([]byte, capi.HeaderLen)...))
	f.Add(append([]byte(capi.HeaderMagic+"\x00\x01\x02\x02"), make([]byte, capi.HeaderLen)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := capi.ParseHeader(b)
		if err == nil && !capi.ValidPageSize(h.PageSize) {
			t.Errorf("page size: got %d", h.PageSize)
		}
	})
}
