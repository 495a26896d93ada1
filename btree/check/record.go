package check

import (
	"fmt"

	"firn/btree"
)

// record is a parsed record (section 2.1). The bytes of values that are beyond the loaded part of the payload are missing.
type record struct {
	fields []field
	ends   []int64 // where the values end in the payload
	exact  bool    // the header has as many values as were asked for, or less
}

// parse reads up to n values of a record of which a beginning is loaded, with the whole header.
func (r *record) parse(payload []byte, size int64, n int) error {
	r.fields, r.ends = r.fields[:0], r.ends[:0]
	length, at := btree.Varint(payload)
	if at == 0 || int64(length) > size || int64(length) > int64(len(payload)) || int(length) < at {
		return fmt.Errorf("a record header of %d bytes, of %d", length, size)
	}
	header, end := payload[:length], int64(length)
	for at < len(header) && len(r.fields) < n {
		serial, m := btree.Varint(header[at:])
		long := btree.SerialSize(serial)
		if m == 0 || long > uint64(size-end) {
			return fmt.Errorf("a value of type %d in a record of %d bytes", serial, size)
		}
		f := field{serial: serial}
		if start := end; start+int64(long) <= int64(len(payload)) {
			f.body = payload[start : start+int64(long)]
		}
		end, at = end+int64(long), at+m
		r.fields, r.ends = append(r.fields, f), append(r.ends, end)
	}
	if r.exact = at == len(header); r.exact && end != size {
		return fmt.Errorf("a record of %d bytes has values for %d", size, end)
	}
	return nil
}

// headerSize returns how long the header is that a payload begins with.
func headerSize(payload []byte, size int64) int64 {
	length, n := btree.Varint(payload)
	if n == 0 || length > uint64(size) {
		return min(size, int64(len(payload)))
	}
	return int64(length)
}
