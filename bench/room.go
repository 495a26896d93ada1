package main

import "fmt"

// checkRoom refuses what would fill the disk after minutes.
func checkRoom(dir string, size int64, contenders []contender) error {
	need := roomFor(size, len(contenders))
	free, ok := freeSpace(dir)
	if !ok || free >= need {
		return nil
	}
	return fmt.Errorf("a database of %s needs about %s in %s, which has %s: name another folder by -dir, or fewer contenders by -only",
		bytesText(size), bytesText(need), dir, bytesText(free))
}

// roomFor is what a comparison needs at most, as measured: the database, a copy
// of it and a restored one, and for each contender a repository, which grows to
// less than the database.
func roomFor(size int64, contenders int) int64 {
	return 3*size + int64(contenders)*size
}
