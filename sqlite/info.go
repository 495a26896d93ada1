package sqlite

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// info describes the database as the open transaction sees it.
func (c *conn) info() (Info, error) {
	var v [4]int64
	for i, name := range []string{"page_size", "page_count", "user_version", "application_id"} {
		var err error
		if v[i], err = c.number("PRAGMA " + name); err != nil {
			return Info{}, err
		}
	}
	mode, err := c.text("PRAGMA journal_mode")
	if err != nil {
		return Info{}, err
	}
	if mode != walMode {
		mode = deleteMode
	}
	return Info{
		PageSize: int(v[0]), PageCount: v[1], Size: v[0] * v[1], JournalMode: mode,
		UserVersion: int32(v[2]), ApplicationID: int32(v[3]), SchemaHash: c.schemaHash(),
	}, nil
}

// schemaHash returns 32 hex digits of SHA-256 over the sorted rows of sqlite_schema, each value with its length in
// front; empty when they cannot be read.
func (c *conn) schemaHash() string {
	hash := sha256.New()
	err := c.rows("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2, 3, 4", func(s *stmt) {
		for column := range int32(4) {
			value := s.bytes(column)
			length := uint64(len(value)) + 1
			if s.null(column) {
				length = 0
			}
			hash.Write(binary.BigEndian.AppendUint64(nil, length))
			hash.Write(value)
		}
	})
	if err != nil {
		return ""
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}
