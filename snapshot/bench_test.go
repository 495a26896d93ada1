package snapshot_test

import (
	"testing"

	"firn/snapshot"
)

func BenchmarkMarshal(b *testing.B) {
	s := example()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Marshal(); err != nil {
			b.Fatal(err)
		}
	}
}

// Listing 10,000 snapshots decodes 10,000 records.
func BenchmarkUnmarshal(b *testing.B) {
	data := marshal(b, example())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := snapshot.Unmarshal(data); err != nil {
			b.Fatal(err)
		}
	}
}
