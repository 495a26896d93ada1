package main

import "fmt"

// checkRoom refuses a comparison that would fill the disk after minutes.
func checkRoom(dir string, size int64, contenders []contender) error {
	need := roomFor(size, len(contenders))
	free, ok := freeSpace(dir)
	if !ok || free >= need {
		return nil
	}
	return fmt.Errorf("a database of %s needs about %s in %s, which has %s: name another folder by -dir, or fewer contenders by -only",
		bytesText(size), bytesText(need), dir, bytesText(free))
}

// roomFor returns the bytes that a comparison needs at most, as measured: for the database,
// a copy and a restored file, and for each contender's repository, which stays smaller than
// the database.
func roomFor(size int64, contenders int) int64 {
	return 3*size + int64(contenders)*size
}
