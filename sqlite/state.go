package sqlite

import (
	"encoding/json"
	"errors"
	"os"

	"firn/btree"
)

// The file of [Options.StatePath] is that of a [btree.RowCounter], and its label the fingerprint of the image, as JSON.
// It is written without fsync: if it is lost, the next image reads all pages.

// errState stands for a file that cannot be used. It is never shown.
var errState = errors.New("no row counter of that image")

// saveCounter replaces the file at path by the counter of the image that print is of.
func saveCounter(path string, c *btree.RowCounter, print Fingerprint) error {
	if !c.Usable() {
		return errState
	}
	temp := path + ".tmp" // always this name, so that the file of a killed process is written over
	err := writeCounter(temp, c, print)
	if err == nil {
		err = os.Rename(temp, path) // a reader sees the old file or the new one
	}
	if err != nil {
		_ = os.Remove(temp)
	}
	return err
}

func writeCounter(path string, c *btree.RowCounter, print Fingerprint) error {
	label, err := json.Marshal(print)
	if err != nil {
		panic("sqlite: internal error: " + err.Error())
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(c.Encode(f, label), f.Close())
}

// loadCounter returns the counter of the image that print is of.
func loadCounter(path string, print Fingerprint, pageSize int) (*btree.RowCounter, error) {
	if path == "" {
		return nil, errState
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	label, c, err := btree.DecodeRowCounter(f, info.Size())
	if err != nil {
		return nil, err
	}
	var of Fingerprint
	if err := json.Unmarshal(label, &of); err != nil {
		return nil, err
	}
	// The record of an image that was found unchanged may have a later fingerprint.
	if c.PageSize() != pageSize || !print.same(of) {
		return nil, errState
	}
	return c, nil
}
