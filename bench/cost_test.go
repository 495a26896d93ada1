package main

import (
	"testing"
	"time"
)

func TestMedianTakesEachFigureAlone(t *testing.T) {
	t.Parallel()
	got := median([]cost{{wall: 3 * time.Second, rss: 10}, {wall: time.Second, rss: 30}, {wall: 2 * time.Second, rss: 20}})
	if want := (cost{wall: 2 * time.Second, rss: 20}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}
