package sqlite

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"firn/sqlite/internal/capi"
)

// infoOf describes the database as the open transaction sees it.
func infoOf(c *capi.Conn) (Info, error) {
	var v [4]int64
	for i, name := range []string{"page_size", "page_count", "user_version", "application_id"} {
		var err error
		if v[i], err = c.Number("PRAGMA " + name); err != nil {
			return Info{}, err
		}
	}
	mode, err := c.Text("PRAGMA journal_mode")
	if err != nil {
		return Info{}, err
	}
	if mode != capi.WALMode {
		mode = capi.DeleteMode
	}
	return Info{
		PageSize: int(v[0]), PageCount: v[1], Size: v[0] * v[1], JournalMode: mode,
		UserVersion: int32(v[2]), ApplicationID: int32(v[3]), SchemaHash: schemaHash(c),
	}, nil
}

// schemaHash returns 32 hex digits of SHA-256 over the sorted rows of sqlite_schema, each value with its length in
// front. It is empty when they cannot be read.
func schemaHash(c *capi.Conn) string {
	hash := sha256.New()
	err := c.Rows("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2, 3, 4", func(s *capi.Stmt) {
		for column := range int32(4) {
			value := s.Bytes(column)
			length := uint64(len(value)) + 1
			if s.Null(column) {
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
