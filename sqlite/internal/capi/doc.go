// Package capi is what the rest of firn knows of the SQLite library: connections and statements, the handles of open
// files, two file systems of our own, and the library's errors in Go's terms.
//
// It goes through the C interface of the translated library (modernc.org/sqlite/lib), because database/sql hides what
// images and restores are made of: the header of a snapshot, the file handle, blobs that are not copied, the backup
// interface. That interface is not memory-safe. All of firn's unsafe code that is about SQLite is in this package, which
// knows nothing of images, so that it can be reviewed as a whole.
//
// Memory whose address is handed to the library is the library's own ([Conn.Alloc]), never Go's: a Go variable may live
// on a stack, and stacks move.
package capi
