package cmd

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// placesName is the name of a file in the cache folder: the targets beside which private files were made, each quoted on
// a line of its own. Most are no environment's, so nothing else knows where a run that is killed leaves its copy.
const placesName = "staged"

// maxPlaces is how many of them are remembered.
const maxPlaces = 256

// rememberPlace takes note that a private file will be beside a target. It is about tidiness, and stops nothing.
func (s *session) rememberPlace(target string) {
	if s.cacheDir == "" {
		return
	}
	f, err := os.OpenFile(filepath.Join(s.cacheDir, placesName), os.O_WRONLY|os.O_APPEND|os.O_CREATE, privateMode)
	if err == nil {
		_, err = f.WriteString(strconv.Quote(target) + "\n")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		s.detail("a copy beside %s would not be found after a kill: %v", target, err)
	}
}

// sweepPlaces removes what runs that were killed have left beside the targets that were noted, and forgets the others.
func (s *session) sweepPlaces(ctx context.Context) {
	path := filepath.Join(s.cacheDir, placesName)
	places := readPlaces(path)
	if s.cacheDir == "" || len(places) == 0 {
		return
	}
	var left []string
	err := newWatchdog(ctx, s.silence).call(func() error { // one may be on a file server that is gone
		for _, place := range places {
			s.sweepBeside(place, sweepIdle)
			if names, _ := filepath.Glob(filepath.Join(filepath.Dir(place), ".firn-*")); len(names) > 0 {
				left = append(left, place)
			}
		}
		return nil
	}, nothing)
	if err == nil {
		err = writePlaces(path, left)
	}
	if err != nil {
		s.detail("look for what killed runs have left: %v", err)
	}
}

// readPlaces returns the last targets that were noted, each once.
func readPlaces(path string) (places []string) {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		place, err := strconv.Unquote(lines.Text())
		if err == nil && filepath.IsAbs(place) && !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	return places[max(0, len(places)-maxPlaces):]
}

// writePlaces replaces the list. A line that another run adds at this moment may be lost, which matters only if that run
// is killed.
func writePlaces(path string, places []string) error {
	if len(places) == 0 {
		return removeFile(path)
	}
	text := ""
	for _, place := range places {
		text += strconv.Quote(place) + "\n"
	}
	temporary, err := private(filepath.Dir(path), placesName+"-*", func(f *os.File) error {
		_, err := f.WriteString(text)
		return err
	})
	if err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
