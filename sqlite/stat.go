package sqlite

// stat is what [os.FileInfo] does not say about a file. Platforms that do not tell leave it zero, and no file counts
// as unchanged there.
type stat struct {
	device, inode uint64
	changeTime    int64  // nanoseconds since 1970
	links         uint64 // how many names it has
}
