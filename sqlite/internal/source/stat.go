package source

// Stat is what [os.FileInfo] does not say about a file. Its fields are zero on platforms that do not tell, and no file
// counts as unchanged there.
type Stat struct {
	Device, Inode uint64
	ChangeTime    int64  // nanoseconds since 1970
	Links         uint64 // how many names the file has
}
