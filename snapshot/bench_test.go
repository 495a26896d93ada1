package snapshot_test

import (
	"fmt"
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

// BenchmarkUnmarshal decodes records, as a listing does: 10,000 snapshots are
// 10,000 records.
func BenchmarkUnmarshal(b *testing.B) {
	for _, tables := range []int{0, 30, 256} {
		b.Run(fmt.Sprintf("tables=%d", tables), func(b *testing.B) {
			s := example()
			s.Image().SetRows(make([]snapshot.TableRows, tables))
			for i := range tables {
				s.Image().Tables[i] = snapshot.TableRows{Name: fmt.Sprintf("blog_posts_%d", i*i), Rows: int64(i * i * i)}
			}
			data := marshal(b, s)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := snapshot.Unmarshal(data); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(data)), "bytes")
		})
	}
}
