package sqlite

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"firn/sqlite/internal/capi"
)

// infoOf describes the database as the open transaction sees it.
func infoOf(c *capi.Conn) (Info, error) {
	shape, err := c.Shape()
	if err != nil {
		return Info{}, err
	}
	version, err := c.Number("PRAGMA user_version")
	if err != nil {
		return Info{}, err
	}
	application, err := c.Number("PRAGMA application_id")
	if err != nil {
		return Info{}, err
	}
	return Info{
		PageSize: shape.PageSize, PageCount: shape.PageCount, Size: int64(shape.PageSize) * shape.PageCount, JournalMode: shape.Mode,
		UserVersion: int32(version), ApplicationID: int32(application), SchemaHash: schemaHash(c),
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
