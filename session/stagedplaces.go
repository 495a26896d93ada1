package session

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"firn/site"
)

// placesName is the name of a file in the cache folder: the targets beside which private files were made, each quoted on
// a line of its own. Most are no environment's, so nothing else knows where a run that is killed leaves its copy.
const placesName = "staged"

// maxPlaces is the number of targets that are remembered.
const maxPlaces = 256

// RememberPlace takes note that a private file will be beside a target. An error stops nothing: the note only helps to tidy
// up.
func (s *Session) RememberPlace(target string) {
	if s.CacheDir == "" {
		return
	}
	f, err := os.OpenFile(filepath.Join(s.CacheDir, placesName), os.O_WRONLY|os.O_APPEND|os.O_CREATE, site.PrivateMode)
	if err == nil {
		_, err = f.WriteString(strconv.Quote(target) + "\n")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		s.Detail("a copy beside %s would not be found after a kill: %v", target, err)
	}
}

// SweepPlaces removes private files that killed runs have left beside the noted targets, and forgets the targets with none.
func (s *Session) SweepPlaces(ctx context.Context) {
	path := filepath.Join(s.CacheDir, placesName)
	places := readPlaces(path)
	if s.CacheDir == "" || len(places) == 0 {
		return
	}
	var left []string
	err := site.NewWatchdog(ctx, s.Silence).Call(func() error { // one may be on a file server that is gone
		for _, place := range places {
			s.SweepBeside(place, SweepIdle)
			if names, _ := filepath.Glob(filepath.Join(filepath.Dir(place), ".firn-*")); len(names) > 0 {
				left = append(left, place)
			}
		}
		return nil
	}, site.Nothing)
	if err == nil {
		err = writePlaces(path, left)
	}
	if err != nil {
		s.Detail("look for what killed runs have left: %v", err)
	}
}

// readPlaces returns the noted targets, each once, the last ones if there are too many.
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
		return site.RemoveFile(path)
	}
	text := ""
	for _, place := range places {
		text += strconv.Quote(place) + "\n"
	}
	temporary, err := site.CreatePrivate(filepath.Dir(path), placesName+"-*", func(f *os.File) error {
		_, err := f.WriteString(text)
		return err
	})
	if err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
